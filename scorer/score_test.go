package scorer_test

import (
	"math"
	"testing"

	"github.com/headgate/headgate/scorer"
)

func TestScoreEnds(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		p    float64
		want int
	}{
		{0, 99}, {1e-300, 99}, {0.0101, 99}, {0.0102, 98}, {0.5, 50}, {0.98, 2}, {0.99, 1}, {1, 1},
		{math.Nextafter(1, 0), 1}, {-0.1, 99}, {1.1, 1}, {inf, 1}, {-inf, 99}, {math.NaN(), 99},
	} {
		if got := scorer.Score(c.p); got != c.want {
			t.Errorf("Score(%v) = %d, expected %d", c.p, got, c.want)
		}
	}
}

// Score never rises, takes every value from 99 to 1, and each for an equal share of the range.
func TestScoreIsMonotoneAndEven(t *testing.T) {
	const steps = 99 * 1000
	count := map[int]int{}
	last := 99
	for i := range steps {
		s := scorer.Score((float64(i) + 0.5) / steps)
		if s > last || s < 1 {
			t.Fatalf("Score rises from %d to %d at step %d", last, s, i)
		}
		last = s
		count[s]++
	}
	for s := 1; s <= 99; s++ {
		if count[s] != steps/99 {
			t.Errorf("score %d for %d of %d steps, expected %d", s, count[s], steps, steps/99)
		}
	}
}

func TestProbability(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ raw, want float64 }{{0, 0.5}, {inf, 1}, {-inf, 0}, {1000, 1},
		{-1000, 0}, {math.Log(3), 0.75}} {
		if got := scorer.Probability(c.raw); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("Probability(%v) = %v, expected %v", c.raw, got, c.want)
		}
	}
	if got := scorer.Probability(math.NaN()); got == got {
		t.Errorf("Probability(NaN) = %v", got)
	}
	last := 0.0
	for raw := -40.0; raw < 40; raw += 0.01 {
		p := scorer.Probability(raw)
		if p < last {
			t.Fatalf("Probability falls at %v", raw)
		}
		last = p
	}
}
