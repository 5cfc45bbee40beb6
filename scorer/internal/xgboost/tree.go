package xgboost

import (
	"github.com/headgate/headgate/scorer/internal/forest"
)

// treePath is the path of the members of a tree.
const treePath = "tree."

// nodeArrays is a tree as arrays with an element for each node; the children of a leaf are -1.
type nodeArrays struct {
	left, right []int32
	features    []int32
	conditions  []float32 // border of a split, value of a leaf
	defaultLeft []int32
	kinds       []int32 // 1 is categorical; may be missing
	categories  []int32
	catNodes    []int32   // which nodes have a set
	catStarts   []int32   // where it starts in categories
	catSizes    []int32   // and its size
	weights     []float32 // of all nodes, a vector each, if the leaves have vectors
	leafWeights []float32 // since version 3.2: of the leaves only, numbered by right
	vector      int       // outputs of a leaf
	hessians    []float32 // sums of second derivatives at each node; may be missing

	numbers []int32   // of the nodes: position among the ensemble's splits of this tree, or ^leaf
	sets    [][]int32 // categories of each node, nil without
}

// tree reads a tree and appends it to the ensemble.
func (d *decoder) tree(i int) error {
	if i >= forest.MaxTrees {
		return forest.Beyond(d.format(), forest.MaxTrees, "too many trees")
	}
	t := nodeArrays{vector: 1}
	err := d.members(treePath, map[string]func() error{
		"left_children":       into(d.integers, &t.left),
		"right_children":      into(d.integers, &t.right),
		"split_indices":       into(d.integers, &t.features),
		"split_conditions":    into(d.floats, &t.conditions),
		"default_left":        into(d.integers, &t.defaultLeft),
		"split_type":          into(d.integers, &t.kinds),
		"categories":          into(d.integers, &t.categories),
		"categories_nodes":    into(d.integers, &t.catNodes),
		"categories_segments": into(d.integers, &t.catStarts),
		"categories_sizes":    into(d.integers, &t.catSizes),
		"base_weights":        into(d.floats, &t.weights),
		"leaf_weights":        into(d.floats, &t.leafWeights),
		"sum_hessian":         into(d.floats, &t.hessians),
		"tree_param":          func() error { return d.treeParameters(&t) },
	})
	if err != nil {
		return err
	}
	if i > 0 && t.vector != d.b.Width {
		return forest.Damaged(d.format(), "tree %d has leaves of %d values, those before have %d",
			i, t.vector, d.b.Width)
	}
	d.b.Width = t.vector
	return d.addTree(i, &t)
}

// treeParameters reads how many values a leaf has.
func (d *decoder) treeParameters(t *nodeArrays) error {
	parameters := map[string]string{}
	if err := d.texts(parameters); err != nil {
		return err
	}
	size, err := forest.ParseCount(d.format(), parameters, "size_leaf_vector", forest.MaxOutputs)
	t.vector = max(size, 1) // 0 in old files
	return err
}

// addTree numbers the nodes that the root reaches: pruned ones may be left in the file.
func (d *decoder) addTree(i int, t *nodeArrays) error {
	nodes := len(t.left)
	if !t.oneLength() {
		return forest.Damaged(d.format(), "the arrays of tree %d do not have one length of 1 to %d",
			i, 4*forest.MaxTreeNodes)
	}
	if err := d.sets(i, t); err != nil {
		return err
	}
	tree := forest.BinaryTree{First: int32(len(d.b.Splits))}
	t.numbers = make([]int32, nodes)
	seen := make([]bool, nodes)
	order := []int32{0}
	seen[0] = true
	for j := 0; j < len(order); j++ {
		node := order[j]
		if t.left[node] < 0 {
			leaf, err := d.addLeaf(i, t, node)
			if err != nil {
				return err
			}
			t.numbers[node] = ^leaf
			continue
		}
		t.numbers[node] = tree.Count
		tree.Count++
		for _, child := range [2]int32{t.left[node], t.right[node]} {
			if child < 0 || int(child) >= nodes || seen[child] {
				return forest.Damaged(d.format(),
					"tree %d refers to node %d, which it does not have or has met before", i, child)
			}
			seen[child] = true
			order = append(order, child)
		}
	}
	tree.Root = t.numbers[0]
	d.b.Trees = append(d.b.Trees, tree)
	return d.addSplits(i, t, order)
}

