package scorer

// asymmetric is an ensemble of CatBoost's trees that are not symmetric (grow policies Depthwise and Lossguide), laid out for
// evaluation: a walk from node to node over the same keys that symmetric trees use.
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

// walkNode leads to next[1] if its condition holds and to next[0] if not: a node, or the complement of the position of a leaf's
// first value in leaves.
type walkNode struct {
	keyCondition
	next [2]int32
}

// newAsymmetric lays out an ensemble that passed its check; conditions are those of its split ids.
func newAsymmetric(e *ensemble, columns *columns, conditions []keyCondition) *asymmetric {
	a := &asymmetric{columns: columns, roots: e.roots, firsts: e.firstLeaves(), leaves: e.leaves, outputs: e.outputs, scale: e.scale, bias: e.bias}
	for _, n := range e.nodes {
		a.nodes = append(a.nodes, walkNode{keyCondition: conditions[n.split], next: n.next})
	}
	return a
}

// raw writes the outputs for a row to dst.
func (a *asymmetric) raw(row *Row, x []float32, dst []float64) {
	a.columns.fill(row, x)
	a.add(row, dst)
}

// add is raw for a row whose columns are filled.
func (a *asymmetric) add(row *Row, dst []float64) {
	dst = dst[:a.outputs]
	clear(dst)
	for _, root := range a.roots {
		for k, v := range a.leaves[a.leaf(row, root):][:len(dst)] {
			dst[k] += v
		}
	}
	for k := range dst {
		dst[k] = rescale(dst[k], a.scale, a.bias[k])
	}
}

// leaf walks from a root, or from a leaf as in walkNode.next, and returns the position of the first
// value of the leaf that it ends in.
func (a *asymmetric) leaf(row *Row, at int32) int32 {
	for at >= 0 {
		n := &a.nodes[at]
		at = n.next[n.bit(row.keys[n.column])&1]
	}
	return ^at
}

// treeNode is a node of a tree that is not symmetric, as a loader gives it. A child is the number of a later node of the same
// tree, or the complement of the position of a leaf's first value in ensemble.leaves.
type treeNode struct {
	split int32
	next  [2]int32 // if the condition does not hold, and if it does
}

// checkNodes makes sure that children and leaves exist, and that every walk ends: children come after their parents. It fills
// in the depths of the trees.
func (e *ensemble) checkNodes() error {
	if len(e.roots) > maxTrees {
		return beyond(e.format, maxTrees, "%d trees", len(e.roots))
	}
	ids, depths := e.splitIDs(), make([]uint8, len(e.nodes))
	for i, n := range e.nodes {
		if n.split < 0 || int(n.split) >= ids {
			return damaged(e.format, "tree node %d refers to condition %d of %d", i, n.split, ids)
		}
		if depths[i] == maxWalk {
			return damaged(e.format, "a tree is deeper than %d", maxWalk)
		}
		for _, next := range n.next {
			if err := e.checkStep(i, next); err != nil {
				return err
			}
			if next >= 0 {
				depths[next] = max(depths[next], depths[i]+1)
			}
		}
	}
	return e.checkRoots(depths)
}

// checkRoots finds the depth of each tree: the nodes up to the root of the next one are its own.
func (e *ensemble) checkRoots(depths []uint8) error {
	e.depths = make([]uint8, len(e.roots))
	end := int32(len(e.nodes))
	for i := len(e.roots) - 1; i >= 0; i-- {
		root := e.roots[i]
		if err := e.checkStep(-1, root); err != nil {
			return err
		}
		if root >= 0 {
			for at := root; at < end; at++ {
				e.depths[i] = max(e.depths[i], depths[at]+1)
			}
			end = root
		}
	}
	return nil
}

// maxWalk bounds the depth of trees that are not symmetric.
const maxWalk = 255

func (e *ensemble) checkStep(from int, next int32) error {
	switch {
	case next >= 0 && (int(next) <= from || int(next) >= len(e.nodes)):
		return damaged(e.format, "tree node %d leads to node %d of %d", from, next, len(e.nodes))
	case next < 0 && (int(^next)%e.outputs != 0 || int64(^next)+int64(e.outputs) > int64(len(e.leaves))):
		return damaged(e.format, "tree node %d leads to leaf value %d of %d", from, ^next, len(e.leaves))
	}
	return nil
}
