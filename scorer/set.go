package scorer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Set evaluates several models on one row, such as the active model and a shadow; each input is
// translated once. CatBoost's models share the keys of numeric inputs, one hash of each categorical
// value and of each combination, and one probe of each table of statistics that they have in
// common. The outputs have the bits that each model returns on its own, exact or fast. A Set is
// immutable and safe for concurrent use.
type Set struct {
	models   []*Model
	features []Feature
	inputs   *inputs
	columns  columns
	members  []setMember
	outputs  int

	// Symmetric trees in a vector tier read one quantised row; nil in pure Go. All other trees over
	// conditions read keys.
	quantised *quantised
	tier      Tier
	keys      bool
}

// setMember is a model of a set: one of the families, over the columns of the set or inputs in an
// order of its own.
type setMember struct {
	oblivious  *oblivious
	asymmetric *asymmetric
	binary     *binaryForest
	positions  []int32 // of the inputs in the set; nil if they are the same
	outputs    int
	objective  *objective
}

// ErrMismatch is wrapped by errors about models whose features do not fit each other or a schema,
// and about rows that do not have one value for each feature of a model.
var ErrMismatch = errors.New("features do not fit")

// NewSet joins models. Their features are matched by name: the set has those of the first model, in
// its order, then those that only later models have. A name that a model has twice, or that is a
// numeric feature in one model and a categorical one in another, is an error that wraps
// ErrMismatch.
func NewSet(models ...*Model) (*Set, error) {
	s := &Set{models: slices.Clone(models)}
	positions := make([][]int32, len(models))
	byName := map[string]int32{}
	for i, m := range models {
		var err error
		if positions[i], err = s.addFeatures(byName, m); err != nil {
			return nil, fmt.Errorf("model %d: %w", i, err)
		}
		s.outputs += m.outputs
	}
	if len(s.features) > forest.MaxFeatures {
		return nil, fmt.Errorf("%w: %d features, at most %d are accepted", ErrMismatch,
			len(s.features), forest.MaxFeatures)
	}
	s.inputs = newSetInputs(s.features, models, positions)
	l := newSetLayout(models, positions, len(s.features))
	if l.columns.count > forest.MaxColumns {
		return nil, fmt.Errorf("%w: the models have %d columns, at most %d are accepted",
			ErrMismatch, l.columns.count, forest.MaxColumns)
	}
	s.columns = l.columns
	for i, m := range models {
		s.members = append(s.members, s.member(m, positions[i], l.columnIndex[i]))
		s.tier = max(s.tier, m.Tier())
	}
	s.vectorise()
	return s, nil
}

// addFeatures finds the positions of the features of a model in the set.
func (s *Set) addFeatures(byName map[string]int32, m *Model) ([]int32, error) {
	positions := make([]int32, len(m.features))
	seen := map[string]bool{}
	for i, f := range m.features {
		if seen[f.Name] {
			return nil, fmt.Errorf("%w: two features are called %q", ErrMismatch,
				forest.Clipped(f.Name))
		}
		seen[f.Name] = true
		at, ok := byName[f.Name]
		if !ok {
			at = int32(len(s.features))
			byName[f.Name] = at
			s.features = append(s.features, f)
		}
		known := &s.features[at]
		if known.Kind != f.Kind && known.Borders > 0 && f.Borders > 0 {
			return nil, fmt.Errorf("%w: feature %q is %v here and %v in a model before",
				ErrMismatch, forest.Clipped(f.Name), f.Kind, known.Kind)
		}
		if known.Borders == 0 {
			known.Kind, known.NaN = f.Kind, f.NaN
		}
		known.Borders = max(known.Borders, f.Borders)
		positions[i] = at
	}
	return positions, nil
}

// member lays out a model over the columns of the set.
func (s *Set) member(m *Model, positions []int32, columnOf []uint16) setMember {
	member := setMember{outputs: m.outputs, objective: &m.objective}
	switch {
	case m.binary != nil:
		member.binary = m.binary
		for i, at := range positions {
			if int(at) != i {
				member.positions = positions
			}
		}
	case m.asymmetric != nil:
		member.asymmetric = m.asymmetric.over(&s.columns, columnOf)
	default:
		member.oblivious = m.oblivious.over(&s.columns, columnOf)
	}
	return member
}

