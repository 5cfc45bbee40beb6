package scorer

import (
	"math"
	"strconv"
)

// Names of the formats, as Model.Format and FormatError.Format give them.
const (
	formatLightGBM    = "lightgbm"
	formatXGBoostJSON = "xgboost-json"
	formatXGBoostUBJ  = "xgboost-ubj"
)

// Limits of ordinary binary trees; those of ensemble hold as well.
const (
	maxTreeNodes = 1 << 15 // splits of one tree: positions within a tree fit 16 bits
	maxTreeDepth = 1 << 12 // steps of one walk
	maxCategory  = 1 << 24 // above it float32 does not hold every integer
)

// binaryTrees is an ensemble of ordinary binary trees, each split on its own, as the readers of LightGBM and XGBoost give it. A
// reader copies and decodes, and ends with check, which decides for all formats whether the whole makes sense. newWalker lays it
// out for evaluation.
type binaryTrees struct {
	format     string
	names      []string // of the inputs, by position; empty where the file has none
	trees      []binaryTree
	splits     []binarySplit
	categories []int32   // the categories of all categorical splits, one after the other
	leaves     []float64 // values of all leaves: width values each
	numbers    []int32   // of all leaves, as the library counts them within their tree
	width      int       // above 1 if a leaf has a value for every output
	outputs    int
	base       []float64      // what the sums start from, for each output
	linear     map[int]linear // by leaf; width is 1
	weights    leafWeights    // of the leaves; none if the file lacks those of some tree
	single     bool           // sums are rounded to float32 after every tree, as XGBoost does
	truncating bool           // -0.5 is category 0, as in LightGBM; else it is none
	flushed    float32        // values up to this magnitude count as 0
	values     categoryValues // of categorical features, where the file has them
	objective  objective

	perIteration int // trees of an iteration of the training; at least 1
	warnings     []string
	best         int // number of iterations that early stopping found best; 0: the file names none
}

// binaryTree is one tree. Where its children point follows LightGBM: a split of the tree, or ^leaf for a leaf of the ensemble.
type binaryTree struct {
	first  int32 // position of its first split in splits
	count  int32 // number of its splits
	root   int32 // as a child
	output int32 // which sum its leaves are added to; 0 if the leaves have a value for each
}

// binarySplit sends a row right if the input's value is above a border, or if its category is in a set.
type binarySplit struct {
	feature     int32 // position of the input
	left, right int32 // position among the tree's splits, or ^leaf
	border      int32 // order key: right if the key of the value is greater
	missing     missingRule
	kind        splitKind
	set         [2]int32 // range of categories
}

type splitKind uint8

const (
	numericSplit splitKind = iota
	inSetRight             // XGBoost: the categories of the set go right
	inSetLeft              // LightGBM: they go left
)

// missingRule says where a split sends what is missing.
type missingRule uint8

const (
	missingLeft      missingRule = iota // NaN goes left
	missingRight                        // NaN goes right
	missingAsZero                       // NaN is compared as 0
	missingZeroLeft                     // NaN goes left, and so do zero and what is next to it
	missingZeroRight                    // likewise to the right
)

// linear is the linear function of a leaf: constant plus the sum of coefficients times inputs. It is taken unless one of the
// inputs is missing.
type linear struct {
	constant float64
	terms    []linearTerm
}

type linearTerm struct {
	feature     int32
	coefficient float64
}

// first leaves the trees of the first iterations, which passed check.
func (b *binaryTrees) first(iterations int) {
	b.trees = b.trees[:iterations*b.perIteration]
	end := int32(0)
	for i := range b.trees {
		end = max(end, b.trees[i].first+b.trees[i].count)
	}
	b.splits = b.splits[:end]
	if b.objective.divisor > 0 {
		b.objective.divisor = float64(iterations)
	}
}

// check validates everything that layout and evaluation rely on.
func (b *binaryTrees) check() error {
	switch {
	case len(b.names) > maxFeatures:
		return beyond(b.format, maxFeatures, "%d features", len(b.names))
	case len(b.trees) > maxTrees:
		return beyond(b.format, maxTrees, "%d trees", len(b.trees))
	case b.outputs < 1 || b.outputs > maxOutputs || len(b.base) != b.outputs:
		return damaged(b.format, "%d outputs, expected 1 to %d", b.outputs, maxOutputs)
	case b.width != 1 && b.width != b.outputs:
		return damaged(b.format, "%d values for each leaf of a model with %d outputs", b.width, b.outputs)
	}
	for _, name := range b.names {
		if len(name) > maxName {
			return beyond(b.format, maxName, "the name of a feature has %d bytes", len(name))
		}
	}
	if err := b.checkSplits(); err != nil {
		return err
	}
	for i := range b.trees {
		if err := b.checkTree(i); err != nil {
			return err
		}
	}
	b.dropWeights()
	return b.checkRange()
}

// dropWeights forgets weights that cannot be meant: they only serve explanations, so nothing else depends on them. Nor can they if the
// leaves of a tree have none together, as in a file whose statistics were cleared.
func (b *binaryTrees) dropWeights() {
	if !b.weights.sound(len(b.leaves) / b.width) {
		b.weights = leafWeights{}
		return
	}
	for i := range b.trees {
		t := &b.trees[i]
		total := 0.0
		for _, s := range b.splits[t.first : t.first+t.count] {
			for _, child := range [2]int32{s.left, s.right} {
				if child < 0 && int(^child) < b.weights.len() { // splits that nothing reaches are not checked
					total += b.weights.of(int(^child))
				}
			}
		}
		if t.count > 0 && total == 0 {
			b.weights = leafWeights{}
			return
		}
	}
}

