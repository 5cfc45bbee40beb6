package scorer

import (
	"math"
	"math/big"
	"sync"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// fastExp is the exponential function that CatBoost uses for softmax and for counts
// (library/cpp/fast_exp of its source tree): the method of S. Mitsunari's fmath, whose result is a
// few units in the last place off, more for large x. The same steps return the same bits.
//
// x = (k + j/2048)*ln(2) - t, where adding a number so large that its last bit is worth 1 leaves
// 2048*k+j in the low bits; then e^x = 2^k * 2^(j/2048) * e^-t, with three terms of the last
// factor's series, of which the last one is fitted.
func fastExp(x float64) float64 {
	const (
		scale   = 2048 / math.Ln2
		unscale = math.Ln2 / 2048
		shift   = float64(3 << 51)
		bias    = 1<<21 - 1<<11       // makes k an exponent's bits
		least   = -708.39641853226408 // its result is 2^-1022
		most    = 709.78271289338397
		sixth   = 0.16666666685227835064
		three   = 3.0000000027955394
	)
	switch {
	case x != x || x >= most:
		return x * math.Inf(1)
	case x <= least:
		return 0
	}
	shifted := float64(x*scale) + shift
	n := math.Float64bits(shifted)
	t := float64((shifted-shift)*unscale) - x
	series := float64(float64((three-t)*float64(t*t))*sixth) - t + 1
	return series * math.Float64frombits((n+bias)>>11<<52|fastPowers()[n&2047])
}

// fastPowers are the fractions of 2^(j/2048), as the bits of a float64 without its exponent. The
// table is computed when the first model needs it.
var fastPowers = sync.OnceValue(func() *[2048]uint64 {
	const precision = 160
	step := big.NewFloat(2).SetPrec(precision)
	for range 11 {
		step.Sqrt(step)
	}
	var table [2048]uint64
	power := big.NewFloat(1).SetPrec(precision)
	for j := range table {
		v, _ := power.Float64()
		table[j] = math.Float64bits(v) & (1<<52 - 1)
		power.Mul(power, step)
	}
	return &table
})

// applyFast is apply for what CatBoost computes with fastExp.
func (o *objective) applyFast(out []float64) {
	switch o.Link {
	case forest.SoftmaxLink:
		// CatBoost computes four classes at a time with AVX2, where arguments below the least one
		// are raised to it. For the up to three remaining classes such arguments return 0.
		softmaxBy(fastExp, out, len(out)&^3)
	case forest.ExpLink:
		for i, x := range out {
			out[i] = fastExp(x)
		}
	case forest.UncertaintyLink:
		out[1] = fastExp(2 * out[1])
	}
}
