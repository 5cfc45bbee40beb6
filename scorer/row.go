package scorer

import "math"

// narrow is the number of keys that a byte can index without a bounds check: the evaluation of a model with at most that many
// used features is faster.
const narrow = 256

// Row is the scratch memory of one evaluation. It carries nothing from one call to the next, so one Row may serve several
// models in turn, but only one goroutine at a time. The zero Row is ready for use and grows at its first call.
type Row struct {
	keys []int32 // order keys of the used features; at least narrow long once used
}

// NewRow returns a Row for which Raw of this model does not allocate.
func (m *Model) NewRow() *Row {
	row := &Row{}
	row.grow(len(m.forest.columns))
	return row
}

func (r *Row) grow(columns int) {
	if len(r.keys) < max(columns, narrow) {
		r.keys = make([]int32, max(columns, narrow))
	}
}

// column is an input that at least one border belongs to.
type column struct {
	flat    int32 // position in the input row
	missing int32 // key that stands for NaN
}

// fill translates the inputs of the used features into order keys.
func (r *Row) fill(columns []column, x []float32) {
	r.grow(len(columns))
	keys := r.keys[:len(columns)]
	for i, c := range columns {
		key := c.missing
		if int(c.flat) < len(x) {
			if v := x[c.flat]; v == v {
				key = orderKey(v)
			}
		}
		keys[i] = key
	}
}

// Keys for what NaN stands for: -Inf is not greater than any border, +Inf is greater than all but +Inf.
var (
	lowKey  = orderKey(float32(math.Inf(-1)))
	highKey = orderKey(float32(math.Inf(1)))
)

// orderKey maps floats to integers of the same order: a > b exactly if orderKey(a) > orderKey(b), for all a and b but NaN.
// IEEE 754 floats are ordered by their bits, the negative ones backwards; adding 0 turns -0 into +0, which are equal floats with
// different bits.
func orderKey(v float32) int32 {
	bits := int32(math.Float32bits(v + 0))
	return bits ^ int32(uint32(bits>>31)>>1)
}
