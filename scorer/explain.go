package scorer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Contribution is how much a feature moved the raw output for a row.
type Contribution struct {
	Feature int     // position in Features
	Value   float64 // in units of the raw output; positive if the feature raised it
}

// ErrNoWeights is returned by Explain for a model that does not say how many training rows each leaf had: its file lacks the weights
// (leaf_weights in CatBoost, leaf_count in LightGBM, sum_hessian in XGBoost), or they cannot be meant, such as negative ones.
var ErrNoWeights = errors.New("the model has no weights of leaves")

// Explain says which features moved an output of the model most: it appends to dst the Shapley value of every feature that moved it
// at all, the largest magnitude first, and returns what the output is on average over the training rows. This average and the
// values add up to the raw output, but for rounding.
//
// The values are those of TreeSHAP (S. Lundberg, G. Erion, S. Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018), where
// what is not known of a row is averaged by the weights of the leaves; CatBoost calls them ShapValues, LightGBM and XGBoost pred_contrib and
// pred_contribs. The weight of a leaf is the number of its training rows in LightGBM, and the sum of their second derivatives in XGBoost.
// As in CatBoost, the categorical features of a combination share its value equally, and the numeric features
// and one-hot values that take part in it get nothing for it: a number that splits no tree but stands in
// combinations has no value. CatBoost passes over branches that no training row took, which have values under
// monotone constraints only, also where the row itself goes there; here they count for such a row, so that its
// values add up. In models with such values CatBoost takes the rows that it explains together for training rows
// as well; here a row's values do not depend on other rows. XGBoost computes in float32, here all is float64: what
// is explained is the sum of its trees before rounding.
//
// The error is ErrNoWeights; or it wraps ErrAbsentClass, or, for LightGBM's linear trees, whose leaves are functions of
// the row, ErrUnsupported; or it says that there is no such output, that the row has another length than Raw
// demands, or that the values are too large for float64. Explain allocates. It takes time in proportion to the
// leaves of the model and the depth of its trees: a tenth of a millisecond for 30 trees of depth 6.
func (m *Model) Explain(dst []Contribution, row *Row, x []float32, output int) ([]Contribution, float64, error) {
	if output < 0 || output >= m.outputs {
		return dst, 0, errors.New("the model has no such output")
	}
	if m.absent(output) {
		return dst, 0, fmt.Errorf("output %d is -Inf for every row: %w", output, ErrAbsentClass)
	}
	if m.binary != nil && m.binary.linear != nil {
		return dst, 0, fmt.Errorf("an explanation of linear trees is %w", ErrUnsupported)
	}
	if m.weights.None() && m.Trees() > 0 {
		return dst, 0, ErrNoWeights
	}
	if row == nil {
		row = &Row{}
	}
	if err := m.inputs.check(row, x); err != nil {
		return dst, 0, err
	}
	s := newShapley(m, output)
	scale, bias := s.explain(m, row, x)
	n := len(dst)
	sound := true
	for feature, value := range s.shares(len(m.features)) {
		value *= scale
		if value != 0 {
			dst = append(dst, Contribution{Feature: feature, Value: value})
		}
		sound = sound && forest.IsFinite(value)
	}
	mean := float64(scale*s.mean) + bias
	if !sound || !forest.IsFinite(mean) {
		return dst[:n], 0, errors.New("the leaves of the model are too large to be explained in float64")
	}
	slices.SortStableFunc(dst[n:], func(a, b Contribution) int { return cmp.Compare(math.Abs(b.Value), math.Abs(a.Value)) })
	return dst, mean, nil
}

// shapley adds up the Shapley values of the trees of a model for one row. The players are sets of features: the one of a numeric or
// one-hot condition, or the categorical ones of a combination.
type shapley struct {
	weights *forest.LeafWeights
	output  int
	outputs int // values of a leaf

	skipsEmpty bool // branches without training rows count only if the row takes them, as for CatBoost

	players  [][]int32 // features, ascending
	playerAt map[string]int32
	playerOf []int32   // of each column
	values   []float64 // of each player
	mean     float64
	tree     []shapleyNode
	odds     []odds // of each player on the way to the node in hand
	levels   []shapleyLevel
	rules    map[int][]gaussNode // by number of points
}

