package scorer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// ErrUnseen is wrapped by the error for a category that training did not see, if the library
// refuses it. XGBoost does, for features whose categories are in its file.
var ErrUnseen = errors.New("training did not see it")

// inputs are the rules for the values that the features of a model, or of a set, take in a Scratch.
type inputs struct {
	features   []Feature
	rules      []inputRule
	kinds      []kindSet                // what each feature takes, independent of the value
	categories []*forest.Categories     // by feature; nil if the file lacks the values
	strict     bool                     // a category that training did not see is refused
	why        func(feature int) string // why the file has no values, for errors
	unseen     []error                  // by feature, if strict; allocated at load
	parts      []inputsPart             // of a set, instead of the fields above
}

// inputsPart is a model of a set.
type inputsPart struct {
	*inputs
	at []int32 // position of each feature of the set in the model, or -1
}

// inputRule is the rule for the values of a feature.
type inputRule uint8

const (
	takesAll     inputRule = iota // no tree compares it
	takesNumbers                  // a numeric feature
	takesTexts                    // a category of CatBoost: a text or integer
	takesCodes                    // a category whose values the file does not have
	takesValues                   // a category whose values it has
)

// kindSet is a set of kinds of values: a bit for each.
type kindSet uint8

const (
	numberKinds = 1<<isInteger | 1<<isFloat
	allKinds    = 1<<isText | numberKinds
)

// ruleKinds are the kinds that each rule takes, independent of the value.
var ruleKinds = [...]kindSet{takesAll: allKinds, takesNumbers: numberKinds,
	takesTexts: 1<<isText | 1<<isInteger, takesCodes: numberKinds, takesValues: 0}

// setKinds derives kinds from rules.
func (in *inputs) setKinds() {
	for i, rule := range in.rules {
		kinds := ruleKinds[rule]
		if rule == takesValues && !in.strict {
			kinds = allKinds
		}
		in.kinds[i] = kinds
	}
}

// newInputs makes the rules for the features of a CatBoost model, whose kinds the file has.
func newInputs(features []Feature) *inputs {
	in := &inputs{features: features, rules: make([]inputRule, len(features)),
		kinds: make([]kindSet, len(features))}
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

// newBinaryInputs makes the rules for the features of binary trees.
func newBinaryInputs(features []Feature, v *forest.CategoryValues) *inputs {
	in := &inputs{features: features, rules: make([]inputRule, len(features)),
		kinds: make([]kindSet, len(features)), categories: v.ByFeature, strict: v.Strict,
		why: v.Reason}
	if v.Strict {
		in.unseen = make([]error, len(v.ByFeature))
	}
	for i, f := range features {
		switch {
		case i < len(v.ByFeature) && v.ByFeature[i] != nil:
			in.rules[i] = takesValues
			if v.Strict {
				in.unseen[i] = in.notSet(i, "this category", ErrUnseen,
					"XGBoost refuses it; leave it out if it is to be missing")
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
	in := &inputs{features: features, kinds: slices.Repeat([]kindSet{allKinds}, len(features))}
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

// accepts reports whether a feature takes a value. Positions without a feature take all.
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

// refusal returns the reason why a feature does not take a value.
func (in *inputs) refusal(i int, v *value) error {
	if p := in.part(i, v); p != nil {
		return p.refusal(int(p.at[i]), v)
	}
	switch in.rules[i] {
	case takesValues:
		return in.unseen[i]
	case takesTexts:
		return in.notSet(i, "a number with a fraction",
			fmt.Errorf("%w: its categories are texts and integers",
				ErrMismatch), "set it by SetString")
	case takesCodes:
		return in.notSet(i, "a text", fmt.Errorf("%w: %s", ErrMismatch, in.why(i)),
			"set the code of the category by SetInt")
	}
	return in.notSet(i, "a text", fmt.Errorf("%w: it is numeric", ErrMismatch),
		"set it by SetFloat")
}

func (in *inputs) notSet(i int, what string, why error, todo string) error {
	return fmt.Errorf("scorer: set feature %d, %q, to %s: %w (%s)", i,
		forest.Clipped(in.features[i].Name), what, why, todo)
}

// check returns an error if a row cannot be evaluated: x has another length, or a feature does not
// take the value that is set. Hot paths call it only if x has another length or a value is set.
func (in *inputs) check(scratch *Scratch, x []float32) error {
	if len(x) == len(in.features) &&
		(!scratch.hasValues || scratch.inputs == in && scratch.refusals == 0) {
		return nil // a Scratch of these inputs checked its values when they were set
	}
	if len(x) != len(in.features) && !scratch.valuesOnly(x) {
		return wrongLength(len(x), len(in.features))
	}
	for i := range scratch.values {
		if v := &scratch.values[i]; !in.accepts(i, v) {
			return in.refusal(i, v)
		}
	}
	return nil
}
