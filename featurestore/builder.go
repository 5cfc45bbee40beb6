package featurestore

import "fmt"

// Builder makes table images in memory. It is for one goroutine, and keeps its memory from one image to the next.
type Builder struct {
	plan   plan
	editor editor
	image  []byte // empty until Begin
	now    int64
}

// NewBuilder makes images of the given schema whose keys were hashed with seed.
func NewBuilder(schema Schema, seed uint64) (*Builder, error) {
	p, err := newPlan(schema, seed)
	if err != nil {
		return nil, err
	}
	return &Builder{plan: p}, nil
}

// Seed is the seed of the keys' hash.
func (b *Builder) Seed() uint64 { return b.plan.seed }

// Begin starts an image that is published at now, nanoseconds since 1970 UTC, with room for capacity[i] keys in
// dimension i. The former image's bytes are used again.
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

// Put adds a row, last changed at stamp (nanoseconds since 1970 UTC), to dimension d of the schema. Key 0 is not
// allowed, and a key that is there already gets the new row. The row has one value for each column. What Put refuses
// leaves the image as it was. A full dimension evicts a row, as that of a [Publisher] does.
func (b *Builder) Put(d int, key uint64, stamp int64, row []float32) error {
	if len(b.image) == 0 {
		return fmt.Errorf("feature table: Put without an image that was begun")
	}
	if err := b.plan.check(d, key, row); err != nil {
		return err
	}
	dst := b.editor.open(d, key)
	putFloats(dst[offValues:], row)
	b.editor.close(d, dst, stamp)
	return nil
}

// check refuses what is no row of dimension d.
func (p *plan) check(d int, key uint64, row []float32) error {
	if d < 0 || d >= len(p.parts) {
		return fmt.Errorf("feature table: dimension %d of %d", d, len(p.parts))
	}
	if key == 0 || len(row) != p.parts[d].columns {
		return fmt.Errorf("feature table: key %#x with %d values for %d columns", key, len(row), p.parts[d].columns)
	}
	return nil
}

// Image ends the image and gives its bytes, which stay valid until the next Begin. There are none where Begin failed
// or was not called.
func (b *Builder) Image() []byte {
	if len(b.image) > 0 {
		b.editor.end(b.now)
	}
	return b.image
}
