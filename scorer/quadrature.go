package scorer

import "math"

// gaussNode is a point of a Gauss-Legendre rule on the interval from 0 to 1.
type gaussNode struct {
	t, rest float64 // rest is 1-t
	weight  float64
}

// gaussLegendre returns the rule of n points, which integrates polynomials of degree up to 2n-1
// exactly: the points are the roots of the Legendre polynomial of degree n, found by Newton's
// method.
func gaussLegendre(n int) []gaussNode {
	rule := make([]gaussNode, n)
	for i := range (n + 1) / 2 {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 8 { // it converges from this start in 3 to 5 steps
			var value float64
			value, slope = legendre(n, x)
			step := value / slope
			x -= step
			if math.Abs(step) < 1e-15 {
				break
			}
		}
		_, slope = legendre(n, x)
		weight := 1 / ((1 - float64(x*x)) * float64(slope*slope))
		rule[i] = gaussNode{t: (1 - x) / 2, rest: (1 + x) / 2, weight: weight}
		rule[n-1-i] = gaussNode{t: (1 + x) / 2, rest: (1 - x) / 2, weight: weight}
	}
	return rule
}

// legendre returns the Legendre polynomial of degree n and its derivative, by the recurrence over
// the degree.
func legendre(n int, x float64) (value, slope float64) {
	before, value := 0.0, 1.0
	for k := range n {
		next := (float64(float64(2*k+1)*x*value) - float64(float64(k)*before)) / float64(k+1)
		before, value = value, next
	}
	return value, float64(n) * (float64(x*value) - before) / (float64(x*x) - 1)
}
