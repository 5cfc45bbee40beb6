package forest

// TreeNode is a node of an asymmetric tree. A child is the number of a later node of the same tree,
// or the complement of the position of a leaf's first value in Ensemble.Leaves.
type TreeNode struct {
	Split int32
	Next  [2]int32 // if the condition does not hold, and if it does
}

// checkNodes makes sure that children and leaves exist, and that every walk ends: children come
// after their parents. It fills in the depths of the trees.
func (e *Ensemble) checkNodes() error {
	t := e.Conditions
	if len(t.Roots) > MaxTrees {
		return Beyond(e.Format, MaxTrees, "%d trees", len(t.Roots))
	}
	ids, depths := t.ConditionCount(), make([]uint8, len(t.Nodes))
	for i, n := range t.Nodes {
		if n.Split < 0 || int(n.Split) >= ids {
			return Damaged(e.Format, "tree node %d refers to condition %d of %d", i, n.Split, ids)
		}
		if depths[i] == MaxWalk {
			return Damaged(e.Format, "a tree is deeper than %d", MaxWalk)
		}
		for _, next := range n.Next {
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
func (e *Ensemble) checkRoots(depths []uint8) error {
	t := e.Conditions
	t.Depths = make([]uint8, len(t.Roots))
	end := int32(len(t.Nodes))
	for i := len(t.Roots) - 1; i >= 0; i-- {
		root := t.Roots[i]
		if err := e.checkStep(-1, root); err != nil {
			return err
		}
		if root >= 0 {
			for at := root; at < end; at++ {
				t.Depths[i] = max(t.Depths[i], depths[at]+1)
			}
			end = root
		}
	}
	return nil
}

// MaxWalk is the largest depth of asymmetric trees.
const MaxWalk = 255

func (e *Ensemble) checkStep(from int, next int32) error {
	t := e.Conditions
	switch {
	case next >= 0 && (int(next) <= from || int(next) >= len(t.Nodes)):
		return Damaged(e.Format, "tree node %d leads to node %d of %d", from, next, len(t.Nodes))
	case next < 0 && (int(^next)%e.Outputs != 0 ||
		int64(^next)+int64(e.Outputs) > int64(len(e.Leaves))):
		return Damaged(e.Format, "tree node %d leads to leaf value %d of %d", from, ^next,
			len(e.Leaves))
	}
	return nil
}