// checkTree walks a tree from its root: it must reach each split at most once, so that there is no cycle.
func (b *binaryTrees) checkTree(i int) error {
	t := &b.trees[i]
	if t.output < 0 || int(t.output) >= b.outputs {
		return damaged(b.format, "tree %d belongs to output %d of %d", i, t.output, b.outputs)
	}
	if t.count > maxTreeNodes {
		return beyond(b.format, maxTreeNodes, "tree %d has %d splits", i, t.count)
	}
	seen := make([]bool, t.count)
	level, next := []int32{t.root}, []int32(nil)
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxTreeDepth {
			return beyond(b.format, maxTreeDepth, "the splits on a way through tree %d", i)
		}
		next = next[:0]
		for _, child := range level {
			if child < 0 {
				if int64(^child) >= int64(len(b.leaves)/b.width) {
					return damaged(b.format, "tree %d refers to leaf %d of %d", i, ^child, len(b.leaves)/b.width)
				}
				continue
			}
			if child >= t.count || seen[child] {
				return damaged(b.format, "tree %d refers to split %d, which it does not have or has met before", i, child)
			}
			seen[child] = true
			s := &b.splits[t.first+child]
			next = append(next, s.left, s.right)
		}
		level, next = next, level
	}
	return nil
}

func (b *binaryTrees) checkSplits() error {
	for i := range b.splits {
		s := &b.splits[i]
		if s.feature < 0 || int(s.feature) >= len(b.names) {
			return damaged(b.format, "a split compares input %d of %d", s.feature, len(b.names))
		}
		for _, category := range b.categories[s.set[0]:s.set[1]] {
			if category < 0 || category >= maxCategory {
				return damaged(b.format, "a split has category %d, expected 0 to %d", category, maxCategory-1)
			}
		}
	}
	return nil
}

// checkRange makes sure that no row with finite inputs can overflow: rounding is monotone, so no partial sum exceeds the sum of
// the largest magnitudes.
func (b *binaryTrees) checkRange() error {
	most := 0.0
	for _, v := range b.base {
		most = math.Max(most, math.Abs(v)) // NaN stays NaN
	}
	largest := make([]float64, len(b.leaves)/b.width)
	for i, v := range b.leaves {
		largest[i/b.width] = math.Max(largest[i/b.width], math.Abs(v))
	}
	for leaf, l := range b.linear {
		bound := math.Abs(l.constant)
		for _, term := range l.terms {
			if term.feature < 0 || int(term.feature) >= len(b.names) {
				return damaged(b.format, "the linear function of a leaf takes input %d of %d", term.feature, len(b.names))
			}
			bound += math.Abs(term.coefficient) * math.MaxFloat32
		}
		largest[leaf] = math.Max(largest[leaf], bound)
	}
	for i := range b.trees {
		most += b.largestOf(&b.trees[i], largest)
	}
	limit := math.MaxFloat64
	if b.single {
		limit = math.MaxFloat32 / 2 // room for the rounding of a million sums
	}
	if !(most <= limit) {
		return damaged(b.format, "the sum of the trees may not be finite")
	}
	return nil
}

// largestOf is the largest magnitude among the leaves of a tree, NaN if one is NaN.
func (b *binaryTrees) largestOf(t *binaryTree, largest []float64) float64 {
	if t.root < 0 {
		return largest[^t.root]
	}
	most := 0.0
	for i := t.first; i < t.first+t.count; i++ {
		for _, child := range [2]int32{b.splits[i].left, b.splits[i].right} {
			if child < 0 && int(^child) < len(largest) {
				most = math.Max(most, largest[^child])
			}
		}
	}
	return most
}

// depths are those of the trees, which passed checkTree.
func (b *binaryTrees) depths() []uint16 {
	depths := make([]uint16, len(b.trees))
	for i := range b.trees {
		depths[i] = uint16(b.depth(&b.trees[i]))
	}
	return depths
}

// describe lists the positions of the input row. Missing values fall where each split says.
func (b *binaryTrees) describe() []Feature {
	features := make([]Feature, len(b.names))
	type border struct{ feature, key int32 }
	seen := map[border]bool{}
	for i := range b.splits {
		s := &b.splits[i]
		f := &features[s.feature]
		f.Splits++
		if s.kind != numericSplit {
			f.Kind = Categorical
			f.Borders++
		} else if key := (border{s.feature, s.border}); !seen[key] {
			seen[key] = true
			f.Borders++
		}
	}
	for i := range features {
		features[i].Name, features[i].NaN = b.names[i], NaNBySplit
		if features[i].Name == "" {
			features[i].Name = strconv.Itoa(i)
		}
	}
	return features
}

// depth is the number of splits on the longest way through the tree.
func (b *binaryTrees) depth(t *binaryTree) int {
	level, next := []int32{t.root}, []int32(nil)
	for depth := 0; ; depth++ {
		next = next[:0]
		for _, child := range level {
			if child >= 0 {
				s := &b.splits[t.first+child]
				next = append(next, s.left, s.right)
			}
		}
		if len(next) == 0 {
			return depth
		}
		level, next = next, level
	}
}
