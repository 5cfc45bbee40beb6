package scorer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Set evaluates several models on one row, such as the active model and a shadow: each input is looked at once. CatBoost's models
// share the keys of numeric inputs, one hash of each categorical value and of each combination, and one probe of each table of statistics
// that they have in common. The outputs have the bits that the models give alone, be they exact or fast. A Set is immutable and safe for concurrent use.
type Set struct {
	models   []*Model
	features []Feature
	inputs   *inputs
	columns  columns
	members  []setMember
	outputs  int

	// Symmetric trees in a vector tier read one quantised row; nil in pure Go. What else there is needs keys.
	quantised *quantised
	tier      Tier
	keys      bool
}

// setMember is a model of a set: one of the families, over the columns of the set or inputs in an order of its own.
type setMember struct {
	oblivious  *oblivious
	asymmetric *asymmetric
	binary     *binaryForest
	positions  []int32 // of the inputs of a binary forest among those of the set; nil if they are the same
	outputs    int
	objective  *objective
}

// ErrMismatch is wrapped by errors about models whose features do not fit each other or a schema, and about rows that do not have
// one value for each feature of a model.
var ErrMismatch = errors.New("features do not fit")

// NewSet joins models. Their features are matched by name: the set has those of the first model, in its order, then those that
// only later models have. A name that stands twice in a model, or for a numeric feature of one model and a categorical one of
// another, is an error that wraps ErrMismatch.
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
		return nil, fmt.Errorf("%w: %d features, at most %d are accepted", ErrMismatch, len(s.features), forest.MaxFeatures)
	}
	s.inputs = newSetInputs(s.features, models, positions)
	l := newSetLayout(models, positions, len(s.features))
	if l.columns.count > forest.MaxColumns {
		return nil, fmt.Errorf("%w: the models have %d columns, at most %d are accepted", ErrMismatch, l.columns.count, forest.MaxColumns)
	}
	s.columns = l.columns
	for i, m := range models {
		s.members = append(s.members, s.member(m, positions[i], l.columnOf[i]))
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
			return nil, fmt.Errorf("%w: two features are called %q", ErrMismatch, forest.Clipped(f.Name))
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
			return nil, fmt.Errorf("%w: feature %q is %v here and %v in a model before", ErrMismatch, forest.Clipped(f.Name), f.Kind, known.Kind)
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

// vectorise lays out the symmetric trees of all members for the fastest tier that one of the models runs in.
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
func (s *Set) fill(row *Row, x []float32) {
	if s.keys {
		s.columns.fill(row, x)
	}
	if s.quantised == nil {
		return
	}
	if s.keys {
		s.quantised.quantise(s.tier, row, row.overlay(x, s.columns.inputs))
	} else {
		s.quantised.fill(s.tier, &s.columns, row, x)
	}
}

// Models returns the models of the set, in the order of their outputs.
func (s *Set) Models() []*Model { return slices.Clone(s.models) }

// Features describes the inputs of the set. Borders is the largest number that one of the models has for the feature.
func (s *Set) Features() []Feature { return slices.Clone(s.features) }

// Outputs returns the number of outputs of all models together.
func (s *Set) Outputs() int { return s.outputs }

// NewRow returns a Row for which evaluating this set does not allocate.
func (s *Set) NewRow() *Row {
	row := &Row{inputs: s.inputs, set: make([]value, len(s.features)), numbers: make([]float32, len(s.features))}
	row.grow(&s.columns)
	row.vector.grow()
	for _, m := range s.members {
		if m.oblivious != nil {
			m.oblivious.grow(row)
		}
		if m.binary != nil {
			m.binary.grow(row)
			row.growPermuted(len(m.positions))
		}
	}
	return row
}

// AppendRaw appends to dst what AppendRaw of each model gives, in their order. x and the positions of row are those of
// Features of the set. Errors are those of Raw of a model, for any of the models, and append nothing.
func (s *Set) AppendRaw(dst []float64, row *Row, x []float32) ([]float64, error) {
	return s.appendAll(dst, row, x, false)
}

// AppendPrediction appends to dst what AppendPrediction of each model gives, in their order.
func (s *Set) AppendPrediction(dst []float64, row *Row, x []float32) ([]float64, error) {
	return s.appendAll(dst, row, x, true)
}

func (s *Set) appendAll(dst []float64, row *Row, x []float32, predict bool) ([]float64, error) {
	if row == nil {
		row = &Row{}
	}
	if len(x) != len(s.features) || row.some {
		if err := s.inputs.check(row, x); err != nil {
			return dst, err
		}
	}
	n := len(dst)
	dst = slices.Grow(dst, s.outputs)[:n+s.outputs]
	s.fill(row, x)
	rest := dst[n:]
	for i := range s.members {
		m := &s.members[i]
		m.evaluate(s, row, x, rest[:m.outputs])
		if predict {
			m.objective.apply(rest[:m.outputs])
		}
		rest = rest[m.outputs:]
	}
	return dst, nil
}

// evaluate adds up the trees of a member; the keys of the set's columns are in the row.
func (m *setMember) evaluate(s *Set, row *Row, x []float32, dst []float64) {
	switch {
	case m.oblivious != nil:
		m.oblivious.add(row, dst)
	case m.asymmetric != nil:
		m.asymmetric.add(row, dst)
	case m.positions == nil:
		m.binary.raw(row, x, dst)
	default:
		x = row.permute(row.overlay(x, len(s.features)), m.positions)
		some := row.some
		if some && m.binary.categories != nil {
			row.translate(x, m.binary.categories, m.positions)
		}
		row.some = false // what is set is in x already
		m.binary.raw(row, x, dst)
		row.some = some
	}
}
