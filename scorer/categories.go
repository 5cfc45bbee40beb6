package scorer

import (
	"fmt"
	"math"

	"github.com/headgate/headgate/scorer/internal/city"
	"github.com/headgate/headgate/scorer/internal/forest"
)

// Categories returns the texts of the categories that training had for a feature, by their codes,
// or nil. LightGBM's files have them for the category columns of a pandas data frame, those of
// XGBoost 3.1 and later also for other data frames. A number is written as Python writes it, a
// truth value as True or False. CatBoost's files have hashes only.
func (m *Model) Categories(feature int) []string {
	if c := m.featureCategories(feature); c != nil {
		return append([]string(nil), c.Texts...)
	}
	return nil
}

// Category returns the code of a category by its text: what a slice of inputs has at the position
// of the feature. It returns false for a text that is not among Categories. Numbers are found in
// other forms too, such as 200 and 200.0. Another model of the same features may have other codes.
func (m *Model) Category(feature int, text string) (code int, ok bool) {
	c := m.featureCategories(feature)
	if c == nil {
		return 0, false
	}
	at, ok := c.Find(city.Hash64(stringBytes(text)))
	return int(at), ok
}

// TakesNumbers returns an error, which wraps ErrMismatch, if a tree compares a category whose
// values differ from their codes. In a slice, the numbers of training would then mean other
// categories. Callers that pass numbers only, such as package proxyhook, refuse such a model.
func (m *Model) TakesNumbers() error {
	for i, c := range m.inputs.categories {
		if c == nil || m.features[i].Borders == 0 {
			continue
		}
		for code := range c.Texts {
			at, ok := c.Find(forest.IntegerHash(int64(code)))
			if !ok || int(at) != code || !c.Numbers {
				return fmt.Errorf("%w: feature %d, %q, is a category with values such as %.100q, "+
					"which trees know by codes (train it on the numbers themselves, or on "+
					"codes)", ErrMismatch, i, forest.Clipped(m.features[i].Name), c.Texts[code])
			}
		}
	}
	return nil
}

func (m *Model) featureCategories(feature int) *forest.Categories {
	if feature < 0 || feature >= len(m.inputs.categories) {
		return nil
	}
	return m.inputs.categories[feature]
}

// code returns the code of a set value, as the number that trees compare; NaN is missing. It
// returns false for a value that training did not see.
func (v *value) code(c *forest.Categories) (float64, bool) {
	h := v.hash
	switch {
	case v.kind != isText && !c.Numbers, v.number != v.number && v.kind == isFloat:
		return v.number, true
	case v.kind == isFloat:
		h = forest.NumberHash(v.number)
	}
	if code, ok := c.Find(h); ok {
		return float64(code), true
	}
	return math.NaN(), false
}
