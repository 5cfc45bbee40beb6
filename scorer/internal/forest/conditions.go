package forest

import "math"

// BucketBorders is how many borders CatBoost packs into one byte bucket of a quantised row; a
// feature with more borders takes several buckets. The number is frozen by the binary format, which
// stores bucket numbers.
const BucketBorders = 254

// ConditionTrees are trees whose splits refer to numbered conditions, as CatBoost's do: symmetric
// trees, of depths and splits, or asymmetric ones, of nodes. The layout turns every condition into
// "the key of a column is greater than a border", so that the evaluation is independent of the
// kinds of features.
//
// Split ids number all conditions of the model: the borders of the first numeric feature in file
// order, ascending, then those of the second, and so on; then one for each value of oneHots, then
// one for each border of statistics.
type ConditionTrees struct {
	Floats     []FloatFeature // in file order, which is the order of split ids
	Cats       []CatFeature
	OneHots    []OneHot
	Statistics []Statistic
	Tables     []StatisticTable // that statistics come from

	// The leaves of the ensemble are ordered by tree, (1<<depth)*outputs values for each, those of
	// its first leaf first.
	Depths        []uint8    // levels of splits of each tree
	Splits        []int32    // split ids; split d of a tree decides bit d of the leaf index
	Nodes         []TreeNode // of asymmetric trees, instead of Splits
	Roots         []int32    // of these trees, as in TreeNode.Next; not nil if there are such
	Scale         float64    // result = scale*sum + bias
	OutputClasses []int      // class of each output; nil if they are all classes
	Classes       int
}

// FloatFeature is a numeric input.
type FloatFeature struct {
	Name    string // may be empty
	Flat    int    // position in the input row
	Borders []float32
	HighNaN bool // NaN counts as +Inf; else it is below every border
}

// ConditionCount returns the number of conditions.
func (t *ConditionTrees) ConditionCount() int {
	n := 0
	for i := range t.Floats {
		n += len(t.Floats[i].Borders)
	}
	for i := range t.OneHots {
		n += len(t.OneHots[i].Values)
	}
	for i := range t.Statistics {
		n += len(t.Statistics[i].Borders)
	}
	return n
}

// InputCount returns the number of positions of the input row.
func (t *ConditionTrees) InputCount() int {
	n := 0
	for i := range t.Floats {
		n = max(n, t.Floats[i].Flat+1)
	}
	for i := range t.Cats {
		n = max(n, t.Cats[i].Flat+1)
	}
	return n
}

func BucketCount(borders int) int { return (borders + BucketBorders - 1) / BucketBorders }

// keepConditions is Keep for trees over conditions.
func (e *Ensemble) keepConditions(trees int) {
	t := e.Conditions
	dropped := t.Depths[trees:]
	t.Depths = t.Depths[:trees]
	if t.Roots != nil { // the leaves stay: nothing refers to those of dropped trees
		for _, root := range t.Roots[trees:] {
			if root >= 0 && int(root) < len(t.Nodes) { // the first node of its tree
				t.Nodes = t.Nodes[:root]
			}
		}
		t.Roots = t.Roots[:trees]
		return
	}
	for _, depth := range dropped {
		t.Splits = t.Splits[:len(t.Splits)-int(depth)]
		e.Leaves = e.Leaves[:len(e.Leaves)-e.Outputs<<depth]
		if w := e.Weights.Doubles; len(w) > 0 {
			e.Weights.Doubles = w[:len(w)-1<<depth]
		}
	}
}

// checkConditions is Check for trees over conditions.
func (e *Ensemble) checkConditions() error {
	if err := e.checkFeatures(); err != nil {
		return err
	}
	if err := e.checkCategorical(); err != nil {
		return err
	}
	if err := e.checkTrees(); err != nil {
		return err
	}
	e.dropUnsoundWeights(len(e.Leaves) / e.Outputs)
	return e.checkRange()
}

// checkFeatures makes sure that the borders of a feature are ascending, so that comparing with a
// border and comparing ranks are the same, and that no two features have the same position.
func (e *Ensemble) checkFeatures() error {
	t := e.Conditions
	if n := len(t.Floats) + len(t.Cats); n > MaxFeatures {
		return Beyond(e.Format, MaxFeatures, "%d features", n)
	}
	seen := make(map[int]bool, len(t.Floats)+len(t.Cats))
	for i := range t.Floats {
		f := &t.Floats[i]
		if err := e.checkInput(seen, "numeric", i, f.Flat, f.Name); err != nil {
			return err
		}
		if j := unsorted(f.Borders); j >= 0 {
			return Damaged(e.Format, "border %d of feature %d (%v) is NaN or smaller than the "+
				"previous one", j, f.Flat, f.Borders[j])
		}
	}
	for i := range t.Cats {
		if err := e.checkInput(seen, "categorical", i, t.Cats[i].Flat, t.Cats[i].Name); err != nil {
			return err
		}
	}
	return e.checkBuckets()
}

