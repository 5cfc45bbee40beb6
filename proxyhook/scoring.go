package proxyhook

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/scorer"
)

// scoring holds the models and everything that must fit them: a decision that loads one has the
// inputs and the memory of these models, even if they are replaced meanwhile. Except for the pool
// it is immutable.
type scoring struct {
	active *scorer.Model
	shadow *scorer.Model // nil: none
	set    *scorer.Set   // of both models; nil without a shadow
	vector *traffic.Vector
	wanted []string             // indices of the heuristics' features
	places heuristics.Positions // indices of the heuristics' features in wanted

	dimensions traffic.Dimensions // of wanted

	pool sync.Pool // of *scratch
}

// scratch is the memory of one decision.
type scratch struct {
	keys    traffic.Keys
	ahead   featurestore.Ahead
	inputs  []float32
	inter   []float32
	scratch *scorer.Scratch
	raw     [2]float64 // outputs of a set
}

// newScoring combines the active model and the shadow, which may be nil. It returns an error if
// they contradict each other.
func newScoring(active, shadow *scorer.Model) (*scoring, error) {
	s := &scoring{active: active, shadow: shadow}
	features := active.Features()
	if shadow != nil {
		var err error
		if s.set, err = scorer.NewSet(active, shadow); err != nil {
			return nil, fmt.Errorf("the model and its shadow: %w", err)
		}
		features = s.set.Features()
	}
	s.vector = traffic.NewVector(featureNames(features))
	s.wanted, s.places = heuristics.AppendFeatures(s.vector.Inter())
	s.dimensions = featureDimensions(s.wanted)
	s.pool.New = func() any { return s.newScratch() }
	for range runtime.GOMAXPROCS(0) { // so that the first requests need not allocate it
		s.pool.Put(s.newScratch())
	}
	return s, nil
}

func featureNames(features []scorer.Feature) []string {
	var names []string
	for _, f := range features {
		names = append(names, f.Name)
	}
	return names
}

// featureDimensions returns the dimensions of inter-request features by their full names.
func featureDimensions(names []string) (all traffic.Dimensions) {
	for _, name := range names {
		dimension, _, _ := strings.Cut(name, "/")
		if d, ok := traffic.DimensionByName(dimension); ok {
			all.Add(d)
		}
	}
	return all
}

func (s *scoring) newScratch() *scratch {
	m := &scratch{inputs: make([]float32, s.vector.Len()), inter: make([]float32, len(s.wanted))}
	if s.set != nil {
		m.scratch = s.set.NewScratch()
	} else {
		m.scratch = s.active.NewScratch()
	}
	return m
}

// evaluate scores m's inputs. Both models read each input once. The shadow's score is 0 if there is
// no shadow. Inputs of another length than the models', which newScratch never makes, have no score
// either.
func (s *scoring) evaluate(m *scratch) (active, shadow uint8) {
	if s.set == nil {
		raw, _ := s.active.Raw(m.scratch, m.inputs) // NaN with an error
		return modelScore(s.active, raw), 0
	}
	raw, err := s.set.AppendRaw(m.raw[:0], m.scratch, m.inputs)
	if err != nil {
		return 0, 0
	}
	return modelScore(s.active, raw[0]), modelScore(s.shadow, raw[1])
}

// modelScore turns a model's output into a score. NaN, the result of sums of infinities, is not a
// score: it returns 0.
func modelScore(m *scorer.Model, raw float64) uint8 {
	p := m.Probability(raw)
	if p != p {
		return 0
	}
	return uint8(scorer.Score(p))
}
