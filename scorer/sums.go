package scorer

// addLeaves adds the values of leaves to the outputs, each in the order of the trees. Several
// outputs are several chains of additions, of which the processor works on up to four at a time: an
// addition waits for the previous one of its output, not for those of other outputs.
func addLeaves(dst []float64, found []uint32, leaves []float64) {
	k, outputs := 0, len(dst)
	for ; outputs-k >= 4; k += 4 {
		addFour((*[4]float64)(dst[k:]), found, leaves[k:], outputs)
	}
	switch outputs - k {
	case 3:
		addThree((*[3]float64)(dst[k:]), found, leaves[k:], outputs)
	case 2:
		addTwo((*[2]float64)(dst[k:]), found, leaves[k:], outputs)
	case 1:
		dst[k] = addOne(dst[k], found, leaves[k:], outputs)
	}
}

// addOne adds the first value of each leaf; a leaf has outputs values.
func addOne(sum float64, found []uint32, leaves []float64, outputs int) float64 {
	if outputs == 1 { // no multiplication
		for _, leaf := range found {
			sum += leaves[leaf]
		}
		return sum
	}
	for _, leaf := range found {
		sum += leaves[int(leaf)*outputs]
	}
	return sum
}

func addTwo(sums *[2]float64, found []uint32, leaves []float64, outputs int) {
	s0, s1 := sums[0], sums[1]
	for _, leaf := range found {
		v := (*[2]float64)(leaves[int(leaf)*outputs:])
		s0 += v[0]
		s1 += v[1]
	}
	*sums = [2]float64{s0, s1}
}

func addThree(sums *[3]float64, found []uint32, leaves []float64, outputs int) {
	s0, s1, s2 := sums[0], sums[1], sums[2]
	for _, leaf := range found {
		v := (*[3]float64)(leaves[int(leaf)*outputs:])
		s0 += v[0]
		s1 += v[1]
		s2 += v[2]
	}
	*sums = [3]float64{s0, s1, s2}
}

func addFour(sums *[4]float64, found []uint32, leaves []float64, outputs int) {
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for _, leaf := range found {
		v := (*[4]float64)(leaves[int(leaf)*outputs:])
		s0 += v[0]
		s1 += v[1]
		s2 += v[2]
		s3 += v[3]
	}
	*sums = [4]float64{s0, s1, s2, s3}
}

// chains are the sums of a model of one output in Fast mode: tree t is added to chain t mod 8, and
// at the end the second half of the chains is added to the first until one is left. Fast promises
// this order, and so the same bits on every machine.
//
// Eight, because two units that take four cycles for an addition, as Intel's do, have eight in
// flight, and because a vector of 512 bits holds eight: a kernel could keep the order.
type chains [8]float64

// add adds the values of the leaves of consecutive trees. A further call continues the chains only
// if there were a multiple of 8 before it.
func (c *chains) add(found []uint32, leaves []float64) {
	s0, s1, s2, s3, s4, s5, s6, s7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for len(found) >= len(c) {
		f := (*[len(c)]uint32)(found)
		s0 += leaves[f[0]]
		s1 += leaves[f[1]]
		s2 += leaves[f[2]]
		s3 += leaves[f[3]]
		s4 += leaves[f[4]]
		s5 += leaves[f[5]]
		s6 += leaves[f[6]]
		s7 += leaves[f[7]]
		found = found[len(c):]
	}
	*c = chains{s0, s1, s2, s3, s4, s5, s6, s7}
	for i, leaf := range found {
		c[i%len(c)] += leaves[leaf]
	}
}

// sum adds the chains up.
func (c *chains) sum() float64 {
	s0, s1, s2, s3 := c[0]+c[4], c[1]+c[5], c[2]+c[6], c[3]+c[7]
	return (s0 + s2) + (s1 + s3)
}

// Chunks of the vector kernels, but for the last, continue the chains.
var _ [0]struct{} = [chunkTrees % len(chains{})]struct{}{}
