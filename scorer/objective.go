package scorer

import "math"

// objective says how a library turns sums of trees into predictions.
type objective struct {
	name    string // as the model file has it
	link    link
	slope   float64 // of the sigmoid
	divisor float64 // of the sums, before anything else; 0 is none. The number of iterations of a random forest
	single  bool    // in float32, as XGBoost does
	fast    bool    // by fastExp, as CatBoost does

	classes []string // labels, where the file has them; of a binary classifier the negative one first
	cut     float64  // raw output above which a binary classifier decides for the positive class
}

// link is the function from the sum to the prediction.
type link uint8

const (
	identityLink      link = iota
	sigmoidLink            // 1/(1+exp(-slope*x)), for each output
	softmaxLink            // over all outputs
	expLink                // exp(x)
	squareLink             // sign(x)*x*x
	softplusLink           // log(1+exp(x))
	earlySoftplusLink      // the same, with 1+exp(x) rounded
	stepLink               // 1 if x > 0, else 0
	uncertaintyLink        // mean, and logarithm of the standard deviation: gives mean and variance
)

// apply transforms the sums of all outputs in place.
func (o *objective) apply(out []float64) {
	if o.divisor != 0 {
		for i := range out {
			out[i] /= o.divisor
		}
	}
	switch {
	case o.link == softmaxLink && o.single:
		softmaxSingle(out)
	case o.fast:
		o.applyFast(out)
	case o.link == softmaxLink:
		softmaxBy(exp, out, 0)
	default:
		for i, x := range out {
			if o.single {
				out[i] = float64(o.oneSingle(float32(x)))
			} else {
				out[i] = o.one(x)
			}
		}
	}
}

// one transforms an output that does not depend on the others.
func (o *objective) one(x float64) float64 {
	switch o.link {
	case sigmoidLink:
		return 1 / (1 + exp(-o.slope*x))
	case expLink:
		return exp(x)
	case squareLink:
		return math.Copysign(x*x, x)
	case softplusLink:
		return math.Log1p(exp(x))
	case earlySoftplusLink:
		return math.Log1p((1 + exp(x)) - 1) // the subtraction is exact: this is the logarithm, and the same on all architectures
	case stepLink:
		if x > 0 {
			return 1
		}
		return 0
	}
	return x
}

// oneSingle is one in the steps of XGBoost, each rounded to float32.
func (o *objective) oneSingle(x float32) float32 {
	switch o.link {
	case sigmoidLink:
		const most = 88.7 // beyond it the exponential would overflow
		return 1 / (exp32(min(-x, most)) + 1)
	case expLink:
		return exp32(x)
	}
	return float32(o.one(float64(x)))
}

// exp32 is the exponential rounded to float32.
func exp32(x float32) float32 { return float32(exp(float64(x))) }

// softmaxBy takes exponentials of at least leastPower of the first so many outputs.
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
