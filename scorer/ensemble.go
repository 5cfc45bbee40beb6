package scorer

import (
	"math"
)

// Limits of what Load accepts. They keep a hostile file from costing more than time and memory in proportion to its size;
// no model met in practice comes near them.
const (
	maxTrees    = 1 << 20
	maxDepth    = 16 // CatBoost's own limit
	maxFeatures = 1 << 16
	maxBuckets  = 1 << 16 // byte buckets: the binary format numbers them with 16 bits
	maxColumns  = 1 << 16
	maxName     = 1 << 10 // bytes of a feature name
	maxOutputs  = 1 << 12
)

// bucketBorders is how many borders CatBoost packs into one byte bucket of a quantised row; a feature with more borders takes
// several buckets. The number is frozen by the binary format, which stores bucket numbers.
const bucketBorders = 254

// ensemble is what every loader decodes into: the model as the file describes it, before it is laid out for evaluation. A
// loader copies and decodes, and ends with check, which decides for all formats whether the whole makes sense.
//
// There are two families of trees, and a model is of one of them. Symmetric trees (CatBoost) are here: depths, splits, leaves. Their
// splits refer to conditions by ids; the layout (newColumns) turns every condition, whatever it is about, into "the key of a column is
// greater than a border", so that the evaluation knows nothing of features. CatBoost's trees that are not symmetric refer to the same
// conditions. Ordinary trees, of nodes that refer to each other, have a
// representation and a check of their own, since each library compares differently in them.
//
// Split ids number all conditions of the model: the borders of the first numeric feature in file order, ascending, then those of the
// second, and so on; then one for each value of oneHots, then one for each border of statistics.
type ensemble struct {
	format string

	floats     []floatFeature // in file order, which is the order of split ids
	cats       []catFeature
	oneHots    []oneHot
	statistics []statistic
	tables     []statisticTable // that statistics come from

	outputs   int        // numbers that a leaf holds and a row is answered with; at least 1
	depths    []uint8    // levels of splits of each tree
	splits    []int32    // split ids, tree after tree; split d of a tree decides bit d of the leaf index
	leaves    []float64  // tree after tree, (1<<depth)*outputs values for each: those of the first leaf first
	nodes     []treeNode // of trees that are not symmetric, in place of splits
	roots     []int32    // of these trees: nodes, or leaves as in treeNode.next; not nil if the model has such trees
	scale     float64    // result = scale*sum + bias
	bias      []float64  // one for each output
	objective objective
	places    []int // class of each output, of so many classes: see spread; nil if the outputs are those of all classes
	classes   int
	weights   []float64 // of each leaf: how much of the training rows it had; empty if the file does not say
}

// floatFeature is a numeric input.
type floatFeature struct {
	name    string // may be empty
	flat    int    // position in the input row
	borders []float32
	nan     NaNMode
}

// condition is what a split id stands for in CatBoost's quantised row, which binary files of CatBoost refer to: a comparison
// with one of the byte buckets that features are packed into.
type condition struct {
	bucket uint16
	mask   uint8 // CatBoost compares bucket^mask: 0, or for one of the values of a category what makes its number 255
	rank   uint8 // the condition holds if that is at least rank: 1..255
}

// conditions lists the meaning of all split ids. check must have passed the features.
func (e *ensemble) conditions() []condition {
	all := make([]condition, 0, e.splitIDs())
	bucket := 0
	add := func(count int, equal bool) {
		for j := range count {
			c := condition{bucket: uint16(bucket + j/bucketBorders), rank: uint8(j%bucketBorders + 1)}
			if equal {
				c.mask, c.rank = ^c.rank, math.MaxUint8
			}
			all = append(all, c)
		}
		bucket += buckets(count)
	}
	for i := range e.floats {
		add(len(e.floats[i].borders), false)
	}
	for i := range e.oneHots {
		add(len(e.oneHots[i].values), true)
	}
	for i := range e.statistics {
		add(len(e.statistics[i].borders), false)
	}
	return all
}

