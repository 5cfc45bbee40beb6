package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// objective turns sums of trees into predictions.
type objective struct{ forest.Objective }

func newObjective(data *forest.Objective) objective {
	if data.Fast {
		fastPowers() // now, not with the first row
	}
	return objective{*data}
}

// apply transforms the sums of all outputs in place.
func (o *objective) apply(out []float64) {
	if o.Divisor != 0 {
		for i := range out {
			out[i] /= o.Divisor
		}
	}
	switch {
	case o.Link == forest.SoftmaxLink && o.Single:
		softmaxSingle(out)
	case o.Fast:
		o.applyFast(out)
	case o.Link == forest.SoftmaxLink:
		softmaxBy(exp, out, 0)
	default:
		for i, x := range out {
			if o.Single {
				out[i] = float64(o.oneSingle(float32(x)))
			} else {
				out[i] = o.one(x)
			}
		}
	}
}

// one transforms an output that does not depend on the others.
func (o *objective) one(x float64) float64 {
	switch o.Link {
	case forest.SigmoidLink:
		return 1 / (1 + exp(-o.Slope*x))
	case forest.ExpLink:
		return exp(x)
	case forest.SquareLink:
		return math.Copysign(x*x, x)
	case forest.SoftplusLink:
		return math.Log1p(exp(x))
	case forest.EarlySoftplusLink:
		// the subtraction is exact: this is the logarithm, and the same on all architectures
		return math.Log1p((1 + exp(x)) - 1)
	case forest.StepLink:
		if x > 0 {
			return 1
		}
		return 0
	}
	return x
}

// oneSingle is one with the steps of XGBoost, each rounded to float32.
func (o *objective) oneSingle(x float32) float32 {
	switch o.Link {
	case forest.SigmoidLink:
		const most = 88.7 // beyond it the exponential would overflow
		return 1 / (exp32(min(-x, most)) + 1)
	case forest.ExpLink:
		return exp32(x)
	}
	return float32(o.one(float64(x)))
}

// exp32 returns the exponential rounded to float32.
func exp32(x float32) float32 { return float32(exp(float64(x))) }

// softmaxBy computes a softmax with an exponential function; those of the first outputs are at
// least leastPower.
func softmaxBy(exp func(float64) float64, out []float64, first int) {
	const leastPower = 0x1p-1022
	most := out[0]
	for _, x := range out {
		most = max(most, x)
	}
	sum := 0.0
	for i, x := range out {
		power := exp(x - most)
		if i < first && power < leastPower {
			power = leastPower
		}
		out[i] = power
		sum += power
	}
	for i := range out {
		out[i] /= sum
	}
}

// softmaxSingle adds up in float64, as XGBoost does, and rounds all else to float32.
func softmaxSingle(out []float64) {
	most := out[0]
	for _, x := range out {
		most = max(most, x)
	}
	sum := 0.0
	for i, x := range out {
		out[i] = float64(exp32(float32(x) - float32(most)))
		sum += out[i]
	}
	for i, x := range out {
		out[i] = float64(float32(x) / float32(sum))
	}
}
