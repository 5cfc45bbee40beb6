package forest

import (
	"math"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/city"
)

// Categories are the values of a category column of a data frame, as training saw them: the file
// numbers them from 0, and trees compare these codes. A value is found by the hash of its text,
// which is all that a Scratch keeps.
type Categories struct {
	Texts   []string // by code
	codes   map[uint64]int32
	Numbers bool // all are numbers or truth values, none is a text
}

// MaxCategories is the largest number of categories of a model with a text.
const MaxCategories = 1 << 20

// Category is a value of a feature, as a file has it.
type Category struct {
	Text   string // as Python prints it
	Number float64
	Kind   CategoryKind
}

// CategoryKind is how Python treats a category.
type CategoryKind uint8

const (
	TextCategory CategoryKind = iota
	NumericCategory
	TruthCategory
)

// newCategories returns the table of a feature. It returns false if two of the values have the same
// text or hash.
func newCategories(values []Category) (*Categories, bool) {
	c := &Categories{Texts: make([]string, len(values)), codes: make(map[uint64]int32, len(values)),
		Numbers: len(values) > 0}
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

// Find returns the code of the category whose text has a hash.
func (c *Categories) Find(hash uint64) (code int32, ok bool) {
	code, ok = c.codes[hash]
	return code, ok
}

func (c *Categories) addHash(h uint64, code int32) {
	if _, taken := c.codes[h]; !taken {
		c.codes[h] = code
	}
}

// CategoryValues are the values of the categorical features of a model.
type CategoryValues struct {
	ByFeature []*Categories  // nil for a feature without values; nil if no feature has values
	Why       string         // reason why no feature has values, for errors
	whys      map[int]string // reasons of single features
	Strict    bool           // the library refuses a category that training did not see
}

// Set makes the table of a feature, or refuses it with the reason duplicate.
func (v *CategoryValues) Set(feature int, list []Category, duplicate string) {
	c, ok := newCategories(list)
	if !ok {
		v.Refuse(feature, duplicate)
		return
	}
	v.ByFeature[feature] = c
}

// Reason returns why a feature has no values.
func (v *CategoryValues) Reason(feature int) string {
	if why, ok := v.whys[feature]; ok {
		return why
	}
	return v.Why
}

// Refuse notes why a feature has no values.
func (v *CategoryValues) Refuse(feature int, why string) {
	if v.whys == nil {
		v.whys = map[int]string{}
	}
	v.whys[feature] = why
}