// shapleyNode is a node of the tree in hand. A leaf has no children: 0, which is the root.
type shapleyNode struct {
	player int32
	taken  int32 // child that the row goes to
	other  int32
	weight float64
	value  float64 // of a leaf
}

func newShapley(m *Model, output int) *shapley {
	s := &shapley{weights: &m.weights, output: output, outputs: m.outputs, skipsEmpty: m.binary == nil,
		playerAt: map[string]int32{}, rules: map[int][]gaussNode{}}
	if m.binary != nil {
		s.addFeatures(&m.binary.columns)
	} else {
		s.addPlayers(&m.columns)
	}
	s.values = make([]float64, len(s.players))
	s.odds = slices.Repeat([]odds{known}, len(s.players))
	return s
}

// explain adds the values of all trees, and returns what the sum is scaled by and what is added to it.
func (s *shapley) explain(m *Model, row *Row, x []float32) (scale, bias float64) {
	if m.binary != nil {
		s.explainBinary(m.binary, row, x, m.depths)
		return 1, m.binary.base[s.output]
	}
	m.columns.fill(row, x)
	if m.asymmetric != nil {
		s.explainAsymmetric(m.asymmetric, row.keys, m.depths)
		return m.asymmetric.scale, m.asymmetric.bias[s.output]
	}
	s.explainOblivious(m.oblivious, row.keys)
	return m.oblivious.scale, m.oblivious.bias[s.output]
}

// addPlayers finds the features behind every column of CatBoost's trees.
func (s *shapley) addPlayers(c *columns) {
	s.playerOf = make([]int32, c.count)
	for i, n := range c.numbers {
		s.playerOf[i] = s.player([]int32{n.flat})
	}
	for _, o := range c.oneHots {
		for j := range o.values {
			s.playerOf[int(o.first)+j] = s.player([]int32{c.cats[o.cat]})
		}
	}
	for i := range c.combined {
		player := s.player(c.sharers(&c.combined[i]))
		for _, p := range c.combined[i].probes {
			for j := range p.width {
				s.playerOf[int(p.first)+j] = player
			}
		}
	}
}

// sharers lists the features that share what a combination is worth: its categorical ones, as in CatBoost. If
// it has none, which no training produces, the features behind its conditions share it, so that
// nothing is lost.
func (c *columns) sharers(in *combined) []int32 {
	var all []int32
	for _, cat := range in.cats {
		all = append(all, c.cats[cat])
	}
	if len(all) == 0 {
		for _, n := range in.numbers {
			all = append(all, c.numbers[n.column].flat)
		}
		for _, o := range in.oneHots {
			all = append(all, c.cats[o.Cat])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// addFeatures finds the feature behind every column of ordinary trees; it may be behind several.
func (s *shapley) addFeatures(c *treeColumns) {
	s.playerOf = make([]int32, c.count)
	for i, n := range c.numbers {
		s.playerOf[i] = s.player([]int32{n.feature})
	}
	for i := range c.members {
		m := &c.members[i]
		player := s.player([]int32{m.feature})
		for j := range m.stride {
			s.playerOf[m.first+j] = player
		}
	}
}

func (s *shapley) player(features []int32) int32 {
	key := (&forest.TableID{Combination: forest.Combination{Cats: features}}).Key()
	at, ok := s.playerAt[key]
	if !ok {
		at = int32(len(s.players))
		s.playerAt[key] = at
		s.players = append(s.players, features)
	}
	return at
}

// shares gives the value of each feature.
func (s *shapley) shares(features int) []float64 {
	all := make([]float64, features)
	for i, player := range s.players {
		for _, feature := range player {
			all[feature] += s.values[i] / float64(len(player))
		}
	}
	return all
}
