package scorer

import (
	"cmp"
	"slices"
)

// explainOblivious turns each tree into nodes: the last split is the root, as in CatBoost, since
// averages depend on the order.
func (s *shapley) explainOblivious(f *oblivious, keys []int32) {
	for i, splits := range f.trees() {
		s.tree = s.tree[:0]
		s.addLevel(f, keys, splits, int(f.firsts[i]))
		s.explainTree(len(splits))
	}
}

// addLevel adds the subtree below the splits that are left, whose leaves start at first, and
// returns its root.
func (s *shapley) addLevel(f *oblivious, keys []int32, splits []keyCondition, first int) int32 {
	if len(splits) == 0 {
		return s.addLeaf(first, f.leaves[first*s.outputs+s.output])
	}
	at := s.addNode()
	last := splits[len(splits)-1]
	low := s.addLevel(f, keys, splits[:len(splits)-1], first)
	high := s.addLevel(f, keys, splits[:len(splits)-1], first+1<<(len(splits)-1))
	s.join(at, int(last.column), last.bit(keys[last.column])&1 != 0, low, high)
	return at
}

func (s *shapley) explainAsymmetric(a *asymmetric, keys []int32, depths []uint16) {
	for i, root := range a.roots {
		s.tree = s.tree[:0]
		s.addBranch(a, keys, root)
		s.explainTree(int(depths[i]))
	}
}

// addBranch adds the subtree at a node or leaf and returns its root.
func (s *shapley) addBranch(a *asymmetric, keys []int32, from int32) int32 {
	if from < 0 {
		first := int(^from)
		return s.addLeaf(first/s.outputs, a.leaves[first+s.output])
	}
	at := s.addNode()
	n := &a.nodes[from]
	no := s.addBranch(a, keys, n.next[0])
	yes := s.addBranch(a, keys, n.next[1])
	s.join(at, int(n.column), n.bit(keys[n.column])&1 != 0, no, yes)
	return at
}

// explainBinary explains binary trees: those of the output, or all of them if their leaves have a
// value for each output. The trees are taken in the order of the model.
func (s *shapley) explainBinary(f *binaryForest, scratch *Scratch, x []float32, depths []uint16) {
	f.grow(scratch)
	f.columns.fill(scratch.treeKeys, f.overlay(scratch, x))
	trees := f.walker.list()
	slices.SortFunc(trees, func(a, b walkTree) int { return cmp.Compare(a.number, b.number) })
	for _, tree := range trees {
		if f.outputs != nil && int(f.outputs[tree.number]) != s.output {
			continue
		}
		s.tree = s.tree[:0]
		s.addWalk(f, scratch.treeKeys, uint64(tree.root))
		s.explainTree(int(depths[tree.number]))
	}
}

// addWalk adds the subtree at a node of the walker and returns its root.
func (s *shapley) addWalk(f *binaryForest, keys []uint32, from uint64) int32 {
	n := f.walker.nodes[from]
	left := from + uint64(uint16(n))
	if left == from {
		leaf := int(n >> 32)
		if f.width > 1 {
			return s.addLeaf(leaf, f.leaves[leaf*f.width+s.output])
		}
		return s.addLeaf(leaf, f.leaves[leaf])
	}
	column := int(n >> 16 % memberColumn)
	at := s.addNode()
	no := s.addWalk(f, keys, left)
	yes := s.addWalk(f, keys, left+1)
	s.join(at, column, stepAny(from, n, keys[column]) != left, no, yes)
	return at
}

// addNode appends an empty node; its children follow it.
func (s *shapley) addNode() int32 {
	s.tree = append(s.tree, shapleyNode{})
	return int32(len(s.tree) - 1)
}

func (s *shapley) addLeaf(leaf int, value float64) int32 {
	s.tree = append(s.tree, shapleyNode{weight: s.weights.At(leaf), value: value})
	return int32(len(s.tree) - 1)
}

// join fills in a node: the child for a condition on a column that does not hold, and the child for
// one that holds.
func (s *shapley) join(at int32, column int, holds bool, no, yes int32) {
	n := &s.tree[at]
	n.player, n.next, n.other = s.columnPlayer[column], no, yes
	if holds {
		n.next, n.other = yes, no
	}
	n.weight = s.tree[no].weight + s.tree[yes].weight
}
