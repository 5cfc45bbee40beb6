package scorer

import (
	"github.com/headgate/headgate/scorer/internal/forest"
)

// asymmetric is an ensemble of CatBoost's trees that are not symmetric (grow policies Depthwise and
// Lossguide), laid out for evaluation: a walk from node to node over the same keys that symmetric
// trees use.
type asymmetric struct {
	columns *columns
	nodes   []walkNode
	roots   []int32 // of each tree: a node, or a leaf as in walkNode.next
	firsts  []int32 // position of the first value of the first leaf of each tree
	leaves  []float64
	outputs int
	scale   float64
	bias    []float64
}

// walkNode leads to next[1] if its condition holds and to next[0] if not: a node, or the complement
// of the position of a leaf's first value in leaves.
type walkNode struct {
	keyCondition
	next [2]int32
}

// newAsymmetric lays out an ensemble that passed its check; conditions are those of its split ids.
func newAsymmetric(e *forest.Ensemble, columns *columns, conditions []keyCondition) *asymmetric {
	a := &asymmetric{columns: columns, roots: e.Conditions.Roots, firsts: firstLeaves(e),
		leaves: e.Leaves, outputs: e.Outputs, scale: e.Conditions.Scale, bias: e.Bias}
	for _, n := range e.Conditions.Nodes {
		a.nodes = append(a.nodes, walkNode{keyCondition: conditions[n.Split], next: n.Next})
	}
	return a
}

// raw writes the outputs for a row to dst.
func (a *asymmetric) raw(scratch *Scratch, x []float32, dst []float64) {
	a.columns.fill(scratch, x)
	a.add(scratch, dst)
}

// add is raw for a row whose columns are filled.
func (a *asymmetric) add(scratch *Scratch, dst []float64) {
	dst = dst[:a.outputs]
	clear(dst)
	for _, root := range a.roots {
		for k, v := range a.leaves[a.leaf(scratch, root):][:len(dst)] {
			dst[k] += v
		}
	}
	for k := range dst {
		dst[k] = rescale(dst[k], a.scale, a.bias[k])
	}
}

// leaf walks from a root, or from a leaf as in walkNode.next, and returns the position of the first
// value of the leaf that it ends in.
func (a *asymmetric) leaf(scratch *Scratch, at int32) int32 {
	for at >= 0 {
		n := &a.nodes[at]
		at = n.next[n.bit(scratch.keys[n.column])&1]
	}
	return ^at
}