func (e *Ensemble) checkInput(seen map[int]bool, kind string, i, flat int, name string) error {
	switch {
	case flat < 0 || flat >= MaxFeatures:
		return Damaged(e.Format, "%s feature %d has flat index %d, expected 0 to %d", kind, i, flat,
			MaxFeatures-1)
	case seen[flat]:
		return Damaged(e.Format, "two features have flat index %d", flat)
	case len(name) > maxName:
		return Beyond(e.Format, maxName, "the name of feature %d has %d bytes", flat, len(name))
	}
	seen[flat] = true
	return nil
}

// checkBuckets keeps bucket numbers and column numbers within 16 bits.
func (e *Ensemble) checkBuckets() error {
	t := e.Conditions
	used, columns := 0, len(t.Floats)+len(t.Statistics)
	for i := range t.Floats {
		used += BucketCount(len(t.Floats[i].Borders))
	}
	for i := range t.OneHots {
		used += BucketCount(len(t.OneHots[i].Values))
		columns += len(t.OneHots[i].Values)
	}
	for i := range t.Statistics {
		used += BucketCount(len(t.Statistics[i].Borders))
	}
	if used > maxBuckets || columns > MaxColumns {
		return Damaged(e.Format, "the conditions take %d byte buckets and %d columns, at most %d "+
			"and %d are accepted",
			used, columns, maxBuckets, MaxColumns)
	}
	return nil
}

// unsorted returns the position of the first border out of order, or -1. Infinite borders are in
// order at the ends: training rows with infinities can produce them. Equal neighbours do no harm.
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

// checkTrees makes sure that depths, splits and leaves fit each other and that every split id
// exists.
func (e *Ensemble) checkTrees() error {
	t := e.Conditions
	if len(t.Depths) > MaxTrees {
		return Beyond(e.Format, MaxTrees, "%d trees", len(t.Depths))
	}
	if err := e.checkOutputs(); err != nil {
		return err
	}
	if t.Roots != nil {
		return e.checkNodes()
	}
	return e.checkLevels()
}

// checkLevels is checkTrees for symmetric trees.
func (e *Ensemble) checkLevels() error {
	t := e.Conditions
	ids, splits, leaves := t.ConditionCount(), 0, int64(0)
	for i, depth := range t.Depths {
		if depth > MaxDepth {
			return Damaged(e.Format, "tree %d has depth %d, at most %d is accepted", i, depth,
				MaxDepth)
		}
		splits += int(depth)
		leaves += int64(e.Outputs) << depth
	}
	if splits != len(t.Splits) {
		return Damaged(e.Format, "%d tree splits, the depths of the trees require %d",
			len(t.Splits), splits)
	}
	if leaves != int64(len(e.Leaves)) {
		return Damaged(e.Format, "%d leaf values, depths and outputs of the trees require %d",
			len(e.Leaves), leaves)
	}
	for i, id := range t.Splits {
		if id < 0 || int(id) >= ids {
			return Damaged(e.Format, "tree split %d refers to condition %d of %d", i, id, ids)
		}
	}
	return nil
}

// checkRange makes sure that no row can overflow: rounding is monotone, so no partial sum exceeds
// the sum of the largest magnitudes, added in the same order.
func (e *Ensemble) checkRange() error {
	t := e.Conditions
	for i, leaf := range e.Leaves {
		if math.IsNaN(leaf) || math.IsInf(leaf, 0) {
			return Damaged(e.Format, "leaf value %d is %v", i, leaf)
		}
	}
	bound := e.largestSum()
	for _, bias := range e.Bias {
		most := float64(bound*math.Abs(t.Scale)) + math.Abs(bias)
		if math.IsNaN(most) || math.IsInf(most, 0) {
			return Damaged(e.Format, "the sum of the trees is not finite with scale %v and bias %v",
				t.Scale, bias)
		}
	}
	return nil
}

// largestSum returns a bound of the magnitude of every sum of one leaf of each tree.
func (e *Ensemble) largestSum() float64 {
	t := e.Conditions
	bound := 0.0
	if t.Roots != nil {
		most := Largest(e.Leaves)
		for range t.Roots {
			bound += most
		}
		return bound
	}
	leaves := e.Leaves
	for _, depth := range t.Depths {
		bound += Largest(leaves[:e.Outputs<<depth])
		leaves = leaves[e.Outputs<<depth:]
	}
	return bound
}
