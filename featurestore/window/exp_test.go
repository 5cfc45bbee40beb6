package window_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/featurestore/window"
)

// Both functions are within 1e-10 of those of package math over the range that they are for, and
// exact at 0 and at powers of two.
func TestExpAndLog2(t *testing.T) {
	rng := rand.New(rand.NewPCG(44, 44))
	for range 1_000_000 {
		x := 16 * rng.Float64()
		if got, want := window.Exp(x), math.Exp(x); math.Abs(got-want) > 1e-10*want {
			t.Fatalf("e^%v is %v, want %v", x, got, want)
		}
		x = math.Exp2(128*rng.Float64() - 64)
		if got, want := window.Log2(x), math.Log2(x); math.Abs(got-want) > 1e-10*max(1, math.Abs(want)) {
			t.Fatalf("log2(%v) is %v, want %v", x, got, want)
		}
	}
	if window.Exp(0) != 1 {
		t.Errorf("e^0 is %v", window.Exp(0))
	}
	for n := -64; n < 64; n++ {
		if got := window.Log2(math.Exp2(float64(n))); got != float64(n) {
			t.Errorf("log2(2^%d) is %v", n, got)
		}
	}
}
