package scorer

import (
	"math"
	"strconv"
)

// narrow is the number of keys that a byte can index without a bounds check: the evaluation of a model with at most that many
// used features is faster.
const narrow = 256

// Row holds the values of one row that are no float32, and the scratch memory of an evaluation. One Row may serve several models
// in turn, but only one goroutine at a time. The zero Row is ready for use and grows as it is used.
//
// Numbers usually come in the slice that Raw is given. What is set in the Row takes their place, for this and all further calls
// until it is set again or Reset. Positions are those of Model.Features, which Model.FeatureIndex finds by name; a position that
// the model does not have is ignored. The Row keeps nothing of a string or slice but its hash.
//
// A categorical value that is not set is the integer at its position of the slice, or missing: then it is the text "nan" for a
// CatBoost model, which is what Python turns missing values into.
type Row struct {
	set     []value   // by position
	some    bool      // at least one value is set
	numbers []float32 // the slice given to Raw with set values laid over it
	keys    []int32   // of the columns of CatBoost's models; at least narrow long once used
	hashes  []int32   // of the categorical values that conditions ask for
	outputs []float64 // of a model with several
	vector  vectorRow

	permuted []float32 // inputs in the order of one model of a set

	treeKeys []uint32 // what a walker compares
	leaves   []uint32 // the leaf of each tree
}

// value is what was set for a position.
type value struct {
	kind   valueKind
	number float64 // NaN for a text
	hash   uint64  // CityHash64 of the text or of the integer in decimal; not of a float
}

type valueKind uint8

const (
	unset valueKind = iota
	isText
	isInteger
	isFloat
)

// NewRow returns a Row for which Raw of this model does not allocate.
func (m *Model) NewRow() *Row {
	row := &Row{set: make([]value, len(m.features)), numbers: make([]float32, len(m.features))}
	row.grow(&m.columns)
	row.vector.grow()
	if m.oblivious != nil {
		m.oblivious.grow(row)
	}
	if m.binary != nil {
		m.binary.grow(row)
	}
	return row
}

// Reset forgets what was set.
func (r *Row) Reset() {
	clear(r.set)
	r.some = false
}

// SetString sets the value of a categorical feature. For a numeric feature it is a missing value.
func (r *Row) SetString(i int, s string) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: cityHash64(bytesOf(s))})
}

// SetBytes is SetString for bytes.
func (r *Row) SetBytes(i int, s []byte) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: cityHash64(s)})
}

// SetInt sets the value of a categorical feature that has integers, or of a numeric one. CatBoost's categories are texts: an
// integer is its decimal digits there.
func (r *Row) SetInt(i int, v int64) {
	r.put(i, value{kind: isInteger, number: float64(v), hash: integerHash(v)})
}

// SetFloat sets the value of a numeric feature, rounded to float32.
func (r *Row) SetFloat(i int, v float64) { r.put(i, value{kind: isFloat, number: v}) }

func (r *Row) put(i int, v value) {
	if i < 0 || i >= maxFeatures {
		return
	}
	if i >= len(r.set) {
		r.set = append(r.set, make([]value, i+1-len(r.set))...)
	}
	r.set[i] = v
	r.some = true
}

func integerHash(v int64) uint64 {
	var digits [20]byte
	return cityHash64(strconv.AppendInt(digits[:0], v, 10))
}

func (r *Row) grow(c *columns) {
	if len(r.keys) < max(c.count, narrow) {
		r.keys = make([]int32, max(c.count, narrow))
	}
	if len(r.hashes) < len(c.cats) {
		r.hashes = make([]int32, len(c.cats))
	}
}

// category returns what CatBoost compares of a categorical value: the low half of the hash of the text.
func (r *Row) category(i int, x []float32) int32 {
	if i < len(r.set) {
		switch v := &r.set[i]; v.kind {
		case isText, isInteger:
			return int32(v.hash)
		case isFloat:
			return numberCategory(v.number)
		}
	}
	if i < len(x) {
		return numberCategory(float64(x[i]))
	}
	return missingCategory
}

// missingCategory stands for a missing value: the text that Python makes of NaN, and of None in a data frame.
var missingCategory = int32(cityHash64([]byte("nan")))

// numberCategory is the category of a number without a fraction; any other is missing.
func numberCategory(v float64) int32 {
	if v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
		return missingCategory
	}
	return int32(integerHash(int64(v)))
}

// overlay returns x, as far as the model has features, with set values in their places: x itself if there are none.
func (r *Row) overlay(x []float32, features int) []float32 {
	if !r.some {
		return x
	}
	if len(r.numbers) < features {
		r.numbers = make([]float32, features)
	}
	numbers := r.numbers[:features]
	for i := copy(numbers, x); i < features; i++ {
		numbers[i] = float32(math.NaN())
	}
	for i := range r.set[:min(len(r.set), features)] {
		if v := &r.set[i]; v.kind != unset {
			numbers[i] = float32(v.number)
		}
	}
	return numbers
}

// alone reports whether the values that are set in the row may do without a slice of others.
func (r *Row) alone(x []float32) bool { return x == nil && r.some }

func (r *Row) growLeaves(trees int) {
	if len(r.leaves) < trees {
		r.leaves = make([]uint32, trees)
	}
}

func (r *Row) growPermuted(inputs int) {
	if len(r.permuted) < inputs {
		r.permuted = make([]float32, inputs)
	}
}

// permute returns the values of x at positions; those that x is too short for are missing.
func (r *Row) permute(x []float32, positions []int32) []float32 {
	r.growPermuted(len(positions))
	for i, at := range positions {
		r.permuted[i] = float32(math.NaN())
		if int(at) < len(x) {
			r.permuted[i] = x[at]
		}
	}
	return r.permuted[:len(positions)]
}
