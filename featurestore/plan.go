package featurestore

import (
	"fmt"
	"math"
)

// plan is the layout of an image for a schema and capacities, before it has rows.
type plan struct {
	schema      Schema
	encoded     []byte
	fingerprint uint64
	seed        uint64
	parts       []part
	size        int
}

// newPlan starts a plan; setCapacity completes it.
func newPlan(schema Schema, seed uint64) (plan, error) {
	encoded, err := schema.encode()
	if err != nil {
		return plan{}, fmt.Errorf("featurestore: schema: %w", err)
	}
	return plan{schema: schema, encoded: encoded, fingerprint: schemaFingerprint(encoded), seed: seed}, nil
}

// setCapacity lays the image out. A dimension has room for at least one row.
func (p *plan) setCapacity(capacity []int) error {
	p.parts = nil
	if len(capacity) != len(p.schema.Dimensions) {
		return fmt.Errorf("featurestore: capacities for %d dimensions, the schema has %d", len(capacity), len(p.schema.Dimensions))
	}
	rows := make([]int, len(capacity))
	for i, n := range capacity {
		if n < 0 || uint64(n) > maxKeys {
			return fmt.Errorf("featurestore: capacity of %d keys in dimension %s, 0 to %d are allowed", n, p.schema.Dimensions[i].Name, uint64(maxKeys))
		}
		rows[i] = max(1, n)
	}
	parts, size := layOut(p.schema, p.encoded, rows)
	if size > math.MaxInt {
		return fmt.Errorf("featurestore: an image of %d bytes does not fit this system's address space", size)
	}
	p.parts, p.size = parts, int(size)
	return nil
}

// format writes an empty table, whose stamps count from epoch, to image, which has the planned
// size. Rows keep their bytes, since a row is read only through its bucket.
func (p *plan) format(image []byte, epoch int64) {
	clear(image[:p.parts[0].index])
	for _, part := range p.parts {
		clear(image[part.index:part.rows])
	}
	at := headerSize + recordSize*len(p.parts)
	le.PutUint64(image[offMagic:], imageMagic)
	le.PutUint32(image[offVersion:], imageVersion)
	le.PutUint32(image[offDimensions:], uint32(len(p.parts)))
	le.PutUint64(image[offFingerprint:], p.fingerprint)
	le.PutUint64(image[offEpoch:], uint64(epoch))
	le.PutUint64(image[offSeed:], p.seed)
	le.PutUint64(image[offSize:], uint64(len(image)))
	le.PutUint64(image[offSchema:], uint64(at))
	le.PutUint32(image[offSchemaSize:], uint32(len(p.encoded)))
	copy(image[at:], p.encoded)
	for i := range p.parts {
		p.parts[i].encode(image[headerSize+i*recordSize:])
	}
	le.PutUint64(image[offLayout:], layoutHash(image[headerSize:at]))
}

// fits reports whether image is a table of this plan, with any content. If so, the plan's offsets
// hold for it.
func (p *plan) fits(image []byte) bool {
	h, err := openHeader(image)
	return err == nil && len(image) == p.size && h.fingerprint() == p.fingerprint && h.seed() == p.seed &&
		h.dimensions == len(p.parts) && h.agrees(p.parts)
}

// agrees reports whether the directory describes the given parts.
func (h header) agrees(parts []part) bool {
	for i := range parts {
		if p, ok := h.part(i); !ok || p != parts[i] {
			return false
		}
	}
	return true
}

// ImageBytes returns the size of one copy of a table of schema with the capacity of a
// [PublisherConfig]. A publisher keeps two copies.
func ImageBytes(schema Schema, capacity []int) (int, error) {
	p, err := newPlan(schema, 0)
	if err == nil {
		err = p.setCapacity(capacityFor(schema, capacity))
	}
	return p.size, err
}
