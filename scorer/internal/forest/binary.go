package forest

import "math"

// Limits of binary trees, in addition to those of Ensemble.
const (
	MaxTreeNodes = 1 << 15 // splits of one tree: positions within a tree fit 16 bits
	maxTreeDepth = 1 << 12 // steps of one walk
	MaxCategory  = 1 << 24 // above it float32 does not hold every integer
)

// BinaryTrees are trees in which every split has its own condition, as LightGBM and XGBoost train
// them.
type BinaryTrees struct {
	Names      []string // of the inputs, by position; empty if the file does not have them
	Trees      []BinaryTree
	Splits     []BinarySplit
	Categories []int32        // the categories of all categorical splits, one after the other
	Numbers    []int32        // of all leaves, within their tree, as the library counts
	Width      int            // values of a leaf: above 1 if it has one for every output
	Linear     map[int]Linear // by leaf; width is 1
	Single     bool           // sums are rounded to float32 after every tree, as XGBoost does
	Truncating bool           // -0.5 is category 0, as in LightGBM; else it is not a category
	Flushed    float32        // values up to this magnitude count as 0
	Values     CategoryValues // of categorical features, where the file has them
}

// BinaryTree is one tree. A child is encoded as in LightGBM: a split of the tree, or ^leaf for a
// leaf of the ensemble.
type BinaryTree struct {
	First  int32 // index of its first split in Splits
	Count  int32 // number of its splits
	Root   int32 // as a child
	Output int32 // which sum its leaves are added to; 0 if the leaves have a value for each
}

// BinarySplit sends a row right if the input's value is above a border, or if its category is in a
// set.
type BinarySplit struct {
	Feature     int32 // position of the input
	Left, Right int32 // position among the tree's splits, or ^leaf
	Border      int32 // order key: right if the key of the value is greater
	Missing     MissingRule
	Kind        SplitKind
	Set         [2]int32 // range of categories
}

// SplitKind is what a split compares, and where a category of its set goes.
type SplitKind uint8

const (
	NumericSplit SplitKind = iota
	InSetRight             // XGBoost: the categories of the set go right
	InSetLeft              // LightGBM: they go left
)

// MissingRule is where a split sends missing values.
type MissingRule uint8

const (
	MissingLeft      MissingRule = iota // NaN goes left
	MissingRight                        // NaN goes right
	MissingAsZero                       // NaN is compared as 0
	MissingZeroLeft                     // NaN goes left, and so do values up to NearZero
	MissingZeroRight                    // NaN goes right, and so do values up to NearZero
)

// NearZero is the magnitude up to which LightGBM takes a value for zero: it drops such values from
// its rows before it evaluates trees. LightGBM compares in float64 with a constant written as
// float32, which makes no difference to a float32 input.
const NearZero float32 = 1e-35

// Linear is the linear function of a leaf: constant plus the sum of coefficients times inputs. It
// applies unless one of the inputs is missing.
type Linear struct {
	Constant float64
	Terms    []LinearTerm
}

// LinearTerm is an input of a linear function, with its coefficient.
type LinearTerm struct {
	Feature     int32
	Coefficient float64
}

// keepBinary is Keep for binary trees.
func (e *Ensemble) keepBinary(trees int) {
	b := e.Binary
	b.Trees = b.Trees[:trees]
	end := int32(0)
	for i := range b.Trees {
		end = max(end, b.Trees[i].First+b.Trees[i].Count)
	}
	b.Splits = b.Splits[:end]
}

// checkBinary is Check for binary trees.
func (e *Ensemble) checkBinary() error {
	b := e.Binary
	switch {
	case len(b.Names) > MaxFeatures:
		return Beyond(e.Format, MaxFeatures, "%d features", len(b.Names))
	case len(b.Trees) > MaxTrees:
		return Beyond(e.Format, MaxTrees, "%d trees", len(b.Trees))
	case e.Outputs < 1 || e.Outputs > MaxOutputs || len(e.Bias) != e.Outputs:
		return Damaged(e.Format, "%d outputs, expected 1 to %d", e.Outputs, MaxOutputs)
	case b.Width != 1 && b.Width != e.Outputs:
		return Damaged(e.Format, "%d values for each leaf of a model with %d outputs", b.Width,
			e.Outputs)
	}
	for _, name := range b.Names {
		if len(name) > maxName {
			return Beyond(e.Format, maxName, "the name of a feature has %d bytes", len(name))
		}
	}
	if err := e.checkSplits(); err != nil {
		return err
	}
	for i := range b.Trees {
		if err := e.checkTree(i); err != nil {
			return err
		}
	}
	e.dropTreeWeights()
	return e.checkBinaryRange()
}

// dropTreeWeights is dropUnsoundWeights, and also drops the weights if those of all leaves of a
// tree are 0, as in a file whose statistics were cleared.
func (e *Ensemble) dropTreeWeights() {
	b := e.Binary
	e.dropUnsoundWeights(len(e.Leaves) / b.Width)
	for i := range b.Trees {
		t := &b.Trees[i]
		total := 0.0
		for _, s := range b.Splits[t.First : t.First+t.Count] {
			for _, child := range [2]int32{s.Left, s.Right} {
				// splits that nothing reaches are not checked
				if child < 0 && int(^child) < e.Weights.len() {
					total += e.Weights.At(int(^child))
				}
			}
		}
		if t.Count > 0 && total == 0 {
			e.Weights = LeafWeights{}
			return
		}
	}
}

