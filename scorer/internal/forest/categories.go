package forest

import (
	"math"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/city"
)

// Categories are the values that training had for a feature that is a pandas category, or another
// data frame's: the file counts them from 0, and trees compare these codes. A value is found by the
// hash of its text, which is all that a Row keeps.
type Categories struct {
	Texts   []string // by code
	codes   map[uint64]int32
	Numbers bool // all are numbers or truth values: a number in a Row is one of them, not a code
}

// MaxCategories bounds how many categories of a model have a text.
const MaxCategories = 1 << 20

// Category is a value of a feature, as a file gives it.
type Category struct {
	Text   string // as Python prints it
	Number float64
	Kind   CategoryKind
}

type CategoryKind uint8

const (
	TextCategory CategoryKind = iota
	NumericCategory
	TruthCategory
)

// newCategories makes the table of a feature. It reports false if two of the values have one text,
// or one hash.
func newCategories(values []Category) (*Categories, bool) {
	c := &Categories{Texts: make([]string, len(values)), codes: make(map[uint64]int32, len(values)), Numbers: len(values) > 0}
	for code, v := range values {
		c.Texts[code] = v.Text
		h := city.Hash64([]byte(v.Text))
		if _, twice := c.codes[h]; twice {
			return nil, false
		}
		c.codes[h] = int32(code)
		c.Numbers = c.Numbers && v.Kind != TextCategory
	}
	for code, v := range values {
		c.addForms(int32(code), v)
	}
	return c, true
}

// addForms adds the other texts that a number or truth value is written as, unless they are those
// of another category: a column of integers in which some are missing is one of floats in a CSV
// file, and True is 1 in Python.
func (c *Categories) addForms(code int32, v Category) {
	switch {
	case v.Kind == TextCategory:
		return
	case v.Kind == TruthCategory:
		c.addHash(city.Hash64([]byte(strings.ToLower(v.Text))), code)
	}
	if math.Abs(v.Number) > 1<<53 {
		return // float64 may not hold it
	}
	c.addHash(NumberHash(v.Number), code)
	if IsWhole(v.Number) {
		c.addHash(city.Hash64(strconv.AppendFloat(nil, v.Number, 'f', 1, 64)), code)
	}
}

// Find returns the code of the category with a hash.
func (c *Categories) Find(hash uint64) (code int32, ok bool) {
	code, ok = c.codes[hash]
	return code, ok
}

func (c *Categories) addHash(h uint64, code int32) {
	if _, taken := c.codes[h]; !taken {
		c.codes[h] = code
	}
}

// CategoryValues are those of the categorical features of a model.
type CategoryValues struct {
	ByFeature []*Categories  // by feature, nil where there are none; nil if there are none at all
	Why       string         // there are none, for errors
	whys      map[int]string // likewise, of single features
	Strict    bool           // the library refuses a category that training did not see
}

// Set makes the table of a feature, or says why it has none.
func (v *CategoryValues) Set(feature int, list []Category, twice string) {
	c, ok := newCategories(list)
	if !ok {
		v.Refuse(feature, twice)
		return
	}
	v.ByFeature[feature] = c
}

// Reason says why a feature has no values.
func (v *CategoryValues) Reason(feature int) string {
	if why, ok := v.whys[feature]; ok {
		return why
	}
	return v.Why
}

func (v *CategoryValues) Refuse(feature int, why string) {
	if v.whys == nil {
		v.whys = map[int]string{}
	}
	v.whys[feature] = why
}
