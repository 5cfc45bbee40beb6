package scorer

import (
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// AppendLeaves appends, for each tree in the order of the model, the number of the leaf that the
// row falls into, as the library numbers the leaves of a tree: CatBoost's calc_leaf_indexes,
// LightGBM's and XGBoost's pred_leaf (XGBoost numbers leaves among the nodes of their tree).
// CatBoost numbers the leaves of trees that are not symmetric by their order in the file, which
// differs between .cbm and JSON.
//
// Errors are those of Raw, and append nothing. It allocates nothing if dst and the scratch are
// large enough.
func (m *Model) AppendLeaves(dst []int32, scratch *Scratch, x []float32) ([]int32, error) {
	if scratch == nil {
		scratch = &Scratch{}
	}
	if err := m.inputs.check(scratch, x); err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, len(m.depths))
	if m.asymmetric != nil {
		return m.asymmetric.appendLeaves(dst, scratch, x), nil
	}
	scratch.growLeaves(m.leafRoom())
	m.findLeaves(scratch, x, scratch.leaves)
	if m.binary != nil {
		for _, leaf := range scratch.leaves[:len(m.depths)] {
			dst = append(dst, m.binary.numbers[leaf])
		}
		return dst, nil
	}
	for tree, first := range m.oblivious.firsts {
		dst = append(dst, int32(scratch.leaves[tree]-first))
	}
	return dst, nil
}

// leafRoom returns how many numbers findLeaves may write: kernels write whole groups of trees.
func (m *Model) leafRoom() int { return len(m.depths) + max(exitRoom, laneCount(TierAVX512)) }

// findLeaves writes the leaf number of every tree, among all leaves of the model, to at, which is
// leafRoom long. The trees are not asymmetric.
func (m *Model) findLeaves(scratch *Scratch, x []float32, at []uint32) {
	if m.binary != nil {
		m.binary.grow(scratch)
		m.binary.find(scratch, m.binary.overlay(scratch, x), at)
		return
	}
	m.oblivious.findLeaves(scratch, x, at)
}

// findLeaves writes the leaf number of every tree to at.
func (f *oblivious) findLeaves(scratch *Scratch, x []float32, at []uint32) {
	if f.blocks == nil {
		f.columns.fill(scratch, x)
		f.find(scratch, at)
		return
	}
	f.blocks.quantised.fill(f.blocks.lookup.tier, f.columns, scratch, x)
	for _, c := range f.blocks.chunks {
		f.blocks.find(c, scratch, at)
		at = at[c.trees:]
	}
}

// appendLeaves appends the number of the leaf of every tree within its tree.
func (a *asymmetric) appendLeaves(dst []int32, scratch *Scratch, x []float32) []int32 {
	a.columns.fill(scratch, x)
	for tree, root := range a.roots {
		dst = append(dst, (a.leaf(scratch, root)-a.firsts[tree])/int32(a.outputs))
	}
	return dst
}

// firstLeaves returns the first leaf of each asymmetric tree, as the position of its first value.
// The nodes up to the root of the next tree belong to the tree.
func firstLeaves(e *forest.Ensemble) []int32 {
	t := e.Conditions
	firsts := make([]int32, len(t.Roots))
	end := int32(len(t.Nodes))
	for i := len(t.Roots) - 1; i >= 0; i-- {
		root := t.Roots[i]
		if root < 0 {
			firsts[i] = ^root
			continue
		}
		firsts[i] = int32(len(e.Leaves))
		for _, n := range t.Nodes[min(root, end):end] {
			for _, next := range n.Next {
				if next < 0 {
					firsts[i] = min(firsts[i], ^next)
				}
			}
		}
		end = root
	}
	return firsts
}
