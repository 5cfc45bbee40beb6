package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/city"
	"github.com/headgate/headgate/scorer/internal/forest"
)

// narrow is the number of keys that a byte can index without a bounds check: the evaluation of a
// model with at most that many used features is faster.
const narrow = 256

// Scratch is the memory of an evaluation, and holds the values of a row that are not float32. It
// can be used for several models in turn, by one goroutine at a time. The zero Scratch is ready for
// use and grows as it is used.
//
// Numbers are usually passed in the slice of inputs. Values that are set in the Scratch override
// them, in this and all further calls until they are set again or Reset. Positions are those of
// Model.Features, which Model.FeatureIndex finds by name; positions that the model does not have
// are ignored. Of a string or slice the Scratch keeps the hash only.
//
// What a category is depends on the library:
//
//   - CatBoost: a text, or an integer, which means the text of its decimal digits. Python's True
//     and False are 1 and 0. A number in the slice means the integer that it is equal to; a number
//     with a fraction is missing. A missing value is the text "nan", as in Python. A text that
//     training did not see is one more category.
//   - LightGBM and XGBoost: trees compare codes, and a number in the slice is a code. If the file
//     has the values of the categories (see Model.Categories), SetString and SetBytes set a value.
//     Numbers and truth values are set by their text, as Python prints them, or by SetInt and
//     SetFloat; these set codes if values are texts. A value that training did not see is missing
//     in LightGBM and an error in XGBoost, as in these libraries. If the file does not have values,
//     SetInt sets a code.
//
// A text for a numeric feature, a text for a category without values in the file, and a fraction
// for a category of CatBoost are errors of the evaluation, unless no tree uses the feature: see
// Model.Raw.
type Scratch struct {
	values    []value   // by position
	hasValues bool      // at least one value is set
	numbers   []float32 // the slice that Raw takes, overridden by set values
	keys      []int32   // of the columns of CatBoost's models; at least narrow long once used
	hashes    []int32   // of the categorical values that conditions compare
	outputs   []float64 // of a model with several
	vector    vectorRow

	memberInputs []float32 // inputs in the order of one model of a set

	treeKeys []uint32 // what a walker compares
	leaves   []uint32 // the leaf of each tree

	inputs   *inputs // of the model or set that NewScratch was called on; nil in another Scratch
	refusals int     // set values that inputs does not take
}

// value is what was set for a position.
type value struct {
	kind    valueKind
	refused bool    // by the inputs of the Scratch
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

// NewScratch returns a Scratch with which Raw of this model does not allocate.
func (m *Model) NewScratch() *Scratch {
	scratch := &Scratch{inputs: m.inputs, values: make([]value, len(m.features)),
		numbers: make([]float32, len(m.features))}
	scratch.grow(&m.columns)
	scratch.vector.grow()
	if m.oblivious != nil {
		m.oblivious.grow(scratch)
	}
	if m.binary != nil {
		m.binary.grow(scratch)
	}
	return scratch
}

// Reset drops all set values.
func (r *Scratch) Reset() {
	clear(r.values)
	r.hasValues = false
	r.refusals = 0
}

// SetString sets the value of a categorical feature: see Scratch for its meaning in each library. A
// missing category is set by SetFloat of NaN, or not at all.
func (r *Scratch) SetString(i int, s string) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: city.Hash64(stringBytes(s))})
}

// SetBytes is SetString for bytes.
func (r *Scratch) SetBytes(i int, s []byte) {
	r.put(i, value{kind: isText, number: math.NaN(), hash: city.Hash64(s)})
}

// SetInt sets the value of a categorical feature that has integers, or of a numeric one. For
// CatBoost the category is the text of its decimal digits; for LightGBM and XGBoost it is a
// category that is a number, or else the code of a category: see Scratch.
func (r *Scratch) SetInt(i int, v int64) {
	r.put(i, value{kind: isInteger, number: float64(v), hash: forest.IntegerHash(v)})
}

