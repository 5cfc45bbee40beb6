package scorer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// categories are the values that training had for a feature that is a pandas category, or another
// data frame's: the file counts them from 0, and trees compare these codes. A value is found by the
// hash of its text, which is all that a Row keeps.
type categories struct {
	texts   []string // by code
	codes   map[uint64]int32
	numbers bool // all are numbers or truth values: a number in a Row is one of them, not a code
}

// maxCategories bounds how many categories of a model have a text.
const maxCategories = 1 << 20

// category is a value of a feature, as a file gives it.
type category struct {
	text   string // as Python prints it
	number float64
	kind   categoryKind
}

type categoryKind uint8

const (
	textCategory categoryKind = iota
	numericCategory
	truthCategory
)

// newCategories makes the table of a feature. It reports false if two of the values have one text,
// or one hash.
func newCategories(values []category) (*categories, bool) {
	c := &categories{texts: make([]string, len(values)), codes: make(map[uint64]int32, len(values)), numbers: len(values) > 0}
	for code, v := range values {
		c.texts[code] = v.text
		h := cityHash64(bytesOf(v.text))
		if _, twice := c.codes[h]; twice {
			return nil, false
		}
		c.codes[h] = int32(code)
		c.numbers = c.numbers && v.kind != textCategory
	}
	for code, v := range values {
		c.addForms(int32(code), v)
	}
	return c, true
}

// addForms adds the other texts that a number or truth value is written as, unless they are those
// of another category: a column of integers in which some are missing is one of floats in a CSV
// file, and True is 1 in Python.
func (c *categories) addForms(code int32, v category) {
	switch {
	case v.kind == textCategory:
		return
	case v.kind == truthCategory:
		c.addHash(cityHash64([]byte(strings.ToLower(v.text))), code)
	}
	if math.Abs(v.number) > 1<<53 {
		return // float64 may not hold it
	}
	c.addHash(numberHash(v.number), code)
	if isWhole(v.number) {
		c.addHash(cityHash64(strconv.AppendFloat(nil, v.number, 'f', 1, 64)), code)
	}
}

func (c *categories) addHash(h uint64, code int32) {
	if _, taken := c.codes[h]; !taken {
		c.codes[h] = code
	}
}

// numberHash is the hash of the text of a number: decimal digits if it has no fraction, as SetInt
// has them.
func numberHash(v float64) uint64 {
	if isWhole(v) {
		return integerHash(int64(v))
	}
	var text [32]byte
	return cityHash64(strconv.AppendFloat(text[:0], v, 'g', -1, 64))
}

// code finds the code of what was set for the feature, as the number that trees compare; NaN is
// missing. It reports false for a value that training did not see.
func (c *categories) code(v *value) (float64, bool) {
	h := v.hash
	switch {
	case v.kind != isText && !c.numbers, v.number != v.number && v.kind == isFloat:
		return v.number, true
	case v.kind == isFloat:
		h = numberHash(v.number)
	}
	if code, ok := c.codes[h]; ok {
		return float64(code), true
	}
	return math.NaN(), false
}

// categoryValues are those of the categorical features of a model.
type categoryValues struct {
	of     []*categories  // by feature, nil where there are none; nil if there are none at all
	why    string         // there are none, for errors
	whys   map[int]string // likewise, of single features
	strict bool           // the library refuses a category that training did not see
}

// set makes the table of a feature, or says why it has none.
func (v *categoryValues) set(feature int, list []category, twice string) {
	c, ok := newCategories(list)
	if !ok {
		v.refuse(feature, twice)
		return
	}
	v.of[feature] = c
}

// reason says why a feature has no values.
func (v *categoryValues) reason(feature int) string {
	if why, ok := v.whys[feature]; ok {
		return why
	}
	return v.why
}

func (v *categoryValues) refuse(feature int, why string) {
	if v.whys == nil {
		v.whys = map[int]string{}
	}
	v.whys[feature] = why
}

// Categories returns the texts of the categories that training had for a feature, by their codes,
// or nil. LightGBM's files have them for the category columns of a pandas data frame, those of
// XGBoost 3.1 and later also for other data frames. A number is written as Python writes it, a
// truth value as True or False. CatBoost's files have hashes only.
func (m *Model) Categories(feature int) []string {
	if c := m.categoriesOf(feature); c != nil {
		return append([]string(nil), c.texts...)
	}
	return nil
}

// Category returns the code of a category by its text: what a slice of inputs has at the position
// of the feature. It reports false for a text that is none of Categories. Numbers are found in
// other forms too, such as 200 and 200.0. Another model of the same features may have other codes.
func (m *Model) Category(feature int, text string) (code int, ok bool) {
	c := m.categoriesOf(feature)
	if c == nil {
		return 0, false
	}
	at, ok := c.codes[cityHash64(bytesOf(text))]
	return int(at), ok
}

// TakesNumbers returns an error, which wraps ErrMismatch, if the model looks at a category whose
// values are others than their codes. A slice with the numbers that training had is then taken for
// other categories. Whoever fills in rows of numbers alone, such as package proxyhook, refuses such
// a model.
func (m *Model) TakesNumbers() error {
	for i, c := range m.inputs.categories {
		if c == nil || m.features[i].Borders == 0 {
			continue
		}
		for code := range c.texts {
			if at, ok := c.codes[integerHash(int64(code))]; !ok || int(at) != code || !c.numbers {
				return fmt.Errorf("%w: feature %d, %q, is a category with values such as %.100q, which trees know by codes (train it on the numbers "+
					"themselves, or on codes)", ErrMismatch, i, clipped(m.features[i].Name), c.texts[code])
			}
		}
	}
	return nil
}

func (m *Model) categoriesOf(feature int) *categories {
	if feature < 0 || feature >= len(m.inputs.categories) {
		return nil
	}
	return m.inputs.categories[feature]
}
