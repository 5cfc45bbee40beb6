package scorer

import "math"

// vectorRow is the scratch memory of the vector kernels.
type vectorRow struct {
	bins  []byte   // the quantised row
	found []uint32 // the leaves of one chunk of trees
	keys  []int32  // of the columns of ordinary trees
}

// grow makes room for every model that the kernels take.
func (r *vectorRow) grow() {
	if r.found == nil {
		r.bins = aligned(mostBytes)
		r.found = make([]uint32, chunkTrees)
	}
}

// growKeys makes room for ordinary trees.
func (r *vectorRow) growKeys(columns int) {
	r.grow()
	if len(r.keys) < columns {
		r.keys = make([]int32, columns)
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
			b.find(c, row)
			addLeaves(dst, row.vector.found[:c.trees], f.leaves)
		}
	}
	f.rescale(dst)
}

// sumChains adds up in the order of Fast.
func (b *blocks) sumChains(f *oblivious, row *Row) float64 {
	var sums chains
	for _, c := range b.chunks {
		b.find(c, row)
		sums.add(row.vector.found[:c.trees], f.leaves)
	}
	return sums.sum()
}