// checkTree walks a tree from its root: it must reach each split at most once, so that there is no
// cycle.
func (e *Ensemble) checkTree(i int) error {
	b := e.Binary
	t := &b.Trees[i]
	if t.Output < 0 || int(t.Output) >= e.Outputs {
		return Damaged(e.Format, "tree %d belongs to output %d of %d", i, t.Output, e.Outputs)
	}
	if t.Count > MaxTreeNodes {
		return Beyond(e.Format, MaxTreeNodes, "tree %d has %d splits", i, t.Count)
	}
	seen := make([]bool, t.Count)
	level, next := []int32{t.Root}, []int32(nil)
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxTreeDepth {
			return Beyond(e.Format, maxTreeDepth, "the splits on a way through tree %d", i)
		}
		next = next[:0]
		for _, child := range level {
			if child < 0 {
				if int64(^child) >= int64(len(e.Leaves)/b.Width) {
					return Damaged(e.Format, "tree %d refers to leaf %d of %d", i, ^child,
						len(e.Leaves)/b.Width)
				}
				continue
			}
			if child >= t.Count || seen[child] {
				return Damaged(e.Format, "tree %d refers to split %d, which it does not have or "+
					"has met before", i, child)
			}
			seen[child] = true
			s := &b.Splits[t.First+child]
			next = append(next, s.Left, s.Right)
		}
		level, next = next, level
	}
	return nil
}

func (e *Ensemble) checkSplits() error {
	b := e.Binary
	for i := range b.Splits {
		s := &b.Splits[i]
		if s.Feature < 0 || int(s.Feature) >= len(b.Names) {
			return Damaged(e.Format, "a split compares input %d of %d", s.Feature, len(b.Names))
		}
		for _, category := range b.Categories[s.Set[0]:s.Set[1]] {
			if category < 0 || category >= MaxCategory {
				return Damaged(e.Format, "a split has category %d, expected 0 to %d", category,
					MaxCategory-1)
			}
		}
	}
	return nil
}

// checkBinaryRange makes sure that no row with finite inputs can overflow: rounding is monotone, so
// no partial sum exceeds the sum of the largest magnitudes.
func (e *Ensemble) checkBinaryRange() error {
	b := e.Binary
	most := 0.0
	for _, v := range e.Bias {
		most = math.Max(most, math.Abs(v)) // NaN stays NaN
	}
	largest := make([]float64, len(e.Leaves)/b.Width)
	for i, v := range e.Leaves {
		largest[i/b.Width] = math.Max(largest[i/b.Width], math.Abs(v))
	}
	for leaf, l := range b.Linear {
		bound := math.Abs(l.Constant)
		for _, term := range l.Terms {
			if term.Feature < 0 || int(term.Feature) >= len(b.Names) {
				return Damaged(e.Format, "the linear function of a leaf takes input %d of %d",
					term.Feature, len(b.Names))
			}
			bound += math.Abs(term.Coefficient) * math.MaxFloat32
		}
		largest[leaf] = math.Max(largest[leaf], bound)
	}
	for i := range b.Trees {
		most += e.largestLeaf(&b.Trees[i], largest)
	}
	limit := math.MaxFloat64
	if b.Single {
		limit = math.MaxFloat32 / 2 // room for the rounding of a million sums
	}
	if !(most <= limit) {
		return Damaged(e.Format, "the sum of the trees may not be finite")
	}
	return nil
}

// largestLeaf returns the largest magnitude among the leaves of a tree, NaN if one is NaN.
func (e *Ensemble) largestLeaf(t *BinaryTree, largest []float64) float64 {
	b := e.Binary
	if t.Root < 0 {
		return largest[^t.Root]
	}
	most := 0.0
	for i := t.First; i < t.First+t.Count; i++ {
		for _, child := range [2]int32{b.Splits[i].Left, b.Splits[i].Right} {
			if child < 0 && int(^child) < len(largest) {
				most = math.Max(most, largest[^child])
			}
		}
	}
	return most
}

// Depths returns the depths of the trees, which passed their check.
func (b *BinaryTrees) Depths() []uint16 {
	depths := make([]uint16, len(b.Trees))
	for i := range b.Trees {
		depths[i] = uint16(b.depth(&b.Trees[i]))
	}
	return depths
}

// depth returns the number of splits on the longest path through the tree.
func (b *BinaryTrees) depth(t *BinaryTree) int {
	level, next := []int32{t.Root}, []int32(nil)
	for depth := 0; ; depth++ {
		next = next[:0]
		for _, child := range level {
			if child >= 0 {
				s := &b.Splits[t.First+child]
				next = append(next, s.Left, s.Right)
			}
		}
		if len(next) == 0 {
			return depth
		}
		level, next = next, level
	}
}
