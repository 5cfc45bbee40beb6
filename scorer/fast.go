package scorer

import "math"

// Fast returns a view of the model, with the same tables, that adds the leaves in another order where that saves time: CatBoost's symmetric trees
// with one output, and LightGBM's and XGBoost's with one output but for linear trees. Any other model, which would gain nothing, is returned as it
// is: see Exact.
//
// An addition takes three or four cycles, and in the order of the trees each waits for the one before it. Fast adds tree t to sum t mod 8; at the end it adds
// sums 4 to 7 to sums 0 to 3, then 2 and 3 to 0 and 1, then 1 to 0. The order is part of the promise: the result is the same, bit for bit, in every tier and on
// every architecture, but not that of the original library. In pure Go, where finding the leaves takes longer than adding them, nothing is
// gained with CatBoost's trees.
//
// How far off: let S be the sum of the magnitudes of the n leaves that a row falls into. In whatever order they are added, in float64, the result is within
// (n-1)*S*2^-53 of the true sum; in the order of Fast it is within h/(1-h)*S, where h is (n/8 rounded up, plus 2)*2^-53. (N. Higham, Accuracy and Stability of Numerical
// Algorithms, 2002, section 4.2; without the terms of second order: C.-P. Jeannerod, S. Rump, Improved error bounds for inner products in floating-point arithmetic,
// 2013.) So for 1000 trees Fast and the library differ by at most 1.25e-13*S, and usually by a thousandth of it. Scale and bias, or LightGBM's base, are rounded as always.
//
// XGBoost adds in float32. Fast adds its leaves in float64, adds the base, and rounds the result to float32 once: it is within about 2^-24 of its own magnitude of
// the true sum, and differs from the library's by what the library's n roundings make, at most (n+1)*2^-24 times the sum of the magnitudes of leaves and base.
//
// On gives another tier of it, a Set adds each of its models up as that model does, and Explain is not affected.
func (m *Model) Fast() *Model {
	fast := *m
	switch {
	case !m.Exact():
		return m
	case m.oblivious != nil && m.oblivious.reorderable():
		trees := *m.oblivious
		trees.fast = true
		fast.oblivious = &trees
	case m.binary != nil && m.binary.reorderable():
		trees := *m.binary
		trees.fast = true
		fast.binary = &trees
	default:
		return m
	}
	return &fast
}

// Exact says whether the model gives the bits of the original library: as loaded, and after Fast where that changes nothing.
func (m *Model) Exact() bool {
	return !(m.oblivious != nil && m.oblivious.fast || m.binary != nil && m.binary.fast)
}

// reorderable says whether Fast gains anything, and no order of the leaves can overflow.
func (f *oblivious) reorderable() bool {
	most := largestOfAny(len(f.firsts), f.leaves)
	return f.outputs == 1 && finite(most) && finite(float64(most*math.Abs(f.scale))+math.Abs(f.bias[0]))
}

func (f *binaryForest) reorderable() bool {
	most := largestOfAny(f.walker.trees, f.leaves)
	return len(f.base) == 1 && f.linear == nil && finite(most+math.Abs(f.base[0]))
}

// largestOfAny is above the magnitude of every partial sum of one leaf of each tree, in any order. The check at load, which bounds the sum in the
// order of the trees, is more exact than this: what is rounded away there may count in another order. Models that this refuses have leaves that nobody trained.
func largestOfAny(trees int, leaves []float64) float64 { return 2 * float64(trees) * largest(leaves) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
