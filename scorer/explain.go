package scorer

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// Contribution is how much a feature moved the raw output for a row.
type Contribution struct {
	Feature int     // position in Features
	Value   float64 // in units of the raw output; positive if the feature raised it
}

// ErrNoWeights is returned by Explain for a model that does not say how many training rows each leaf had: its file lacks the weights, or
// it is of another library than CatBoost.
var ErrNoWeights = errors.New("the model has no weights of leaves")

// Explain says which features moved an output of the model most: it appends to dst the Shapley value of every feature that moved it
// at all, the largest magnitude first, and returns what the output is on average over the training rows. This average and the
// values add up to the raw output, but for rounding.
//
// The values are those of TreeSHAP (S. Lundberg, G. Erion, S. Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018), where
// what is not known of a row is averaged by the weights of the leaves; CatBoost calls them ShapValues. As there, the value of a
// combination of features is shared equally among them. CatBoost passes over branches that no training row took, also where the row
// itself goes there; here such a row is explained in full.
//
// A tree of n leaves and depth d takes n*d*d steps: some milliseconds for 100 trees of depth 6, seconds for as many of
// depth 16. Explain allocates.
func (m *Model) Explain(dst []Contribution, row *Row, x []float32, output int) ([]Contribution, float64, error) {
	if len(m.weights) == 0 {
		return dst, 0, ErrNoWeights
	}
	if output < 0 || output >= m.outputs {
		return dst, 0, errors.New("the model has no such output")
	}
	if row == nil {
		row = &Row{}
	}
	m.columns.fill(row, x)
	s := newShapley(m, row.keys, output)
	scale, bias := 1.0, 0.0
	if m.asymmetric != nil {
		s.explainAsymmetric(m.asymmetric)
		scale, bias = m.asymmetric.scale, m.asymmetric.bias[output]
	} else {
		s.explainOblivious(m.oblivious)
		scale, bias = m.oblivious.scale, m.oblivious.bias[output]
	}
	n := len(dst)
	for feature, value := range s.shares(len(m.features)) {
		if value != 0 {
			dst = append(dst, Contribution{Feature: feature, Value: scale * value})
		}
	}
	slices.SortStableFunc(dst[n:], func(a, b Contribution) int { return cmp.Compare(math.Abs(b.Value), math.Abs(a.Value)) })
	return dst, float64(scale*s.mean) + bias, nil
}

// shapley adds up the Shapley values of the trees of a model for one row. The players are sets of features: the one of a numeric or
// one-hot condition, or those of a combination.
type shapley struct {
	columns *columns
	keys    []int32
	weights []float64 // of leaves
	output  int
	outputs int

	players  [][]int32 // features, ascending
	playerAt map[string]int32
	playerOf []int32   // of each column
	values   []float64 // of each player
	mean     float64
	tree     []shapleyNode
	levels   int
	path     []pathStep // a stretch of levels steps for each level
}

// shapleyNode is a node of the tree in hand. A leaf has no children: 0, which is the root.
type shapleyNode struct {
	player int32
	taken  int32 // child that the row goes to
	other  int32
	weight float64
	value  float64 // of a leaf
}

func newShapley(m *Model, keys []int32, output int) *shapley {
	s := &shapley{columns: &m.columns, keys: keys, weights: m.weights, output: output, outputs: m.outputs,
		playerAt: map[string]int32{}}
	s.addPlayers()
	s.values = make([]float64, len(s.players))
	s.levels = m.Depth() + 2
	s.path = make([]pathStep, s.levels*s.levels)
	return s
}

// addPlayers finds the features behind every column.
func (s *shapley) addPlayers() {
	c := s.columns
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
		player := s.player(c.features(&c.combined[i]))
		for _, p := range c.combined[i].probes {
			for j := range p.width {
				s.playerOf[int(p.first)+j] = player
			}
		}
	}
}

// features lists the inputs that a combination looks at.
func (c *columns) features(in *combined) []int32 {
	var all []int32
	for _, cat := range in.cats {
		all = append(all, c.cats[cat])
	}
	for _, n := range in.numbers {
		all = append(all, c.numbers[n.column].flat)
	}
	for _, o := range in.oneHots {
		all = append(all, c.cats[o.cat])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *shapley) player(features []int32) int32 {
	key := (&tableID{combination: combination{cats: features}}).key()
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

// explainOblivious turns each tree into nodes: the last split is the root, as in CatBoost, since averages depend on the order.
func (s *shapley) explainOblivious(f *oblivious) {
	for i, splits := range f.trees() {
		s.tree = s.tree[:0]
		s.addLevel(f, splits, int(f.firsts[i]))
		s.explainTree()
	}
}

// addLevel adds the subtree below the splits that are left, whose leaves start at first, and returns its root.
func (s *shapley) addLevel(f *oblivious, splits []keyCondition, first int) int32 {
	at := len(s.tree)
	s.tree = append(s.tree, shapleyNode{})
	if len(splits) == 0 {
		s.tree[at].weight, s.tree[at].value = s.weights[first], f.leaves[first*s.outputs+s.output]
		return int32(at)
	}
	last := splits[len(splits)-1]
	low := s.addLevel(f, splits[:len(splits)-1], first)
	high := s.addLevel(f, splits[:len(splits)-1], first+1<<(len(splits)-1))
	s.join(at, last, low, high)
	return int32(at)
}

// join makes a node of its children.
func (s *shapley) join(at int, c keyCondition, no, yes int32) {
	n := &s.tree[at]
	n.player, n.taken, n.other = s.playerOf[c.column], no, yes
	if c.bit(s.keys[c.column])&1 != 0 {
		n.taken, n.other = yes, no
	}
	n.weight = s.tree[no].weight + s.tree[yes].weight
}

func (s *shapley) explainAsymmetric(a *asymmetric) {
	for _, root := range a.roots {
		s.tree = s.tree[:0]
		s.addBranch(a, root)
		s.explainTree()
	}
}

// addBranch adds the subtree at a node or leaf and returns its root.
func (s *shapley) addBranch(a *asymmetric, from int32) int32 {
	at := len(s.tree)
	s.tree = append(s.tree, shapleyNode{})
	if from < 0 {
		first := int(^from)
		s.tree[at].weight, s.tree[at].value = s.weights[first/s.outputs], a.leaves[first+s.output]
		return int32(at)
	}
	n := &a.nodes[from]
	no := s.addBranch(a, n.next[0])
	yes := s.addBranch(a, n.next[1])
	s.join(at, n.keyCondition, no, yes)
	return int32(at)
}
