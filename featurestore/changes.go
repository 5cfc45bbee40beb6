package featurestore

import "github.com/headgate/headgate/internal/base/prefetch"

// changes is a log of what changed in a table between two publications, in order. It is kept as
// bytes in chunks: growing it moves nothing, and the garbage collector has nothing to scan.
type changes struct {
	startsEmpty bool   // whether the table began empty
	number      uint64 // of the publication that contains them; 0: not yet published
	count       int
	size        int      // bytes
	chunks      [][]byte // the first used ones hold changes, the others are spare
	used        int
}

// A change is a head (the dimension, the number of values, whether it is a deletion), the key, the
// time, and the values as in a row.
const (
	changeHead  = 20
	deletionBit = 1 << 31
	valuesShift = 8
	chunkSize   = 64 << 10
)

// change is one decoded change.
type change struct {
	dimension int
	deletion  bool
	key       uint64
	stamp     int64
	values    []byte
}

// add appends a change and returns the bytes of its values for the caller to fill in.
func (c *changes) add(d int, deletion bool, key uint64, stamp int64, values int) []byte {
	size := changeHead + 4*values
	if c.used == 0 || cap(c.chunks[c.used-1])-len(c.chunks[c.used-1]) < size {
		if c.used == len(c.chunks) {
			c.chunks = append(c.chunks, make([]byte, 0, chunkSize))
		}
		c.chunks[c.used] = c.chunks[c.used][:0]
		c.used++
	}
	chunk := &c.chunks[c.used-1]
	at := len(*chunk)
	*chunk = (*chunk)[:at+size]
	b := (*chunk)[at:]
	head := uint32(d) | uint32(values)<<valuesShift
	if deletion {
		head |= deletionBit
	}
	le.PutUint32(b, head)
	le.PutUint64(b[4:], key)
	le.PutUint64(b[12:], uint64(stamp))
	c.count++
	c.size += size
	return b[changeHead:]
}

// decodeChange decodes the first change of chunk and returns the rest.
func decodeChange(chunk []byte) (c change, rest []byte) {
	head := le.Uint32(chunk)
	values := int(head &^ deletionBit >> valuesShift)
	c = change{
		dimension: int(head & (1<<valuesShift - 1)), deletion: head&deletionBit != 0,
		key: le.Uint64(chunk[4:]), stamp: int64(le.Uint64(chunk[12:])),
		values: chunk[changeHead:][:4*values],
	}
	return c, chunk[changeHead+4*values:]
}

// replayBatch is the number of changes prefetched together, so that their cache misses overlap.
const replayBatch = 32

// replay applies the changes to an image.
func (c *changes) replay(e *editor) {
	var batch [replayBatch]change
	for _, chunk := range c.chunks[:c.used] {
		for len(chunk) > 0 {
			n := 0
			for ; n < len(batch) && len(chunk) > 0; n++ {
				batch[n], chunk = decodeChange(chunk)
			}
			e.prefetch(batch[:n])
			for i := range batch[:n] {
				e.apply(&batch[i])
			}
		}
	}
}

func (e *editor) apply(c *change) {
	if c.deletion {
		e.remove(c.dimension, c.key)
		return
	}
	row := e.open(c.dimension, c.key)
	copy(row[offValues:], c.values)
	e.close(c.dimension, row, c.stamp)
}

// prefetch fetches the memory that the changes of a batch need: first all buckets, then all rows.
func (e *editor) prefetch(batch []change) {
	var firsts [replayBatch]int
	var tags [replayBatch]uint16
	for i := range batch {
		r := &e.rows[batch[i].dimension]
		firsts[i], tags[i] = locateFirst(batch[i].key, r.buckets)
		prefetch.Word(r.bucket(e.image, firsts[i]))
	}
	for i := range batch {
		r := &e.rows[batch[i].dimension]
		b := r.bucket(e.image, firsts[i])
		if n := int64(b.row(lowestEntry(b.match(tags[i])))) - 1; n >= 0 && n < int64(r.capacity) {
			prefetch.Words(r.row(e.image, int(n)))
		}
	}
}

// clear removes the changes and keeps their memory.
func (c *changes) clear() { *c = changes{chunks: c.chunks} }

// drop removes the changes and their memory.
func (c *changes) drop() { *c = changes{} }
