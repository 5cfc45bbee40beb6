package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Fast returns a view of the model, with the same tables, that adds the leaves in another order
// where that saves time: for models of one output, of CatBoost's symmetric trees, or of LightGBM's
// or XGBoost's trees without linear functions. Any other model would gain little or nothing and is
// returned unchanged: see Exact. The result is close to the library's, not the same bits.
//
// An addition takes three or four cycles, and in the order of the trees each waits for the previous
// one. Fast adds tree t to sum t mod 8. At the end it adds sums 4 to 7 to sums 0 to 3, then 2 and 3
// to 0 and 1, then 1 to 0. This order is part of the promise: the result has the same bits in every
// tier and on every architecture. docs/performance.md has the gains; in pure Go, where finding a
// leaf takes longer than adding it, CatBoost's models take a few percent longer.
//
// How far off: let S be the sum of the magnitudes of the n leaves that a row falls into. Added in
// float64, in the order of the trees or in any other, they are within (n-1)*2^-53*S of their true
// sum (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition 2002, section 4.2;
// C.-P. Jeannerod and S. Rump, Improved Error Bounds for Inner Products in Floating-Point
// Arithmetic, 2013, for the bound without a term of second order). In the order of Fast a leaf is
// part of at most k = n/8, rounded up, plus 2 additions that are not to zero; the bound is
// k*2^-53*S, up to second order. For 1000 trees Fast and the library differ by at most 1.25e-13*S,
// usually by less than a hundredth of that. CatBoost's scale and bias are applied, and rounded, as
// always.
//
// XGBoost adds in float32. Fast adds its leaves in float64, adds the base score, and rounds to
// float32 once. That is within half a unit in the last place of the true sum, but for what was
// rounded in float64, and as far from the library's result as the library's n roundings are: at
// most (n+2)*2^-24*S, where S includes the base score.
//
// Fast and On go together in either order. A Set adds up each of its models as that model does;
// Explain does not depend on it.
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

// Exact reports whether the model returns the bits of the original library: as loaded, and after
// Fast if that changes nothing.
func (m *Model) Exact() bool {
	return !(m.oblivious != nil && m.oblivious.fast || m.binary != nil && m.binary.fast)
}

// reorderable reports whether Fast applies to the model and no order of the leaves can overflow.
func (f *oblivious) reorderable() bool {
	most := largestPartialSum(len(f.firsts), f.leaves)
	return f.outputs == 1 && forest.IsFinite(most) &&
		forest.IsFinite(float64(most*math.Abs(f.scale))+math.Abs(f.bias[0]))
}

// reorderable reports the same for binary trees.
func (f *binaryForest) reorderable() bool {
	most := largestPartialSum(f.walker.trees, f.leaves)
	return len(f.base) == 1 && f.linear == nil && forest.IsFinite(most+math.Abs(f.base[0]))
}

// largestPartialSum returns a bound of the magnitude of every sum of leaves of different trees,
// however it is rounded. The check at load has a tighter bound that holds for the order of the
// trees only: small leaves that are rounded away in that order may add up in another. No trained
// model comes near the bound.
func largestPartialSum(trees int, leaves []float64) float64 {
	return 2 * float64(trees) * forest.Largest(leaves)
}
