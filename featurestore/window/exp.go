package window

import "math"

// Exponentials and logarithms to 10^-10 take a fraction of the time of those of package math, to
// 10^-16. What they go into is a float32.

const (
	steps   = 64 // of each table
	perStep = math.Ln2 / steps
)

var (
	powers     [steps]float64 // 2^(i/steps)
	reciprocal [steps]float64 // 1/(1 + i/steps)
	logarithm  [steps]float64 // log2(1 + i/steps)
)

func init() {
	for i := range steps {
		x := float64(i) / steps
		powers[i], reciprocal[i], logarithm[i] = math.Exp2(x), 1/(1+x), math.Log2(1+x)
	}
}

// exp is e^x for x from 0 to 700; exp(0) is 1.
func exp(x float64) float64 {
	n := uint64(float64(x*(1/perStep)) + 0.5)
	r := x - float64(float64(n)*perStep) // at most half a step
	series := 1 + float64(r*(1+float64(r*(0.5+float64(r*(1./6))))))
	return math.Float64frombits((1023+n/steps)<<52) * float64(powers[n%steps]*series)
}

// log2 is the binary logarithm of a positive number that is not subnormal; of a power of two it is
// exact.
func log2(x float64) float64 {
	const mantissa = 52
	b := math.Float64bits(x)
	i := b >> (mantissa - 6) % steps
	m := math.Float64frombits(b&(1<<mantissa-1) | 1023<<mantissa) // from 1 to 2
	r := float64((m - (1 + float64(i)/steps)) * reciprocal[i])    // below 1/steps
	series := r * (1 - float64(r*(1./2-float64(r*(1./3-float64(r*(1./4-float64(r*(1./5)))))))))
	return float64(int64(b>>mantissa)-1023) + (logarithm[i] + float64(series*(1/math.Ln2)))
}
