package featurestore

// header is an image whose header was checked. Its methods read what was checked; they are made so that opening one
// on the request path costs a few loads and no allocation.
type header struct {
	image      []byte
	dimensions int
}

func openHeader(image []byte) (header, error) {
	if len(image) < headerSize {
		return header{}, formatErrorf("%d bytes, a header alone has %d", len(image), headerSize)
	}
	if m := le.Uint64(image[offMagic:]); m != imageMagic {
		return header{}, formatErrorf("magic %#x, expected %#x: not a feature table", m, uint64(imageMagic))
	}
	if v := le.Uint32(image[offVersion:]); v != imageVersion {
		return header{}, formatErrorf("format version %d, this release reads %d", v, imageVersion)
	}
	if n := le.Uint64(image[offSize:]); n != uint64(len(image)) {
		return header{}, formatErrorf("the header tells %d bytes, the image has %d", n, len(image))
	}
	n := le.Uint32(image[offDimensions:])
	if n == 0 || n > MaxDimensions || headerSize+int(n)*entrySize > len(image) {
		return header{}, formatErrorf("%d dimensions, 1 to %d fit", n, MaxDimensions)
	}
	return header{image: image, dimensions: int(n)}, nil
}

func (h header) fingerprint() uint64 { return le.Uint64(h.image[offFingerprint:]) }
func (h header) layout() uint64      { return le.Uint64(h.image[offLayout:]) }
func (h header) seed() uint64        { return le.Uint64(h.image[offSeed:]) }

// kind is all that a header tells of an image but its times: magic, version, dimensions, fingerprint, layout, seed and
// size.
type kind [offPublished / 8]uint64

func kindOf(image []byte) (k kind) {
	for i := range k {
		k[i] = le.Uint64(image[8*i:])
	}
	return k
}

// is tells whether an image, which has a header, is of this kind. Every request asks that, so that it is one branch.
func (k *kind) is(image []byte) bool {
	head := image[:8*len(k)]
	return (k[0]^le.Uint64(head))|(k[1]^le.Uint64(head[8:]))|(k[2]^le.Uint64(head[16:]))|
		(k[3]^le.Uint64(head[24:]))|(k[4]^le.Uint64(head[32:]))|(k[5]^le.Uint64(head[40:])) == 0
}

// publishedAt and epochOf are published and epoch of an image whose kind is known.
func publishedAt(image []byte) int64 { return int64(le.Uint64(image[offPublished:])) }
func epochOf(image []byte) int64     { return int64(le.Uint64(image[offEpoch:])) }

// openImage checks all of an image but its buckets and rows.
func openImage(image []byte) (h header, schema Schema, parts []part, err error) {
	if h, err = openHeader(image); err == nil {
		schema, parts, err = h.open()
	}
	return h, schema, parts, err
}

// open reads the schema and the directory, and checks that they agree.
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
		return Schema{}, nil, formatErrorf("%d directory entries for %d dimensions", h.dimensions, len(schema.Dimensions))
	}
	if layoutOf(h.image[headerSize:headerSize+h.dimensions*entrySize]) != h.layout() {
		return Schema{}, nil, formatErrorf("the directory does not have the layout hash that the header tells")
	}
	var parts []part
	for i, d := range schema.Dimensions {
		p, ok := h.part(i)
		if !ok || p.columns != len(d.Columns) {
			return Schema{}, nil, formatErrorf("the directory entry of dimension %s points outside of the image or disagrees with the schema",
				d.Name)
		}
		parts = append(parts, p)
	}
	return schema, parts, nil
}

// schema gives the schema's bytes, checked against the fingerprint.
func (h header) schema() ([]byte, error) {
	at, size := le.Uint64(h.image[offSchema:]), uint64(le.Uint32(h.image[offSchemaSize:]))
	if !inside(at, size, h.image) {
		return nil, formatErrorf("the schema, %d bytes at %d, lies outside of the image of %d bytes", size, at, len(h.image))
	}
	b := h.image[at : at+size]
	if fingerprintOf(b) != h.fingerprint() {
		return nil, formatErrorf("the schema's bytes do not have the fingerprint that the header tells")
	}
	return b, nil
}

func (h header) part(i int) (part, bool) { return decodePart(entryOf(h.image, i), h.image) }
