package scorer

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// quantiser turns values into bytes: for each bucket the number of its borders that are below the
// value. A bucket has at most BucketBorders borders of one column; a column with more takes several
// buckets. The values are float32 inputs, of which NaN is replaced, or keys.
//
// It holds two programs for the vector kernels. Where columns have few borders, 16 columns are
// compared with one border of each at a time. Where they have many, the borders of one column are
// compared 16 at a time: 16 pivots choose the chunk of 16 borders that the value falls into.
// fewBorders is where the second becomes faster.
//
// Layout of the first, for each group of 16 columns: positions of the values (16 x uint32), what
// replaces NaN (16 x float32), number of border vectors divided by 4 (uint32, padded to 64 bytes),
// border vectors (16 values each, the highest where a column has no more borders: nothing is above
// it).
//
// Layout of the second, for each column: position of the value, bytes of the entry, what replaces
// NaN (padded to 64 bytes), pivots (16 values: the last border of each chunk but the last, then the
// highest), chunks (16 values, padded by the highest). So the number of pivots below a value is at
// most the number of the last chunk.
type quantiser struct {
	keys    bool // values are int32 keys, not float32
	inputs  int  // the kernels read values 0 to inputs-1
	groups  int
	few     []byte
	columns int
	wide    []byte
}

// fewBorders is where both ways of quantising take about the same time, with both instruction sets.
const fewBorders = 80

// bucket is a bucket: borders of one column, at most BucketBorders of them, in ascending order and
// distinct.
type bucket struct {
	column  int
	chunk   int // which BucketBorders borders of the column
	borders []int32
}

// byteTest is a condition on the quantised row: it holds if the byte at bucket is at least rank.
type byteTest struct {
	bucket uint16
	rank   uint8
}

// neverPasses is a test that never holds: no byte is above BucketBorders.
var neverPasses = byteTest{rank: math.MaxUint8}

// byteTests finds the byte test of each condition on the columns of a quantiser.
type byteTests struct {
	borders [][]int32  // of each column, ascending and distinct
	buckets [][]uint16 // of each column: one for each BucketBorders borders
}

func (p *byteTests) find(column int, border int32) byteTest {
	at, _ := slices.BinarySearch(p.borders[column], border)
	return byteTest{bucket: p.buckets[column][at/forest.BucketBorders],
		rank: uint8(at%forest.BucketBorders + 1)}
}

// newQuantiser lays out columns whose values are float32, or keys. borders lists those of each
// column that a condition refers to, as keys; it is sorted and stripped of repetitions.
func newQuantiser(columns []numberColumn, borders [][]int32, keys bool) (quantiser, byteTests) {
	q := quantiser{keys: keys}
	p := byteTests{borders: borders, buckets: make([][]uint16, len(columns))}
	var all []bucket
	for i := range columns {
		slices.Sort(borders[i])
		borders[i] = slices.Compact(borders[i])
		p.buckets[i] = make([]uint16, forest.BucketCount(len(borders[i])))
		for chunk := range p.buckets[i] {
			rest := borders[i][chunk*forest.BucketBorders:]
			all = append(all, bucket{column: i, chunk: chunk,
				borders: rest[:min(len(rest), forest.BucketBorders)]})
		}
		q.inputs = max(q.inputs, int(columns[i].flat)+1)
	}
	// A group takes as long as its longest column, so columns of like lengths go together.
	slices.SortStableFunc(all, func(a, b bucket) int { return len(a.borders) - len(b.borders) })
	many, _ := slices.BinarySearchFunc(all, fewBorders+1, func(b bucket,
		n int) int {
		return len(b.borders) - n
	})
	for group := range slices.Chunk(all[:many], 16) {
		q.addGroup(columns, group)
	}
	for i := range all[many:] {
		q.addColumn(columns, &all[many+i])
	}
	for i, b := range all {
		if i >= many {
			i += q.groups*16 - many
		}
		p.buckets[b.column][b.chunk] = uint16(i)
	}
	q.few, q.wide = realigned(q.few), realigned(q.wide)
	return q, p
}

// size returns the number of bytes of a quantised row.
func (q *quantiser) size() int { return q.groups*16 + q.columns }

// word returns a border as the kernels compare it.
func (q *quantiser) word(key int32) uint32 {
	if q.keys {
		return uint32(key)
	}
	return math.Float32bits(forest.OrderKeyValue(key))
}

// highest returns a border that no value exceeds.
func (q *quantiser) highest() int32 {
	if q.keys {
		return math.MaxInt32
	}
	return highKey
}

func (q *quantiser) addGroup(columns []numberColumn, group []bucket) {
	vectors := (len(group[len(group)-1].borders) + 3) / 4 * 4
	entry := make([]uint32, 48+16*vectors)
	for lane := range entry[48:] {
		entry[48+lane] = q.word(q.highest())
	}
	for lane, b := range group {
		c := columns[b.column]
		entry[lane], entry[16+lane] = uint32(c.flat), missingBits(c)
		for j, border := range b.borders {
			entry[48+16*j+lane] = q.word(border)
		}
	}
	for lane := len(group); lane < 16; lane++ {
		entry[lane] = entry[0] // any value that exists: nothing is above the borders
	}
	entry[32] = uint32(vectors / 4)
	q.few = appendWords(q.few, entry)
	q.groups++
}

func (q *quantiser) addColumn(columns []numberColumn, b *bucket) {
	c := columns[b.column]
	chunks := (len(b.borders) + 15) / 16
	entry := make([]uint32, 32+16*chunks)
	entry[0], entry[1], entry[2] = uint32(c.flat), uint32(4*len(entry)), missingBits(c)
	for i := range entry[16:] {
		entry[16+i] = q.word(q.highest())
	}
	for i, border := range b.borders {
		entry[32+i] = q.word(border)
		if i%16 == 15 && i/16 < chunks-1 {
			entry[16+i/16] = q.word(border)
		}
	}
	q.wide = appendWords(q.wide, entry)
	q.columns++
}

// missingBits returns the bits of the float32 that replaces NaN.
func missingBits(c numberColumn) uint32 {
	return math.Float32bits(forest.OrderKeyValue(c.missing))
}

func appendWords(to []byte, words []uint32) []byte {
	for _, word := range words {
		to = binary.LittleEndian.AppendUint32(to, word)
	}
	return to
}
