package scorer

import "math"

// vectorRow is the scratch memory of the vector kernels. A set quantises a row for all of its symmetric trees at once, and
// evaluates ordinary trees between them: the two families share nothing.
type vectorRow struct {
	bins  []byte   // the row as symmetric trees read it
	found []uint32 // the leaves of one chunk of symmetric trees

	treeKeys []int32 // of the columns of ordinary trees
	treeBins []byte  // the row as ordinary trees read it
}

// grow makes room for every model of symmetric trees that the kernels take.
func (r *vectorRow) grow() {
	if r.found == nil {
		r.bins = aligned(mostBytes)
		r.found = make([]uint32, chunkTrees)
	}
}

// growTrees makes room for ordinary trees.
func (r *vectorRow) growTrees(columns int) {
	if r.treeBins == nil {
		r.treeBins = aligned(mostBytes)
	}
	if len(r.treeKeys) < columns {
		r.treeKeys = make([]int32, columns)
	}
}

// lengthened returns x, or a longer copy of it if it has fewer than the given number of values: what lacks is missing.
func (r *Row) lengthened(x []float32, inputs int) []float32 {
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
func (b *blocks) add(f *oblivious, row *Row, dst []float64) {
	dst = dst[:f.outputs]
	if f.fast {
		dst[0] = b.sumChains(f, row)
	} else {
		clear(dst)
		for _, c := range b.chunks {
			b.find(c, row, row.vector.found)
			addLeaves(dst, row.vector.found[:c.trees], f.leaves)
		}
	}
	f.rescale(dst)
}

// sumChains adds up in the order of Fast.
func (b *blocks) sumChains(f *oblivious, row *Row) float64 {
	var sums chains
	for _, c := range b.chunks {
		b.find(c, row, row.vector.found)
		sums.add(row.vector.found[:c.trees], f.leaves)
	}
	return sums.sum()
}
