package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// columns translate a row into what the conditions of CatBoost's trees compare: one int32 key for
// each column, where a condition holds if the key of its column is greater than its border. Both
// families of CatBoost's trees, symmetric or not, read keys.
//
// Columns are numbered in this order, which is also the order in which fill needs them:
//
//	numeric inputs with borders      key: order key of the value
//	known values of categories       key: 1 if the input has this value, else 0; border 0
//	statistics                       key: number of borders below the value; border j: more than j
//
// The keys of the last two are 0 to 255, so that a layout of bytes can take them as they are.
type columns struct {
	inputs       int // positions of the input row
	numbers      []numberColumn
	cats         []int32 // positions of the categorical inputs that conditions compare
	oneHots      []oneHotColumns
	combinations []combination
	count        int
}

// numberColumn is a numeric input that at least one border belongs to.
type numberColumn struct {
	flat    int32 // position in the input row
	missing int32 // key that replaces NaN
}

// oneHotColumns are the columns of the known values of a categorical feature.
type oneHotColumns struct {
	cat    int32   // index into columns.cats
	first  int32   // column of the first value; the others follow
	values []int32 // hashes, ascending
}

// keyCondition is a condition on keys.
type keyCondition struct {
	border int32 // holds if the key is greater
	column uint16
}

// fillOthers writes the keys of all columns if some are not numeric, since target statistics
// compare the keys of numbers too.
func (c *columns) fillOthers(scratch *Scratch, x []float32) {
	if c.count > len(c.numbers) {
		c.fill(scratch, x)
	}
}

// fill translates a row.
func (c *columns) fill(scratch *Scratch, x []float32) {
	scratch.grow(c)
	x = scratch.overlay(x, c.inputs)
	fillNumbers(scratch.keys, c.numbers, x)
	if len(c.cats) > 0 {
		c.fillCategorical(scratch, x)
	}
}

// fillNumbers writes the keys of numeric inputs; x has a value for each input. It repeats OrderKey
// without the addition, so that no branch depends on a value: the processor could not predict it.
func fillNumbers(keys []int32, numbers []numberColumn, x []float32) {
	keys = keys[:len(numbers)]
	for i := range numbers {
		n := &numbers[i]
		bits := math.Float32bits(x[n.flat])
		key := int32(bits ^ uint32(int32(bits)>>31)>>1)
		if bits == 1<<31 { // -0
			key = 0
		}
		if missing := n.missing; bits&^(1<<31) > infiniteBits { // NaN
			key = missing
		}
		keys[i] = key
	}
}

func (c *columns) fillCategorical(scratch *Scratch, x []float32) {
	hashes, keys := scratch.hashes[:len(c.cats)], scratch.keys
	for i, flat := range c.cats {
		hashes[i] = scratch.category(int(flat), x)
	}
	for i := range c.oneHots {
		o := &c.oneHots[i]
		o.fill(keys[o.first:][:len(o.values)], hashes[o.cat])
	}
	for i := range c.combinations {
		in := &c.combinations[i]
		h := in.hash(hashes, keys)
		for j := range in.probes {
			p := &in.probes[j]
			for k, bin := range p.find(h) {
				keys[int(p.first)+k] = int32(bin)
			}
		}
	}
}

// fill sets the key of the value to 1.
func (o *oneHotColumns) fill(keys []int32, hash int32) {
	clear(keys)
	low, high := 0, len(o.values)
	for low < high {
		if middle := (low + high) / 2; o.values[middle] < hash {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(o.values) && o.values[low] == hash {
		keys[low] = 1
	}
}

// Keys that replace NaN: -Inf is not greater than any border, +Inf is greater than all but +Inf.
var (
	lowKey  = forest.OrderKey(float32(math.Inf(-1)))
	highKey = forest.OrderKey(float32(math.Inf(1)))
)

func missingKey(high bool) int32 {
	if high {
		return highKey
	}
	return lowKey
}
