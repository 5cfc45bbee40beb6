package scorer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// ErrUnseen is wrapped by the error about a category that training did not see, if the library
// refuses it: XGBoost does, for the features of whose categories its file has the values.
var ErrUnseen = errors.New("training did not see it")

// inputs says which values the features of a model, or of a set, take in a Row.
type inputs struct {
	features   []Feature
	rules      []inputRule
	kinds      []kindSet                // what each feature takes without a look at the value
	categories []*forest.Categories     // by feature, nil where the file has no values; nil if it has none at all
	strict     bool                     // a category that training did not see is refused
	why        func(feature int) string // it has no values, for errors
	unseen     []error                  // of each feature with categories, if strict: made at load, since any client's text may lead to it
	parts      []inputsPart             // of a set, instead of all these: a value must suit each model
}

// inputsPart is a model of a set.
type inputsPart struct {
	*inputs
	at []int32 // position of each feature of the set in the model, or -1
}

// inputRule says which values a feature takes.
type inputRule uint8

const (
	takesAll     inputRule = iota // no tree looks at it
	takesNumbers                  // a numeric feature
	takesTexts                    // a category of CatBoost: a text or integer
	takesCodes                    // a category whose values the file does not have
	takesValues                   // a category whose values it has
)

// kindSet is a set of kinds of values: a bit for each.
type kindSet uint8

const (
	ofNumbers = 1<<isInteger | 1<<isFloat
	ofAll     = 1<<isText | ofNumbers
)

// kindsOf are the kinds that each rule takes whatever the value is.
var kindsOf = [...]kindSet{takesAll: ofAll, takesNumbers: ofNumbers, takesTexts: 1<<isText | 1<<isInteger, takesCodes: ofNumbers, takesValues: 0}

// setKinds derives kinds from rules.
func (in *inputs) setKinds() {
	for i, rule := range in.rules {
		kinds := kindsOf[rule]
		if rule == takesValues && !in.strict {
			kinds = ofAll
		}
		in.kinds[i] = kinds
	}
}

// newInputs makes the rules for the features of a CatBoost model, whose kinds the file has.
func newInputs(features []Feature) *inputs {
	in := &inputs{features: features, rules: make([]inputRule, len(features)), kinds: make([]kindSet, len(features))}
	for i, f := range features {
		switch {
		case f.Kind == Categorical:
			in.rules[i] = takesTexts
		case f.Borders > 0:
			in.rules[i] = takesNumbers
		}
	}
	in.setKinds()
	return in
}

// newBinaryInputs makes the rules for the features of ordinary trees.
func newBinaryInputs(features []Feature, v *forest.CategoryValues) *inputs {
	in := &inputs{features: features, rules: make([]inputRule, len(features)), kinds: make([]kindSet, len(features)), categories: v.ByFeature, strict: v.Strict, why: v.Reason}
	if v.Strict {
		in.unseen = make([]error, len(v.ByFeature))
	}
	for i, f := range features {
		switch {
		case i < len(v.ByFeature) && v.ByFeature[i] != nil:
			in.rules[i] = takesValues
			if v.Strict {
				in.unseen[i] = in.notSet(i, "this category", ErrUnseen, "XGBoost refuses it; leave it out if it is to be missing")
			}
		case f.Borders > 0 && f.Kind == Categorical:
			in.rules[i] = takesCodes
		case f.Borders > 0:
			in.rules[i] = takesNumbers
		}
	}
	in.setKinds()
	return in
}

// newSetInputs makes the rules for the features of a set. positions are those of each model's
// features among them.
func newSetInputs(features []Feature, models []*Model, positions [][]int32) *inputs {
	in := &inputs{features: features, kinds: slices.Repeat([]kindSet{ofAll}, len(features))}
	for i, m := range models {
		part := inputsPart{inputs: m.inputs, at: make([]int32, len(features))}
		for j := range part.at {
			part.at[j] = -1
		}
		for j, at := range positions[i] {
			part.at[at] = int32(j)
			in.kinds[at] &= m.inputs.kinds[j]
		}
		in.parts = append(in.parts, part)
	}
	return in
}

// accepts reports whether a feature takes a value. A position that is no feature's is ignored.
func (in *inputs) accepts(i int, v *value) bool {
	if in.parts != nil {
		return in.part(i, v) == nil
	}
	if i >= len(in.rules) || v.kind == unset {
		return true
	}
	switch in.rules[i] {
	case takesNumbers, takesCodes:
		return v.kind != isText
	case takesTexts:
		return v.kind != isFloat || v.number != v.number || forest.IsWhole(v.number)
	case takesValues:
		if in.strict {
			_, ok := v.code(in.categories[i])
			return ok
		}
	}
	return true
}

// part returns the first model of a set that does not take a value, or nil.
func (in *inputs) part(i int, v *value) *inputsPart {
	for k := range in.parts {
		p := &in.parts[k]
		if i < len(p.at) && p.at[i] >= 0 && !p.accepts(int(p.at[i]), v) {
			return p
		}
	}
	return nil
}

// refusal says why a feature does not take a value.
func (in *inputs) refusal(i int, v *value) error {
	if p := in.part(i, v); p != nil {
		return p.refusal(int(p.at[i]), v)
	}
	switch in.rules[i] {
	case takesValues:
		return in.unseen[i]
	case takesTexts:
		return in.notSet(i, "a number with a fraction", fmt.Errorf("%w: its categories are texts and integers", ErrMismatch), "set it by SetString")
	case takesCodes:
		return in.notSet(i, "a text", fmt.Errorf("%w: %s", ErrMismatch, in.why(i)), "set the code of the category by SetInt")
	}
	return in.notSet(i, "a text", fmt.Errorf("%w: it is numeric", ErrMismatch), "set it by SetFloat")
}

func (in *inputs) notSet(i int, what string, why error, todo string) error {
	return fmt.Errorf("scorer: set feature %d, %q, to %s: %w (%s)", i, forest.Clipped(in.features[i].Name), what, why, todo)
}

// check reports why a row cannot be evaluated: x has another length, or a feature does not take
// what is set for it. Callers that are in a hurry ask only if x has, or something is set.
func (in *inputs) check(row *Row, x []float32) error {
	if len(x) == len(in.features) && (!row.some || row.inputs == in && row.refused == 0) {
		return nil // a Row of these inputs has looked at its values when they were set
	}
	if len(x) != len(in.features) && !row.alone(x) {
		return wrongLength(len(x), len(in.features))
	}
	for i := range row.set {
		if v := &row.set[i]; !in.accepts(i, v) {
			return in.refusal(i, v)
		}
	}
	return nil
}