// SetFloat sets the value of a numeric feature, rounded to float32. NaN is a missing value, also of
// a categorical feature.
func (r *Scratch) SetFloat(i int, v float64) { r.put(i, value{kind: isFloat, number: v}) }

func (r *Scratch) put(i int, v value) {
	if i < 0 || i >= forest.MaxFeatures {
		return
	}
	if i >= len(r.values) {
		r.values = append(r.values, make([]value, i+1-len(r.values))...)
	}
	if in := r.inputs; in != nil && i < len(in.kinds) &&
		(in.kinds[i]>>v.kind&1 == 0 || r.values[i].refused) {
		r.judge(i, &v)
	}
	r.values[i] = v
	r.hasValues = true
}

// judge counts the refused values, so that an evaluation does not have to check each.
func (r *Scratch) judge(i int, v *value) {
	if r.values[i].refused {
		r.refusals--
	}
	if v.refused = !r.inputs.accepts(i, v); v.refused {
		r.refusals++
	}
}

func (r *Scratch) grow(c *columns) {
	if len(r.keys) < max(c.count, narrow) {
		r.keys = make([]int32, max(c.count, narrow))
	}
	if len(r.hashes) < len(c.cats) {
		r.hashes = make([]int32, len(c.cats))
	}
}

// category returns what CatBoost compares of a categorical value: the low half of the hash of the
// text.
func (r *Scratch) category(i int, x []float32) int32 {
	if i < len(r.values) {
		switch v := &r.values[i]; v.kind {
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

// missingCategory is the hash of a missing value: the text that Python prints for NaN, and for None
// in a data frame.
var missingCategory = int32(city.Hash64([]byte("nan")))

// numberCategory returns the category of a number without a fraction; any other number is missing.
func numberCategory(v float64) int32 {
	if !forest.IsWhole(v) {
		return missingCategory
	}
	return int32(forest.IntegerHash(int64(v)))
}

// overlay returns x, cut or extended to the features of the model, overridden by set values: x
// itself if no values are set.
func (r *Scratch) overlay(x []float32, features int) []float32 {
	if !r.hasValues {
		return x
	}
	if len(r.numbers) < features {
		r.numbers = make([]float32, features)
	}
	numbers := r.numbers[:features]
	for i := copy(numbers, x); i < features; i++ {
		numbers[i] = float32(math.NaN())
	}
	for i := range r.values[:min(len(r.values), features)] {
		if v := &r.values[i]; v.kind != unset {
			numbers[i] = float32(v.number)
		}
	}
	return numbers
}

// valuesOnly reports whether set values replace the slice of inputs.
func (r *Scratch) valuesOnly(x []float32) bool { return x == nil && r.hasValues }

// translate replaces the values of categories, which overlay has written to x, by their codes.
// Feature i of the categories is at positions[i] of the row, or at i if positions is nil.
func (r *Scratch) translate(x []float32, all []*forest.Categories, positions []int32) {
	for i, c := range all {
		at := i
		if positions != nil {
			at = int(positions[i])
		}
		if c == nil || at >= len(r.values) || r.values[at].kind == unset {
			continue
		}
		code, _ := r.values[at].code(c)
		x[i] = float32(code)
	}
}

func (r *Scratch) growLeaves(trees int) {
	if len(r.leaves) < trees {
		r.leaves = make([]uint32, trees)
	}
}

func (r *Scratch) growPermuted(inputs int) {
	if len(r.memberInputs) < inputs {
		r.memberInputs = make([]float32, inputs)
	}
}

// permute returns the values of x at positions; positions beyond x are missing.
func (r *Scratch) permute(x []float32, positions []int32) []float32 {
	r.growPermuted(len(positions))
	for i, at := range positions {
		r.memberInputs[i] = float32(math.NaN())
		if int(at) < len(x) {
			r.memberInputs[i] = x[at]
		}
	}
	return r.memberInputs[:len(positions)]
}
