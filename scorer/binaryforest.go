package scorer

import (
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// binaryForest is an ensemble of binary trees laid out for evaluation.
type binaryForest struct {
	inputs  int
	columns treeColumns
	// By feature, nil for one whose values the file lacks; nil if it lacks all.
	categories []*forest.Categories
	walker     walker
	exits      *exits   // the same trees for vector kernels, or nil
	outputs    []uint16 // of each tree; nil if there is one output
	leaves     []float64
	numbers    []int32 // of the leaves, as the library numbers them within their tree
	width      int
	base       []float64
	linear     []*forest.Linear // by leaf; nil if there is none at all
	single     bool
	fast       bool // leaves are added up in chains; there is one output then, and linear is nil
}

// newBinaryForest lays out an ensemble that passed its check. It also returns the depths of its
// trees.
func newBinaryForest(e *forest.Ensemble) (*binaryForest, []uint16, error) {
	b := e.Binary
	f := &binaryForest{inputs: len(b.Names), leaves: e.Leaves, numbers: b.Numbers, width: b.Width,
		base: e.Bias, single: b.Single,
		categories: b.Values.ByFeature}
	columns, splits, err := newTreeColumns(e)
	if err != nil {
		return nil, nil, err
	}
	f.columns = columns
	depths := b.Depths()
	f.walker = newWalker(b, depths, splits, uint16(columns.count))
	if e.Outputs > 1 && b.Width == 1 {
		f.outputs = make([]uint16, len(b.Trees))
		for i := range b.Trees {
			f.outputs[i] = uint16(b.Trees[i].Output)
		}
	}
	if len(b.Linear) > 0 {
		f.linear = make([]*forest.Linear, len(e.Leaves))
		for leaf, l := range b.Linear {
			f.linear[leaf] = &l
		}
	}
	return f, depths, nil
}

// on returns the same trees laid out for a tier. AVX2 has no masks, and its kernels were slower
// than the walker.
func (f *binaryForest) on(tier Tier) *binaryForest {
	on := *f
	on.exits = nil
	if tier == TierAVX512 {
		on.exits = newExits(&f.walker, f.columns.count, exitLimit(&f.walker))
	}
	return &on
}

// newWalker lays the trees out in blocks of similar depth.
func newWalker(b *forest.BinaryTrees, depths []uint16, splits []walkSplit,
	leafColumn uint16) walker {
	w := walker{trees: len(b.Trees), narrow: leafColumn < narrow}
	order := make([]uint32, len(b.Trees))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(i, j uint32) int { return int(depths[i]) - int(depths[j]) })
	for block := range slices.Chunk(order, walkWidth) {
		var wb walkBlock
		for i, tree := range block {
			t := &b.Trees[tree]
			wb.roots[i] = w.add(splits[t.First:t.First+t.Count], t.Root, leafColumn)
			wb.trees[i] = tree
			wb.depth = int32(depths[tree]) // the last is the deepest
		}
		for i := len(block); i < walkWidth; i++ {
			wb.roots[i], wb.trees[i] = wb.roots[0], wb.trees[0]
		}
		w.blocks = append(w.blocks, wb)
	}
	return w
}

// grow makes the scratch large enough for an evaluation.
func (f *binaryForest) grow(scratch *Scratch) {
	if n := max(f.columns.count+1, narrow); len(scratch.treeKeys) < n {
		scratch.treeKeys = make([]uint32, n)
	}
	scratch.growLeaves(f.walker.trees + exitRoom)
	if f.exits != nil {
		scratch.vector.growTrees(f.columns.count)
	}
}

// raw writes the untransformed outputs for x into out, which is as long as base.
func (f *binaryForest) raw(scratch *Scratch, x []float32, out []float64) {
	f.grow(scratch)
	x = f.overlay(scratch, x)
	f.find(scratch, x, scratch.leaves)
	at := scratch.leaves[:f.walker.trees]
	copy(out, f.base)
	switch {
	case f.fast:
		f.addChains(at, out)
	case f.width > 1:
		f.addVectors(at, out)
	case f.linear != nil:
		f.addLinear(at, x, out)
	case f.single:
		f.addSingle(at, out)
	case f.outputs != nil:
		for i, leaf := range at {
			out[f.outputs[i]] += f.leaves[leaf]
		}
	default:
		addLeaves(out, at, f.leaves)
	}
}

// find writes the leaf number of every tree to at, which is exitRoom longer than there are trees.
// Set values are in x already.
func (f *binaryForest) find(scratch *Scratch, x []float32, at []uint32) {
	keys := scratch.treeKeys
	f.columns.fill(keys, x)
	if f.exits != nil {
		f.exits.find(scratch, keys[:f.columns.count], at)
		f.exits.rest.find(keys, at[:f.walker.trees])
	} else {
		f.walker.find(keys, at[:f.walker.trees])
	}
}

// overlay returns what the trees compare: x, overridden by the values that are set.
func (f *binaryForest) overlay(scratch *Scratch, x []float32) []float32 {
	x = scratch.overlay(x, f.inputs)
	if f.categories != nil && scratch.hasValues {
		scratch.translate(x, f.categories, nil)
	}
	return x
}

// addChains adds up in the order of Fast, in float64 for XGBoost too, whose sum is rounded to
// float32 when it is complete.
func (f *binaryForest) addChains(at []uint32, out []float64) {
	var c chains
	c.add(at, f.leaves)
	out[0] += c.sum()
	if f.single {
		out[0] = float64(float32(out[0]))
	}
}

// addSingle adds up in float32.
func (f *binaryForest) addSingle(at []uint32, out []float64) {
	if f.outputs != nil {
		for i, leaf := range at {
			sum := &out[f.outputs[i]]
			*sum = float64(float32(*sum) + float32(f.leaves[leaf]))
		}
		return
	}
	sum := float32(out[0])
	for _, leaf := range at {
		sum += float32(f.leaves[leaf])
	}
	out[0] = float64(sum)
}

// addVectors adds up leaves that have a value for each output.
func (f *binaryForest) addVectors(at []uint32, out []float64) {
	for _, leaf := range at {
		values := f.leaves[int(leaf)*f.width:][:f.width]
		for i, v := range values {
			if f.single {
				out[i] = float64(float32(out[i]) + float32(v))
			} else {
				out[i] += v
			}
		}
	}
}

// addLinear adds up the functions of the leaves.
func (f *binaryForest) addLinear(at []uint32, x []float32, out []float64) {
	for i, leaf := range at {
		output := uint16(0)
		if f.outputs != nil {
			output = f.outputs[i]
		}
		v := f.leaves[leaf]
		if l := f.linear[leaf]; l != nil {
			v = linearValue(l, x, v)
		}
		out[output] += v
	}
}

// linearValue returns the value of a leaf's linear function, or the leaf's own value if an input is
// missing.
func linearValue(l *forest.Linear, x []float32, missing float64) float64 {
	sum := l.Constant
	for _, term := range l.Terms {
		if int(term.Feature) >= len(x) || x[term.Feature] != x[term.Feature] {
			return missing
		}
		if v := x[term.Feature]; !(v <= forest.NearZero && v >= -forest.NearZero) {
			// the conversion forbids a fused multiply-add
			sum += float64(term.Coefficient * float64(v))
		}
	}
	return sum
}
