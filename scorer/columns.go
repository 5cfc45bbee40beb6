package scorer

import "math"

// columns translates a row into what the conditions of CatBoost's trees compare: one int32 key for each column, where a condition
// holds if the key of its column is greater than its border. Both families of CatBoost's trees, symmetric or not, read keys.
type columns struct {
	inputs  int // positions of the input row
	numbers []numberColumn
}

// numberColumn is a numeric input that at least one border belongs to. Its key is the order key of the value.
type numberColumn struct {
	flat    int32 // position in the input row
	missing int32 // key that stands for NaN
}

// keyCondition is a condition on keys.
type keyCondition struct {
	border int32 // holds if the key is greater
	column uint16
}

// newColumns makes a column of each feature with borders, and gives the condition that each split id stands for.
func newColumns(e *ensemble) (columns, []keyCondition) {
	c := columns{inputs: len(describe(e))}
	var conditions []keyCondition
	for i := range e.floats {
		in := &e.floats[i]
		for _, border := range in.borders {
			conditions = append(conditions, keyCondition{border: orderKey(border), column: uint16(len(c.numbers))})
		}
		if len(in.borders) > 0 {
			c.numbers = append(c.numbers, numberColumn{flat: int32(in.flat), missing: missingKey(in.nan)})
		}
	}
	return c, conditions
}

// count is the number of keys of a row.
func (c *columns) count() int { return len(c.numbers) }

// fill translates a row.
func (c *columns) fill(row *Row, x []float32) {
	row.grow(c.count())
	x = row.overlay(x, c.inputs)
	keys := row.keys[:len(c.numbers)]
	for i, n := range c.numbers {
		key := n.missing
		if int(n.flat) < len(x) {
			if v := x[n.flat]; v == v {
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

func missingKey(n NaNMode) int32 {
	if n == NaNHigh {
		return highKey
	}
	return lowKey
}

// orderKey maps floats to integers of the same order: a > b exactly if orderKey(a) > orderKey(b), for all a and b but NaN.
// IEEE 754 floats are ordered by their bits, the negative ones backwards; adding 0 turns -0 into +0, which are equal floats with
// different bits.
func orderKey(v float32) int32 {
	bits := int32(math.Float32bits(v + 0))
	return bits ^ int32(uint32(bits>>31)>>1)
}
