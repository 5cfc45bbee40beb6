package featurestore

import "fmt"

// Builder makes table images in memory. It is for one goroutine, and reuses its memory from one
// image to the next.
type Builder struct {
	plan   plan
	editor editor
	image  []byte // empty until Begin
	now    int64
}

// NewBuilder returns a Builder for images of the given schema whose keys are hashed with seed.
func NewBuilder(schema Schema, seed uint64) (*Builder, error) {
	p, err := newPlan(schema, seed)
	if err != nil {
		return nil, err
	}
	return &Builder{plan: p}, nil
}

// Seed returns the seed of the keys' hash.
func (b *Builder) Seed() uint64 { return b.plan.seed }

// Begin starts an image that is published at now, nanoseconds since 1970 UTC, with room for
// capacity[i] keys in dimension i. It overwrites the previous image.
func (b *Builder) Begin(now int64, capacity []int) error {
	b.image = b.image[:0]
	if err := b.plan.setCapacity(capacity); err != nil {
		return err
	}
	if size := b.plan.size; cap(b.image) < size {
		b.image = make([]byte, size)
	} else {
		b.image = b.image[:size]
		clear(b.image)
	}
	b.now = now
	b.editor.begin(&b.plan, b.image, now, true)
	return nil
}

// Put adds a row, last changed at stamp (nanoseconds since 1970 UTC), to dimension d of the schema,
// or replaces the key's row. The row has one value for each column. Key 0 is not allowed. If Put
// returns an error, the image has not changed. A full dimension evicts a row, as in a [Publisher].
func (b *Builder) Put(d int, key uint64, stamp int64, row []float32) error {
	if len(b.image) == 0 {
		return fmt.Errorf("featurestore: put: no image was begun (call Begin first)")
	}
	if err := b.plan.check(d, key, row); err != nil {
		return err
	}
	dst := b.editor.open(d, key)
	putFloats(dst[offValues:], row)
	b.editor.close(d, dst, stamp)
	return nil
}

// check returns an error unless key and row are valid in dimension d.
func (p *plan) check(d int, key uint64, row []float32) error {
	if d < 0 || d >= len(p.parts) {
		return fmt.Errorf("featurestore: put: dimension %d of a schema with %d", d, len(p.parts))
	}
	if key == 0 || len(row) != p.parts[d].columns {
		return fmt.Errorf("featurestore: put: key %#x with %d values for %d columns", key, len(row), p.parts[d].columns)
	}
	return nil
}

// Image finishes the image and returns its bytes, which are valid until the next Begin. They are
// empty if Begin failed or was not called.
func (b *Builder) Image() []byte {
	if len(b.image) > 0 {
		b.editor.end(b.now)
	}
	return b.image
}
