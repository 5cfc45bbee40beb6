package featurestore

import (
	"errors"
	"fmt"
	"math"
)

// Builder makes table images. It is for one goroutine, and keeps its memory from one image to the next.
type Builder struct {
	schema      Schema
	encoded     []byte
	fingerprint uint64
	seed        uint64

	image []byte
	parts []part
}

// ErrCrowded reports that a key found no place near its bucket: the image was begun for fewer keys than it got, or
// the keys are not hashes.
var ErrCrowded = errors.New("feature table: no place for the key")

// NewBuilder makes images of the given schema whose keys were hashed with seed.
func NewBuilder(schema Schema, seed uint64) (*Builder, error) {
	encoded, err := schema.encode()
	if err != nil {
		return nil, err
	}
	return &Builder{schema: schema, encoded: encoded, fingerprint: fingerprintOf(encoded), seed: seed}, nil
}

// Seed is the seed of the keys' hash.
func (b *Builder) Seed() uint64 { return b.seed }

// Begin starts an image that is published at now, nanoseconds since 1970 UTC, with room for keys[i] keys in dimension
// i. The former image's bytes are used again.
func (b *Builder) Begin(now int64, keys []int) error {
	if len(keys) != len(b.schema.Dimensions) {
		return fmt.Errorf("feature table: sizes for %d dimensions, the schema has %d", len(keys), len(b.schema.Dimensions))
	}
	b.parts, b.image = b.parts[:0], b.image[:0]
	for i, n := range keys {
		if n < 0 || uint64(n) > maxKeys {
			return fmt.Errorf("feature table: %d keys in dimension %s, 0 to %d are allowed", n, b.schema.Dimensions[i].Name, uint64(maxKeys))
		}
	}
	size := b.layOut(epochFor(now), keys)
	if size > math.MaxInt/5*4 { // with the headroom that reset adds
		b.parts = b.parts[:0]
		return fmt.Errorf("feature table: an image of %d bytes does not fit this system's address space", size)
	}
	b.reset(int(size))
	b.writeHeader(now)
	return nil
}

// layOut plans the image: buckets and rows of one dimension after the other, each on a cache line.
func (b *Builder) layOut(epoch int64, keys []int) (size uint64) {
	at := align(uint64(headerSize + entrySize*len(keys) + len(b.encoded)))
	for i, d := range b.schema.Dimensions {
		buckets := uint64(keys[i])*100/(loadPercent*bucketKeys) + 1
		stride := uint64(4 * (1 + len(d.Columns)))
		p := part{epoch: epoch, buckets: int(buckets), stride: int(stride), columns: len(d.Columns), index: int(at)}
		at += buckets * bucketSize
		p.rows = int(at)
		at = align(at + buckets*bucketKeys*stride)
		b.parts = append(b.parts, p)
	}
	return at
}

// reset gives an image of size bytes whose header, schema and buckets are zero; rows keep what they held, since a row
// is read only through its key.
func (b *Builder) reset(size int) {
	if cap(b.image) < size {
		b.image = make([]byte, size, size+size/4)
		return
	}
	b.image = b.image[:size]
	clear(b.image[:b.parts[0].index])
	for _, p := range b.parts {
		clear(b.image[p.index:p.rows])
	}
}

func (b *Builder) writeHeader(now int64) {
	h := b.image
	at := headerSize + entrySize*len(b.parts)
	le.PutUint64(h[offMagic:], imageMagic)
	le.PutUint32(h[offVersion:], imageVersion)
	le.PutUint32(h[offDimensions:], uint32(len(b.parts)))
	le.PutUint64(h[offFingerprint:], b.fingerprint)
	le.PutUint64(h[offPublished:], uint64(now))
	le.PutUint64(h[offEpoch:], uint64(b.parts[0].epoch))
	le.PutUint64(h[offSeed:], b.seed)
	le.PutUint64(h[offSize:], uint64(len(h)))
	le.PutUint64(h[offSchema:], uint64(at))
	le.PutUint32(h[offSchemaSize:], uint32(len(b.encoded)))
	copy(h[at:], b.encoded)
	for i, p := range b.parts {
		e := h[headerSize+i*entrySize:]
		le.PutUint64(e[offBuckets:], uint64(p.buckets))
		le.PutUint64(e[offIndex:], uint64(p.index))
		le.PutUint64(e[offRows:], uint64(p.rows))
		le.PutUint32(e[offColumns:], uint32(p.columns))
		le.PutUint32(e[offStride:], uint32(p.stride/4))
	}
}

// Put adds a row, last changed at stamp (nanoseconds since 1970 UTC), to dimension d of the schema. Key 0 is not
// allowed, and a key that is there already gets the new row. The row has one value for each column. What Put refuses
// leaves the image as it was.
func (b *Builder) Put(d int, key uint64, stamp int64, row []float32) error {
	if d < 0 || d >= len(b.parts) {
		return fmt.Errorf("feature table: dimension %d of %d that were begun", d, len(b.parts))
	}
	p := &b.parts[d]
	if key == 0 || len(row) != p.columns {
		return fmt.Errorf("feature table: key %#x with %d values for %d columns", key, len(row), p.columns)
	}
	place, isNew, ok := p.place(b.image, key)
	if !ok {
		return ErrCrowded
	}
	if isNew {
		p.keys++
		le.PutUint64(b.image[p.index+8*place:], key)
	}
	dst := p.row(b.image, place)
	le.PutUint32(dst, ticksSince(p.epoch, stamp))
	for c, v := range row {
		le.PutUint32(dst[4+4*c:], math.Float32bits(v))
	}
	return nil
}

// place finds where key lies or may be put: the first free place in the buckets from its own on.
func (p *part) place(image []byte, key uint64) (place int, isNew, ok bool) {
	first := int(bucketOf(key, uint64(p.buckets)))
	for n := range min(maxProbe, p.buckets) * bucketKeys {
		at := (first*bucketKeys + n) % (p.buckets * bucketKeys)
		switch le.Uint64(image[p.index+8*at:]) {
		case key:
			return at, false, true
		case 0:
			return at, true, true
		}
	}
	return 0, false, false
}

// Image ends the image and gives its bytes, which stay valid until the next Begin. There are none where Begin failed
// or was not called.
func (b *Builder) Image() []byte {
	for i, p := range b.parts {
		le.PutUint64(b.image[headerSize+i*entrySize+offKeys:], uint64(p.keys))
	}
	return b.image
}
