package scorer

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactExp sums up the series with 200 bits, after halving the argument until it is small.
func exactExp(x float64) *big.Float {
	const bits, halvings = 300, 20
	r := new(big.Float).SetPrec(bits).SetMantExp(big.NewFloat(x), -halvings)
	sum, term := big.NewFloat(1).SetPrec(bits), big.NewFloat(1).SetPrec(bits)
	for i := 1; i < 30; i++ {
		term.Mul(term, r)
		term.Quo(term, big.NewFloat(float64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

func TestExpIsNearlyExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		x := rng.NormFloat64() * math.Exp(rng.Float64()*10-5)
		if math.Abs(x) > 700 {
			continue
		}
		got, want := exp(x), exactExp(x)
		ulp := math.Nextafter(got, math.Inf(1)) - got
		off, _ := new(big.Float).Sub(want, big.NewFloat(got)).Float64()
		if off = math.Abs(off / ulp); off > 0.501 {
			t.Fatalf("exp(%v) is %v, off by %v units in the last place", x, got, off)
		}
	}
}

func TestExpAtItsEnds(t *testing.T) {
	for _, x := range []float64{math.Inf(-1), -1000, -746, -745.2, -745, -708.5, 0,
		math.Copysign(0, -1), 5e-324, 709.78, 709.79, 711, math.Inf(1)} {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-15*want && got != want &&
			want > 1e-300 {
			t.Errorf("exp(%v) is %v, expected %v", x, got, want)
		}
	}
	if !math.IsNaN(exp(math.NaN())) {
		t.Error("exp(NaN) is a number")
	}
}

// CatBoost's own exponential is near enough to the true one to be recognised, and has its ends.
func TestFastExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		x := rng.Float64()*1400 - 700
		if got, want := fastExp(x), exp(x); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("fastExp(%v) = %v, expected about %v", x, got, want)
		}
	}
	for _, c := range []struct{ x, want float64 }{{0, 1}, {800, math.Inf(1)},
		{math.Inf(1), math.Inf(1)}, {-800, 0}, {math.Inf(-1), 0}} {
		if got := fastExp(c.x); got != c.want {
			t.Errorf("fastExp(%v) = %v, expected %v", c.x, got, c.want)
		}
	}
	if got := fastExp(math.NaN()); got == got {
		t.Errorf("fastExp(NaN) = %v", got)
	}
}
