package featurestore

// header is an image whose header was checked. Its methods read only checked fields. Opening one on
// the request path costs a few loads and no allocation.
type header struct {
	image      []byte
	dimensions int
}

func openHeader(image []byte) (header, error) {
	if len(image) < headerSize {
		return header{}, formatErrorf("the image has %d bytes, a header needs %d", len(image), headerSize)
	}
	if m := le.Uint64(image[offMagic:]); m != imageMagic {
		return header{}, formatErrorf("magic %#x, expected %#x: not a feature table", m, uint64(imageMagic))
	}
	if v := le.Uint32(image[offVersion:]); v != imageVersion {
		return header{}, formatErrorf("format version %d, this release reads %d", v, imageVersion)
	}
	if n := le.Uint64(image[offSize:]); n != uint64(len(image)) {
		return header{}, formatErrorf("the header says %d bytes, the image has %d", n, len(image))
	}
	n := le.Uint32(image[offDimensions:])
	if n == 0 || n > MaxDimensions || headerSize+int(n)*recordSize > len(image) {
		return header{}, formatErrorf("%d dimensions, 1 to %d are allowed", n, MaxDimensions)
	}
	return header{image: image, dimensions: int(n)}, nil
}

func (h header) fingerprint() uint64 { return le.Uint64(h.image[offFingerprint:]) }
func (h header) layout() uint64      { return le.Uint64(h.image[offLayout:]) }
func (h header) seed() uint64        { return le.Uint64(h.image[offSeed:]) }

// kind is everything in a header except times and checksum: magic, version, dimensions,
// fingerprint, layout, seed and size.
type kind [offPublished / 8]uint64

func readKind(image []byte) (k kind) {
	for i := range k {
		k[i] = le.Uint64(image[8*i:])
	}
	return k
}

// is reports whether an image, which has a header, is of this kind. Every request calls it, so it
// has one branch.
func (k *kind) is(image []byte) bool {
	head := image[:8*len(k)]
	return (k[0]^le.Uint64(head))|(k[1]^le.Uint64(head[8:]))|(k[2]^le.Uint64(head[16:]))|
		(k[3]^le.Uint64(head[24:]))|(k[4]^le.Uint64(head[32:]))|(k[5]^le.Uint64(head[40:])) == 0
}

// publishedAt and imageEpoch read the published and epoch fields of an image whose kind is known.
func publishedAt(image []byte) int64 { return int64(le.Uint64(image[offPublished:])) }
func imageEpoch(image []byte) int64  { return int64(le.Uint64(image[offEpoch:])) }

// openImage checks all of an image except its buckets and rows.
func openImage(image []byte) (h header, schema Schema, parts []part, err error) {
	if h, err = openHeader(image); err == nil {
		schema, parts, err = h.open()
	}
	return h, schema, parts, err
}

// open reads the schema and the directory and checks that they agree.
func (h header) open() (Schema, []part, error) {
	encoded, err := h.schema()
	if err != nil {
		return Schema{}, nil, err
	}
	schema, err := decodeSchema(encoded)
	if err != nil {
		return Schema{}, nil, err
	}
	if h.dimensions != len(schema.Dimensions) {
		return Schema{}, nil, formatErrorf("the directory has %d records for %d dimensions", h.dimensions, len(schema.Dimensions))
	}
	if layoutHash(h.image[headerSize:headerSize+h.dimensions*recordSize]) != h.layout() {
		return Schema{}, nil, formatErrorf("the directory does not match the layout hash of the header")
	}
	var parts []part
	for i, d := range schema.Dimensions {
		p, ok := h.part(i)
		if !ok || p.columns != len(d.Columns) {
			return Schema{}, nil, formatErrorf("the directory record of dimension %s points outside of the image or disagrees with the schema",
				d.Name)
		}
		parts = append(parts, p)
	}
	return schema, parts, nil
}

// schema returns the schema's bytes after it has checked them against the fingerprint.
func (h header) schema() ([]byte, error) {
	at, size := le.Uint64(h.image[offSchema:]), uint64(le.Uint32(h.image[offSchemaSize:]))
	if !inside(at, size, h.image) {
		return nil, formatErrorf("the schema, %d bytes at %d, is outside of the image of %d bytes", size, at, len(h.image))
	}
	b := h.image[at : at+size]
	if schemaFingerprint(b) != h.fingerprint() {
		return nil, formatErrorf("the schema does not match the fingerprint of the header")
	}
	return b, nil
}

func (h header) part(i int) (part, bool) { return decodePart(directoryRecord(h.image, i), h.image) }