// vectorise lays out the symmetric trees of all members for the fastest tier that one of the models
// runs in.
func (s *Set) vectorise() {
	var conditions []keyCondition
	for _, m := range s.members {
		s.keys = s.keys || m.asymmetric != nil
		if m.oblivious != nil {
			conditions = append(conditions, m.oblivious.splits...)
		}
	}
	if s.tier <= TierGo || len(conditions) == 0 {
		s.keys = true
		return
	}
	q, at := newQuantised(&s.columns, conditions)
	for _, m := range s.members {
		if m.oblivious == nil {
			continue
		}
		if m.oblivious.blocks = newBlocks(m.oblivious, s.tier, q, at); m.oblivious.blocks != nil {
			s.quantised = q
		} else {
			s.keys = true
		}
	}
}

// fill translates a row for all members.
func (s *Set) fill(scratch *Scratch, x []float32) {
	if s.keys {
		s.columns.fill(scratch, x)
	}
	if s.quantised == nil {
		return
	}
	if s.keys {
		s.quantised.quantise(s.tier, scratch, scratch.overlay(x, s.columns.inputs))
	} else {
		s.quantised.fill(s.tier, &s.columns, scratch, x)
	}
}

// Models returns the models of the set, in the order of their outputs.
func (s *Set) Models() []*Model { return slices.Clone(s.models) }

// Features returns the inputs of the set. Borders is the largest number that one of the models has
// for the feature.
func (s *Set) Features() []Feature { return slices.Clone(s.features) }

// Outputs returns the number of outputs of all models together.
func (s *Set) Outputs() int { return s.outputs }

// NewScratch returns a Scratch with which evaluating this set does not allocate.
func (s *Set) NewScratch() *Scratch {
	scratch := &Scratch{inputs: s.inputs, values: make([]value, len(s.features)),
		numbers: make([]float32, len(s.features))}
	scratch.grow(&s.columns)
	scratch.vector.grow()
	for _, m := range s.members {
		if m.oblivious != nil {
			m.oblivious.grow(scratch)
		}
		if m.binary != nil {
			m.binary.grow(scratch)
			scratch.growPermuted(len(m.positions))
		}
	}
	return scratch
}

// AppendRaw appends to dst what AppendRaw of each model returns, in their order. x and the
// positions of set values are those of Features of the set. An error of Raw of any model is
// returned, and nothing is appended.
func (s *Set) AppendRaw(dst []float64, scratch *Scratch, x []float32) ([]float64, error) {
	return s.appendAll(dst, scratch, x, false)
}

// AppendPrediction appends to dst what AppendPrediction of each model returns, in their order.
func (s *Set) AppendPrediction(dst []float64, scratch *Scratch, x []float32) ([]float64, error) {
	return s.appendAll(dst, scratch, x, true)
}

func (s *Set) appendAll(dst []float64, scratch *Scratch, x []float32, predict bool) ([]float64,
	error) {
	if scratch == nil {
		scratch = &Scratch{}
	}
	if len(x) != len(s.features) || scratch.hasValues {
		if err := s.inputs.check(scratch, x); err != nil {
			return dst, err
		}
	}
	n := len(dst)
	dst = slices.Grow(dst, s.outputs)[:n+s.outputs]
	s.fill(scratch, x)
	rest := dst[n:]
	for i := range s.members {
		m := &s.members[i]
		m.evaluate(s, scratch, x, rest[:m.outputs])
		if predict {
			m.objective.apply(rest[:m.outputs])
		}
		rest = rest[m.outputs:]
	}
	return dst, nil
}

// evaluate adds up the trees of a member; the keys of the set's columns are in the row.
func (m *setMember) evaluate(s *Set, scratch *Scratch, x []float32, dst []float64) {
	switch {
	case m.oblivious != nil:
		m.oblivious.add(scratch, dst)
	case m.asymmetric != nil:
		m.asymmetric.add(scratch, dst)
	case m.positions == nil:
		m.binary.raw(scratch, x, dst)
	default:
		x = scratch.permute(scratch.overlay(x, len(s.features)), m.positions)
		some := scratch.hasValues
		if some && m.binary.categories != nil {
			scratch.translate(x, m.binary.categories, m.positions)
		}
		scratch.hasValues = false // what is set is in x already
		m.binary.raw(scratch, x, dst)
		scratch.hasValues = some
	}
}