// splitIDs is the number of conditions.
func (e *ensemble) splitIDs() int {
	n := 0
	for i := range e.floats {
		n += len(e.floats[i].borders)
	}
	for i := range e.oneHots {
		n += len(e.oneHots[i].values)
	}
	for i := range e.statistics {
		n += len(e.statistics[i].borders)
	}
	return n
}

// inputs is the number of positions of the input row.
func (e *ensemble) inputs() int {
	n := 0
	for i := range e.floats {
		n = max(n, e.floats[i].flat+1)
	}
	for i := range e.cats {
		n = max(n, e.cats[i].flat+1)
	}
	return n
}

func buckets(borders int) int { return (borders + bucketBorders - 1) / bucketBorders }

// first leaves the first trees of an ensemble that passed its check. An iteration of CatBoost's training is one tree.
func (e *ensemble) first(trees int) {
	dropped := e.depths[trees:]
	e.depths = e.depths[:trees]
	if e.roots != nil { // the leaves stay: nothing refers to those of dropped trees
		for _, root := range e.roots[trees:] {
			if root >= 0 && int(root) < len(e.nodes) { // the first node of its tree
				e.nodes = e.nodes[:root]
			}
		}
		e.roots = e.roots[:trees]
		return
	}
	for _, depth := range dropped {
		e.splits = e.splits[:len(e.splits)-int(depth)]
		e.leaves = e.leaves[:len(e.leaves)-e.outputs<<depth]
		if len(e.weights) > 0 {
			e.weights = e.weights[:len(e.weights)-1<<depth]
		}
	}
}

// check validates everything the evaluation relies on.
func (e *ensemble) check() error {
	if err := e.checkFeatures(); err != nil {
		return err
	}
	if err := e.checkCategorical(); err != nil {
		return err
	}
	if err := e.checkTrees(); err != nil {
		return err
	}
	e.dropWeights()
	return e.checkRange()
}

// checkFeatures makes sure that the borders of a feature are ascending, so that comparing with a border and comparing ranks
// among the borders are the same, and that no two features claim one input.
func (e *ensemble) checkFeatures() error {
	if n := len(e.floats) + len(e.cats); n > maxFeatures {
		return beyond(e.format, maxFeatures, "%d features", n)
	}
	seen := make(map[int]bool, len(e.floats)+len(e.cats))
	for i := range e.floats {
		f := &e.floats[i]
		if err := e.checkInput(seen, "numeric", i, f.flat, f.name); err != nil {
			return err
		}
		if j := unsorted(f.borders); j >= 0 {
			return damaged(e.format, "border %d of feature %d (%v) is NaN or smaller than the one before it", j, f.flat, f.borders[j])
		}
	}
	for i := range e.cats {
		if err := e.checkInput(seen, "categorical", i, e.cats[i].flat, e.cats[i].name); err != nil {
			return err
		}
	}
	return e.checkBuckets()
}

func (e *ensemble) checkInput(seen map[int]bool, kind string, i, flat int, name string) error {
	switch {
	case flat < 0 || flat >= maxFeatures:
		return damaged(e.format, "%s feature %d has flat index %d, expected 0 to %d", kind, i, flat, maxFeatures-1)
	case seen[flat]:
		return damaged(e.format, "two features have flat index %d", flat)
	case len(name) > maxName:
		return beyond(e.format, maxName, "the name of feature %d has %d bytes", flat, len(name))
	}
	seen[flat] = true
	return nil
}

// checkBuckets keeps bucket numbers and column numbers within 16 bits.
func (e *ensemble) checkBuckets() error {
	used, columns := 0, len(e.floats)+len(e.statistics)
	for i := range e.floats {
		used += buckets(len(e.floats[i].borders))
	}
	for i := range e.oneHots {
		used += buckets(len(e.oneHots[i].values))
		columns += len(e.oneHots[i].values)
	}
	for i := range e.statistics {
		used += buckets(len(e.statistics[i].borders))
	}
	if used > maxBuckets || columns > maxColumns {
		return damaged(e.format, "the conditions take %d byte buckets and %d columns, at most %d and %d are accepted",
			used, columns, maxBuckets, maxColumns)
	}
	return nil
}

