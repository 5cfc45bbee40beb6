package scorer

import (
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// AppendLeaves appends, for each tree in the order of the model, the number of the leaf that the
// row falls into, as the library counts the leaves of a tree: CatBoost's calc_leaf_indexes,
// LightGBM's and XGBoost's pred_leaf (XGBoost numbers leaves among the nodes of their tree).
// CatBoost numbers the leaves of trees that are not symmetric by their order in the file, which is
// another in .cbm than in JSON.
//
// Errors are those of Raw, and append nothing. It allocates nothing once dst and row are long
// enough.
func (m *Model) AppendLeaves(dst []int32, row *Row, x []float32) ([]int32, error) {
	if row == nil {
		row = &Row{}
	}
	if err := m.inputs.check(row, x); err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, len(m.depths))
	if m.asymmetric != nil {
		return m.asymmetric.appendLeaves(dst, row, x), nil
	}
	row.growLeaves(m.leafRoom())
	m.findLeaves(row, x, row.leaves)
	if m.binary != nil {
		for _, leaf := range row.leaves[:len(m.depths)] {
			dst = append(dst, m.binary.numbers[leaf])
		}
		return dst, nil
	}
	for tree, first := range m.oblivious.firsts {
		dst = append(dst, int32(row.leaves[tree]-first))
	}
	return dst, nil
}

// leafRoom is how many numbers findLeaves may write: kernels write those of whole groups of trees.
func (m *Model) leafRoom() int { return len(m.depths) + max(exitRoom, lanesOf(TierAVX512)) }

// findLeaves notes the number of the leaf of every tree among those of the model, which has no
// asymmetric trees. at has leafRoom.
func (m *Model) findLeaves(row *Row, x []float32, at []uint32) {
	if m.binary != nil {
		m.binary.grow(row)
		m.binary.find(row, m.binary.overlay(row, x), at)
		return
	}
	m.oblivious.findLeaves(row, x, at)
}

// findLeaves does the same.
func (f *oblivious) findLeaves(row *Row, x []float32, at []uint32) {
	if f.blocks == nil {
		f.columns.fill(row, x)
		f.find(row, at)
		return
	}
	f.blocks.quantised.fill(f.blocks.lookup.tier, f.columns, row, x)
	for _, c := range f.blocks.chunks {
		f.blocks.find(c, row, at)
		at = at[c.trees:]
	}
}

// appendLeaves appends the number of the leaf of every tree within its tree.
func (a *asymmetric) appendLeaves(dst []int32, row *Row, x []float32) []int32 {
	a.columns.fill(row, x)
	for tree, root := range a.roots {
		dst = append(dst, (a.leaf(row, root)-a.firsts[tree])/int32(a.outputs))
	}
	return dst
}

// firstLeaves finds the first leaf of each tree that is not symmetric, as the position of its first
// value. The nodes up to the root of the next tree are its own.
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
