package scorer

import "math"

// vectorRow is the scratch memory of the vector kernels. A set quantises a row for all of its
// symmetric trees at once, and evaluates binary trees between them: the two families share
// nothing.
type vectorRow struct {
	bins   []byte   // the row as symmetric trees read it
	leaves []uint32 // the leaves of one chunk of symmetric trees

	treeKeys []int32 // of the columns of binary trees
	treeBins []byte  // the row as binary trees read it
}

// grow makes the memory large enough for every model of symmetric trees that the kernels evaluate.
func (r *vectorRow) grow() {
	if r.leaves == nil {
		r.bins = aligned(mostBytes)
		r.leaves = make([]uint32, chunkTrees)
	}
}

// growTrees makes the memory large enough for binary trees.
func (r *vectorRow) growTrees(columns int) {
	if r.treeBins == nil {
		r.treeBins = aligned(mostBytes)
	}
	if len(r.treeKeys) < columns {
		r.treeKeys = make([]int32, columns)
	}
}

// lengthened returns x, or a copy that is extended to inputs values by missing ones.
func (r *Scratch) lengthened(x []float32, inputs int) []float32 {
	if len(x) >= inputs {
		return x
	}
	if len(r.numbers) < inputs {
		r.numbers = make([]float32, inputs)
	}
	for i := copy(r.numbers[:inputs], x); i < inputs; i++ {
		r.numbers[i] = float32(math.NaN())
	}
	return r.numbers
}

// add writes the outputs for a quantised row to dst.
func (b *blocks) add(f *oblivious, scratch *Scratch, dst []float64) {
	dst = dst[:f.outputs]
	if f.fast {
		dst[0] = b.sumChains(f, scratch)
	} else {
		clear(dst)
		for _, c := range b.chunks {
			b.find(c, scratch, scratch.vector.leaves)
			addLeaves(dst, scratch.vector.leaves[:c.trees], f.leaves)
		}
	}
	f.rescale(dst)
}

// sumChains adds up in the order of Fast.
func (b *blocks) sumChains(f *oblivious, scratch *Scratch) float64 {
	var sums chains
	for _, c := range b.chunks {
		b.find(c, scratch, scratch.vector.leaves)
		sums.add(scratch.vector.leaves[:c.trees], f.leaves)
	}
	return sums.sum()
}