// unsorted returns the position of the first border out of order, or -1. Infinite borders are in order at the ends: training
// rows with infinities can produce them. Equal neighbours do no harm.
func unsorted(borders []float32) int {
	last := float32(math.Inf(-1))
	for j, border := range borders {
		if !(border >= last) {
			return j
		}
		last = border
	}
	return -1
}

// checkTrees makes sure that depths, splits and leaves fit each other and that every split id exists.
func (e *ensemble) checkTrees() error {
	if len(e.depths) > maxTrees {
		return beyond(e.format, maxTrees, "%d trees", len(e.depths))
	}
	if e.outputs < 1 || e.outputs > maxOutputs {
		return damaged(e.format, "%d outputs, expected 1 to %d", e.outputs, maxOutputs)
	}
	if len(e.bias) != e.outputs {
		return damaged(e.format, "%d biases for %d outputs", len(e.bias), e.outputs)
	}
	if e.roots != nil {
		return e.checkNodes()
	}
	return e.checkLevels()
}

// checkLevels is checkTrees for symmetric trees.
func (e *ensemble) checkLevels() error {
	ids, splits, leaves := e.splitIDs(), 0, int64(0)
	for i, depth := range e.depths {
		if depth > maxDepth {
			return damaged(e.format, "tree %d has depth %d, at most %d is accepted", i, depth, maxDepth)
		}
		splits += int(depth)
		leaves += int64(e.outputs) << depth
	}
	if splits != len(e.splits) {
		return damaged(e.format, "%d tree splits, the depths of the trees ask for %d", len(e.splits), splits)
	}
	if leaves != int64(len(e.leaves)) {
		return damaged(e.format, "%d leaf values, depths and outputs of the trees ask for %d", len(e.leaves), leaves)
	}
	for i, id := range e.splits {
		if id < 0 || int(id) >= ids {
			return damaged(e.format, "tree split %d refers to condition %d of %d", i, id, ids)
		}
	}
	return nil
}

// checkRange makes sure that no row can overflow: rounding is monotone, so no partial sum exceeds the sum of the largest
// magnitudes, added in the same order.
func (e *ensemble) checkRange() error {
	for i, leaf := range e.leaves {
		if math.IsNaN(leaf) || math.IsInf(leaf, 0) {
			return damaged(e.format, "leaf value %d is %v", i, leaf)
		}
	}
	bound := e.largestSum()
	for _, bias := range e.bias {
		most := float64(bound*math.Abs(e.scale)) + math.Abs(bias)
		if math.IsNaN(most) || math.IsInf(most, 0) {
			return damaged(e.format, "the sum of the trees is not finite with scale %v and bias %v", e.scale, bias)
		}
	}
	return nil
}

// largestSum is at least the magnitude of every sum of one leaf of each tree.
func (e *ensemble) largestSum() float64 {
	bound := 0.0
	if e.roots != nil {
		most := largest(e.leaves)
		for range e.roots {
			bound += most
		}
		return bound
	}
	leaves := e.leaves
	for _, depth := range e.depths {
		bound += largest(leaves[:e.outputs<<depth])
		leaves = leaves[e.outputs<<depth:]
	}
	return bound
}

func largest(leaves []float64) float64 {
	most := 0.0
	for _, leaf := range leaves {
		most = max(most, math.Abs(leaf))
	}
	return most
}

// dropWeights forgets weights that cannot be meant: they only serve explanations, so nothing else depends on them.
func (e *ensemble) dropWeights() {
	w := leafWeights{doubles: e.weights}
	if !w.sound(len(e.leaves) / e.outputs) {
		e.weights = nil
	}
}
