package featurestore

import (
	"math"
	"math/bits"
)

// Table is one image, opened: its schema, and its rows by key. It shares the image's memory and lifetime, allocates
// only when it is opened, and is safe for concurrent use.
type Table struct {
	Schema    Schema
	Published int64 // time of publication, ns since 1970 UTC
	Seed      uint64
	image     []byte
	parts     []part
}

// OpenTable checks an image and reads its schema.
func OpenTable(image []byte) (*Table, error) {
	h, err := openHeader(image)
	if err != nil {
		return nil, err
	}
	encoded, err := h.schema()
	if err != nil {
		return nil, err
	}
	t := &Table{Published: h.published(), Seed: h.seed(), image: image}
	if t.Schema, err = decodeSchema(encoded); err != nil {
		return nil, err
	}
	if len(t.Schema.Dimensions) != h.dimensions {
		return nil, formatErrorf("%d directory entries for %d dimensions", h.dimensions, len(t.Schema.Dimensions))
	}
	for i, d := range t.Schema.Dimensions {
		p, ok := h.part(i)
		if !ok || p.columns != len(d.Columns) {
			return nil, formatErrorf("the directory entry of dimension %s points outside of the image or disagrees with the schema",
				d.Name)
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

// Size gives the size of the image in bytes.
func (t *Table) Size() int { return len(t.image) }

// Keys gives the number of keys in the dimension at place d of the schema.
func (t *Table) Keys(d int) int { return t.parts[d].keys }

// Row copies the columns of key to dst, as of the row's stamp, and gives the stamp in nanoseconds since 1970 UTC. A key
// that is not in the table is not ok.
func (t *Table) Row(d int, key uint64, dst []float32) (stamp int64, ok bool) {
	p := &t.parts[d]
	row, ok := p.find(t.image, key)
	if !ok {
		return 0, false
	}
	return p.copyRow(row, dst), true
}

// Each calls fn with every key of a dimension, its stamp and its row, which fn must not keep, in the table's order.
func (t *Table) Each(d int, fn func(key uint64, stamp int64, row []float32)) {
	p := &t.parts[d]
	row := make([]float32, p.columns)
	for place := range p.buckets * bucketKeys {
		if key := le.Uint64(t.image[p.index+8*place:]); key != 0 {
			fn(key, p.copyRow(p.row(t.image, place), row), row)
		}
	}
}

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
func (h header) published() int64    { return int64(le.Uint64(h.image[offPublished:])) }
func (h header) seed() uint64        { return le.Uint64(h.image[offSeed:]) }

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

// part is one dimension's tables, checked against the image.
type part struct {
	epoch   int64
	keys    int
	buckets int
	index   int // offset of the buckets
	rows    int // offset of the rows
	stride  int // bytes of a row
	columns int
}

// part gives the tables of dimension i, not ok where they do not lie inside of the image.
func (h header) part(i int) (part, bool) {
	if i >= h.dimensions {
		return part{}, false
	}
	e := h.image[headerSize+i*entrySize:][:entrySize]
	buckets, columns, words := le.Uint64(e[offBuckets:]), le.Uint32(e[offColumns:]), le.Uint32(e[offStride:])
	index, rows := le.Uint64(e[offIndex:]), le.Uint64(e[offRows:])
	places := buckets * bucketKeys
	size := uint64(len(h.image))
	if buckets == 0 || buckets > size/bucketSize || columns > MaxColumns || words != columns+1 ||
		places > size/(4*uint64(words)) || le.Uint64(e[offKeys:]) > places ||
		!inside(index, buckets*bucketSize, h.image) || !inside(rows, places*4*uint64(words), h.image) {
		return part{}, false
	}
	return part{
		epoch:   int64(le.Uint64(h.image[offEpoch:])),
		keys:    int(le.Uint64(e[offKeys:])),
		buckets: int(buckets),
		index:   int(index),
		rows:    int(rows),
		stride:  4 * int(words),
		columns: int(columns),
	}, true
}

// find gives the row of key. It looks at maxProbe buckets at most and ends at the first that has a free place.
func (p *part) find(image []byte, key uint64) ([]byte, bool) {
	if key == 0 {
		return nil, false
	}
	b := int(bucketOf(key, uint64(p.buckets)))
	for range min(maxProbe, p.buckets) {
		bucket := (*[bucketSize]byte)(image[p.index+b*bucketSize:])
		full := true
		for place := range bucketKeys {
			switch le.Uint64(bucket[8*place:]) {
			case key:
				return p.row(image, b*bucketKeys+place), true
			case 0:
				full = false
			}
		}
		if !full {
			return nil, false
		}
		if b++; b == p.buckets {
			b = 0
		}
	}
	return nil, false
}

func (p *part) row(image []byte, place int) []byte {
	at := p.rows + place*p.stride
	return image[at : at+p.stride : at+p.stride]
}

// stamp gives the time of a row's last change.
func (p *part) stamp(row []byte) int64 { return stampTime(p.epoch, le.Uint32(row)) }

// value gives column c of a row.
func value(row []byte, c int) float32 {
	return math.Float32frombits(le.Uint32(row[4+4*c:]))
}

func (p *part) copyRow(row []byte, dst []float32) int64 {
	for c := range min(p.columns, len(dst)) {
		dst[c] = value(row, c)
	}
	return p.stamp(row)
}

// inside tells whether size bytes at offset at lie inside of the image, without overflow.
func inside(at, size uint64, image []byte) bool {
	n := uint64(len(image))
	return at <= n && size <= n-at
}

func mulHigh(a, b uint64) uint64 {
	high, _ := bits.Mul64(a, b)
	return high
}
