package featurestore

import (
	"fmt"
	"math"
)

// plan is what an image of a schema looks like at given capacities, before any row is in it.
type plan struct {
	schema      Schema
	encoded     []byte
	fingerprint uint64
	seed        uint64
	parts       []part
	size        int
}

// newPlan begins a plan, which setCapacity ends.
func newPlan(schema Schema, seed uint64) (plan, error) {
	encoded, err := schema.encode()
	if err != nil {
		return plan{}, err
	}
	return plan{schema: schema, encoded: encoded, fingerprint: fingerprintOf(encoded), seed: seed}, nil
}

// setCapacity lays the image out. A dimension has room for one row at least.
func (p *plan) setCapacity(capacity []int) error {
	p.parts = nil
	if len(capacity) != len(p.schema.Dimensions) {
		return fmt.Errorf("feature table: capacities for %d dimensions, the schema has %d", len(capacity), len(p.schema.Dimensions))
	}
	rows := make([]int, len(capacity))
	for i, n := range capacity {
		if n < 0 || uint64(n) > maxKeys {
			return fmt.Errorf("feature table: %d keys in dimension %s, 0 to %d are allowed", n, p.schema.Dimensions[i].Name, uint64(maxKeys))
		}
		rows[i] = max(1, n)
	}
	parts, size := layOut(p.schema, p.encoded, rows)
	if size > math.MaxInt {
		return fmt.Errorf("feature table: an image of %d bytes does not fit this system's address space", size)
	}
	p.parts, p.size = parts, int(size)
	return nil
}

// format makes image, of the planned size, a table without rows whose stamps count from epoch. Rows keep what they
// held, since a row is read only through its bucket.
func (p *plan) format(image []byte, epoch int64) {
	clear(image[:p.parts[0].index])
	for _, part := range p.parts {
		clear(image[part.index:part.rows])
	}
	at := headerSize + entrySize*len(p.parts)
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
		p.parts[i].encode(image[headerSize+i*entrySize:])
	}
	le.PutUint64(image[offLayout:], layoutOf(image[headerSize:at]))
}

// fits tells whether image is a table of this plan, whatever is in it. What the plan says of offsets then holds for it.
func (p *plan) fits(image []byte) bool {
	h, err := openHeader(image)
	return err == nil && len(image) == p.size && h.fingerprint() == p.fingerprint && h.seed() == p.seed &&
		h.dimensions == len(p.parts) && h.agrees(p.parts)
}

// agrees tells whether the directory is that of the given parts.
func (h header) agrees(parts []part) bool {
	for i := range parts {
		if p, ok := h.part(i); !ok || p != parts[i] {
			return false
		}
	}
	return true
}

// ImageBytes is the size of one copy of a table of schema with room for capacity keys, as PublisherOptions.Capacity has
// them. A publisher keeps two.
func ImageBytes(schema Schema, capacity []int) (int, error) {
	p, err := newPlan(schema, 0)
	if err == nil {
		err = p.setCapacity(capacityFor(schema, capacity))
	}
	return p.size, err
}
