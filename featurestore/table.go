package featurestore

// Table is one opened image: its schema, and its rows by key. It shares the image's memory and
// lifetime, allocates only when it is opened, and is safe for concurrent use.
type Table struct {
	Schema    Schema
	Published int64 // time of publication, ns since 1970 UTC
	Seed      uint64
	image     []byte
	epoch     int64
	rows      []rows
}

// OpenTable checks an image and reads its schema.
func OpenTable(image []byte) (*Table, error) {
	h, schema, parts, err := openImage(image)
	if err != nil {
		return nil, err
	}
	t := &Table{Schema: schema, Published: publishedAt(image), Seed: h.seed(), image: image, epoch: imageEpoch(image)}
	for i, p := range parts {
		r := rows{part: p}
		r.load(directoryRecord(image, i))
		t.rows = append(t.rows, r)
	}
	return t, nil
}

// Size returns the size of the image in bytes.
func (t *Table) Size() int { return len(t.image) }

// Keys returns the number of keys in dimension d of the schema.
func (t *Table) Keys(d int) int { return t.rows[d].keys }

// Capacity returns the number of keys that dimension d has room for.
func (t *Table) Capacity(d int) int { return t.rows[d].capacity }

// Evicted returns the number of rows of dimension d that were evicted since the table was built.
func (t *Table) Evicted(d int) uint64 { return t.rows[d].evicted + t.rows[d].crowded }

// Row copies the columns of key to dst, as of the row's stamp, and returns the stamp in nanoseconds
// since 1970 UTC. It reports false if the key is not in the table.
func (t *Table) Row(d int, key uint64, dst []float32) (stamp int64, ok bool) {
	p := &t.rows[d].part
	if key == 0 {
		return 0, false
	}
	n, ok := p.lookUp(t.image, key, locate(key, p.buckets))
	if !ok {
		return 0, false
	}
	return t.copyRow(p, n, dst), true
}

// Each calls fn with every key of a dimension, its stamp and its row, in the table's order. fn must
// not keep the row.
func (t *Table) Each(d int, fn func(key uint64, stamp int64, row []float32)) {
	r := &t.rows[d]
	values := make([]float32, r.columns)
	for n := range r.used {
		if key := le.Uint64(r.row(t.image, n)[offKey:]); key != 0 {
			stamp := t.copyRow(&r.part, n, values)
			fn(key, stamp, values)
		}
	}
}

func (t *Table) copyRow(p *part, n int, dst []float32) (stamp int64) {
	row := p.row(t.image, n)
	getFloats(dst[:min(p.columns, len(dst))], row[offValues:])
	return stampTime(t.epoch, le.Uint32(row[offStamp:]))
}

// lookUp returns the number of the row of key, which must not be 0. It reads at most two buckets.
func (p *part) lookUp(image []byte, key uint64, h home) (int, bool) {
	first := p.bucket(image, h.first)
	if n, ok := p.lookIn(image, first, key, h.tag); ok || first.spilled() == 0 {
		return n, ok
	}
	return p.lookIn(image, p.bucket(image, h.second), key, h.tag)
}

func (p *part) lookIn(image []byte, b *bucket, key uint64, tag uint16) (int, bool) {
	for m := b.match(tag); m != 0; m &= m - 1 {
		row := b.row(lowestEntry(m))
		if row == 0 || int64(row) > int64(p.capacity) {
			continue
		}
		if n := int(row - 1); le.Uint64(p.row(image, n)[offKey:]) == key {
			return n, true
		}
	}
	return 0, false
}
