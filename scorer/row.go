package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/city"
	"github.com/headgate/headgate/scorer/internal/forest"
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
// What a category is depends on the library:
//
//   - CatBoost: a text, or an integer, which is the text of its decimal digits. Python's True and
//     False are 1 and 0 there. A number of the slice is the integer that it is equal to; one with a
//     fraction is missing. What is missing is the text "nan", as Python makes of it. A text that
//     training did not see is one more category.
//   - LightGBM and XGBoost: trees compare codes, and a number of the slice is a code. Where the file
//     has the values of the categories (see Model.Categories), SetString and SetBytes set a value.
//     Numbers and truth values are set by their text, as Python prints them, or by SetInt and
//     SetFloat, which set codes where values are texts. A value that training did not see is
//     missing for LightGBM, and an error for XGBoost, as in these libraries. Where the file has no
//     values, SetInt sets a code.
//
// A text for a numeric feature, a text for a category without values in the file, and a fraction
// that is set for a category of CatBoost are errors of the evaluation, unless no tree looks at the
// feature: see Model.Raw.
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

	inputs  *inputs // of the model or set that NewRow was called on; nil in another Row
	refused int     // set values that inputs does not take
}

// value is what was set for a position.
type value struct {
	kind    valueKind
	refused bool    // by the inputs of the Row
	number  float64 // NaN for a text
	hash    uint64  // CityHash64 of the text or of the integer in decimal; not of a float
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
	row := &Row{inputs: m.inputs, set: make([]value, len(m.features)), numbers: make([]float32, len(m.features))}
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
	r.refused = 0
}

// SetString sets the value of a categorical feature: see Row for what each library makes of it. A missing category is set by
// SetFloat of NaN, or not at all.
func (r *Row) SetString(i int, s string) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: city.Hash64(bytesOf(s))})
}

// SetBytes is SetString for bytes.
func (r *Row) SetBytes(i int, s []byte) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: city.Hash64(s)})
}

// SetInt sets the value of a categorical feature that has integers, or of a numeric one. For CatBoost
// the category is the text of its decimal digits; for LightGBM and XGBoost it is a category that is
// a number, or else the code of one: see Row.
func (r *Row) SetInt(i int, v int64) {
	r.put(i, value{kind: isInteger, number: float64(v), hash: forest.IntegerHash(v)})
}

// SetFloat sets the value of a numeric feature, rounded to float32. NaN is a missing value, also of a categorical feature.
func (r *Row) SetFloat(i int, v float64) { r.put(i, value{kind: isFloat, number: v}) }

func (r *Row) put(i int, v value) {
	if i < 0 || i >= forest.MaxFeatures {
		return
	}
	if i >= len(r.set) {
		r.set = append(r.set, make([]value, i+1-len(r.set))...)
	}
	if in := r.inputs; in != nil && i < len(in.kinds) && (in.kinds[i]>>v.kind&1 == 0 || r.set[i].refused) {
		r.judge(i, &v)
	}
	r.set[i] = v
	r.some = true
}

// judge keeps count of values that are refused, so that an evaluation need not look at each.
func (r *Row) judge(i int, v *value) {
	if r.set[i].refused {
		r.refused--
	}
	if v.refused = !r.inputs.accepts(i, v); v.refused {
		r.refused++
	}
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
var missingCategory = int32(city.Hash64([]byte("nan")))

// numberCategory is the category of a number without a fraction; any other is missing.
func numberCategory(v float64) int32 {
	if !forest.IsWhole(v) {
		return missingCategory
	}
	return int32(forest.IntegerHash(int64(v)))
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

// translate writes the codes of categories in the places of their values, which overlay has written
// to x. Feature i of the categories is at positions[i] of the row, or at i if positions is nil.
func (r *Row) translate(x []float32, all []*forest.Categories, positions []int32) {
	for i, c := range all {
		at := i
		if positions != nil {
			at = int(positions[i])
		}
		if c == nil || at >= len(r.set) || r.set[at].kind == unset {
			continue
		}
		code, _ := r.set[at].code(c)
		x[i] = float32(code)
	}
}

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