// oneLength reports whether all arrays have an element for each node, and not too many.
func (t *nodeArrays) oneLength() bool {
	n := len(t.left)
	for _, length := range [...]int{len(t.right), len(t.features), len(t.conditions),
		len(t.defaultLeft)} {
		if length != n {
			return false
		}
	}
	for _, length := range [...]int{len(t.kinds), len(t.hessians)} { // may be missing
		if length != 0 && length != n {
			return false
		}
	}
	return n > 0 && n <= 4*forest.MaxTreeNodes
}

// addSplits appends the splits among the nodes to the ensemble.
func (d *decoder) addSplits(tree int, t *nodeArrays, nodes []int32) error {
	for _, node := range nodes {
		if t.left[node] < 0 {
			continue
		}
		s, err := d.split(tree, t, node)
		if err != nil {
			return err
		}
		d.b.Splits = append(d.b.Splits, s)
	}
	return nil
}

// addLeaf appends the values of a leaf to the ensemble and returns its number.
func (d *decoder) addLeaf(tree int, t *nodeArrays, node int32) (int32, error) {
	leaf := int32(len(d.e.Leaves) / t.vector)
	d.b.Numbers = append(d.b.Numbers, node)
	if len(t.hessians) > 0 {
		d.e.Weights.Singles = append(d.e.Weights.Singles, t.hessians[node])
	}
	if t.vector == 1 {
		d.e.Leaves = append(d.e.Leaves, float64(t.conditions[node]))
		return leaf, nil
	}
	values, at := t.weights, int64(node)
	if len(t.leafWeights) > 0 {
		values, at = t.leafWeights, int64(t.right[node])
	}
	start := at * int64(t.vector)
	if at < 0 || start+int64(t.vector) > int64(len(values)) {
		return 0, forest.Damaged(d.format(), "leaf %d of tree %d has no values", node, tree)
	}
	for _, v := range values[start:][:t.vector] {
		d.e.Leaves = append(d.e.Leaves, float64(v))
	}
	return leaf, nil
}

// split translates a node.
func (d *decoder) split(tree int, t *nodeArrays, node int32) (forest.BinarySplit, error) {
	s := forest.BinarySplit{
		Feature: t.features[node],
		Left:    t.numbers[t.left[node]],
		Right:   t.numbers[t.right[node]],
		Missing: forest.MissingRight,
	}
	if t.defaultLeft[node] != 0 {
		s.Missing = forest.MissingLeft
	}
	if len(t.kinds) > 0 && t.kinds[node] == 1 {
		if t.sets == nil || t.sets[node] == nil {
			return s, forest.Damaged(d.format(),
				"the categorical node %d of tree %d has no categories", node, tree)
		}
		s.Kind = forest.InSetRight
		start := len(d.b.Categories)
		d.b.Categories = append(d.b.Categories, t.sets[node]...)
		s.Set = [2]int32{int32(start), int32(len(d.b.Categories))}
		return s, nil
	}
	c := t.conditions[node]
	if c != c {
		return s, forest.Damaged(d.format(), "node %d of tree %d compares with NaN", node, tree)
	}
	// less goes left, so what is greater than the next smaller value goes right
	s.Border = forest.OrderKey(c) - 1
	return s, nil
}

// sets cuts the categories into the sets of the nodes. A category belongs to one set: else a small
// file could take much memory.
func (d *decoder) sets(tree int, t *nodeArrays) error {
	if len(t.catNodes) == 0 {
		return nil
	}
	if len(t.catStarts) != len(t.catNodes) || len(t.catSizes) != len(t.catNodes) {
		return forest.Damaged(d.format(),
			"tree %d has categories for %d nodes, starts of %d and sizes of "+
				"%d", tree, len(t.catNodes),
			len(t.catStarts), len(t.catSizes))
	}
	t.sets = make([][]int32, len(t.left))
	next := int64(0)
	for i, node := range t.catNodes {
		start, size := int64(t.catStarts[i]), int64(t.catSizes[i])
		if node < 0 || int(node) >= len(t.sets) || t.sets[node] != nil || start != next ||
			size < 1 || size > int64(len(t.categories))-start {
			return forest.Damaged(d.format(),
				"the categories of node %d of tree %d are at %d, %d of "+
					"%d", node, tree, start, size, len(t.categories))
		}
		t.sets[node] = t.categories[start : start+size]
		next = start + size
	}
	return nil
}
