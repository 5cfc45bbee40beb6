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

// scoring is the models and all that must fit them: a decision that has one has the inputs and the memory of these very
// models, whatever replaces them meanwhile. But for the pool it is never changed.
type scoring struct {
	active *scorer.Model
	shadow *scorer.Model // nil: none
	set    *scorer.Set   // of both; nil without a shadow
	vector *traffic.Vector
	wanted []string          // inter-request features that are read: the vector's, then more for the heuristics
	places heuristics.Places // of the heuristics' in wanted

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

// newScoring joins the active model and the shadow, which may be nil. The error says where they contradict each other.
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
	s.vector = traffic.NewVector(namesOf(features))
	s.wanted, s.places = heuristics.Wanted(s.vector.Inter())
	s.dimensions = dimensionsOf(s.wanted)
	s.pool.New = func() any { return s.newScratch() }
	for range runtime.GOMAXPROCS(0) { // so that the first requests need not
		s.pool.Put(s.newScratch())
	}
	return s, nil
}

func namesOf(features []scorer.Feature) []string {
	var names []string
	for _, f := range features {
		names = append(names, f.Name)
	}
	return names
}

// dimensionsOf returns the dimensions of inter-request features by their full names.
func dimensionsOf(names []string) (all traffic.Dimensions) {
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

// evaluate scores m's inputs. Both models look at each input once. The shadow's score is 0 where
// there is none. Inputs of another length than the models take, which newScratch does not make,
// have no score either.
func (s *scoring) evaluate(m *scratch) (active, shadow uint8) {
	if s.set == nil {
		raw, _ := s.active.Raw(m.scratch, m.inputs) // NaN with an error
		return scoreOf(s.active, raw), 0
	}
	raw, err := s.set.AppendRaw(m.raw[:0], m.scratch, m.inputs)
	if err != nil {
		return 0, 0
	}
	return scoreOf(s.active, raw[0]), scoreOf(s.shadow, raw[1])
}

// scoreOf turns a model's output into a score. NaN, which sums of infinities give, is none: 0.
func scoreOf(m *scorer.Model, raw float64) uint8 {
	p := m.Probability(raw)
	if p != p {
		return 0
	}
	return uint8(scorer.Score(p))
}
