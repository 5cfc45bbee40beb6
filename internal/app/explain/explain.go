package explain

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/scorer"
)

// Explainer explains the scores of one model. It is for one goroutine.
type Explainer struct {
	model   *scorer.Model
	scratch *scorer.Scratch
	words   []feature // of the model's inputs
}

// ErrNoKnownFeature is returned for a model none of whose inputs this release computes.
var ErrNoKnownFeature = errors.New("explain: this release computes none of the model's features")

// New returns an Explainer, or an error that says why scores of the model cannot be explained.
func New(model *scorer.Model) (*Explainer, error) {
	if _, ok := model.PositiveClass(); !ok {
		return nil, fmt.Errorf("explain: the model (objective %.100q) has no class probability to score with",
			model.Objective())
	}
	if err := model.TakesNumbers(); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	e := &Explainer{model: model, scratch: model.NewScratch()}
	known := false
	for _, f := range model.Features() {
		words, ok := catalogued[f.Name]
		if !ok {
			words = feature{name: f.Name, dimension: traffic.NumDimensions,
				phrase: traffic.Phrase{Topic: "features of another release"}}
		}
		known = known || ok
		e.words = append(e.words, words)
	}
	if !known {
		return nil, fmt.Errorf("%w (it has %d, such as %.60q)", ErrNoKnownFeature, len(e.words), e.firstName())
	}
	if _, err := e.Explain(e.Inputs(nil, nil)); err != nil { // one row's error would be every row's
		return nil, err
	}
	return e, nil
}

func (e *Explainer) firstName() string {
	if len(e.words) == 0 {
		return ""
	}
	return e.words[0].name
}

// Known returns the names of the model's features that this release computes, each once.
func (e *Explainer) Known() (names []string) {
	for _, f := range e.words {
		if f.known && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// Inputs returns the values in the order of the model's inputs. Inputs without a name in names are
// NaN.
func (e *Explainer) Inputs(names []string, values []float32) []float32 {
	inputs := make([]float32, len(e.words))
	for i, f := range e.words {
		inputs[i] = float32(math.NaN())
		if at := slices.Index(names, f.name); at >= 0 {
			inputs[i] = values[at]
		}
	}
	return inputs
}

// Explanation explains a score of a model.
type Explanation struct {
	Score    uint8     // 1 = certainly a bot .. 99 = certainly human
	Raw      float64   // the model's output; the larger, the more likely a bot
	Base     float64   // average output over the training rows
	Reasons  []Reason  // by share, the largest first
	Features []Feature // all inputs of the model, by share, the largest first
}

// Feature is one input of the model.
type Feature struct {
	Name  string
	Value float32 // NaN: unknown
	Share float64 // of Raw - Base; positive shares speak for a bot
	Words string

	catalog feature
}

// Explain explains the score of one row of inputs, as Inputs orders them.
func (e *Explainer) Explain(inputs []float32) (*Explanation, error) {
	raw, err := e.model.Raw(e.scratch, inputs)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	shares, base, err := e.model.Explain(nil, e.scratch, inputs, 0)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	x := &Explanation{Score: uint8(scorer.Score(e.model.Probability(raw))), Raw: raw, Base: base}
	for i, f := range e.words {
		x.Features = append(x.Features, Feature{Name: f.name, Value: inputs[i], Words: f.sentence(inputs[i]), catalog: f})
	}
	for _, share := range shares {
		x.Features[share.Feature].Share = share.Value
	}
	slices.SortStableFunc(x.Features, func(a, b Feature) int { return cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)) })
	x.Reasons = reasons(x.Features)
	return x, nil
}
