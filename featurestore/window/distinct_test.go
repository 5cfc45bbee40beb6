package window_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// counter is an Aggregator that does nothing but count the distinct user agents of addresses.
type counter struct {
	a *window.Aggregator
	o traffic.Observation
}

const counterWindow = 10 * time.Minute

func newCounter(t testing.TB) *counter {
	return &counter{a: newAggregator(t, window.Config{Features: []traffic.Feature{{Name: "agents", Unit: "agents",
		Fold: traffic.Fold{Kind: traffic.FoldDistinct, Window: counterWindow, Object: traffic.ObjectAgents}}}})}
}

// add returns the count after an object, 0 for none, was seen with a key.
func (c *counter) add(key, object uint64, at int64) float64 {
	c.o.Keys[traffic.DimIP], c.o.Objects[traffic.ObjectAgents], c.o.Time = key, object, at
	c.a.Add(&c.o)
	row := []float32{0}
	c.a.Row(traffic.DimIP, key, row)
	return float64(row[0])
}

// Up to 15 a count is exact; two of 15 hashes share their 16 bits in one of 600 counts. Repetitions
// change nothing.
func TestDistinctIsExactWhenSmall(t *testing.T) {
	c, rng := newCounter(t), rand.New(rand.NewPCG(30, 30))
	const keys = 500
	wrong := 0
	for key := uint64(1); key <= keys; key++ {
		var objects []uint64
		for n := range 15 {
			objects = append(objects, rng.Uint64())
			if c.add(key, objects[n], noon) != float64(n+1) {
				wrong++
			}
			if got := c.add(key, objects[rng.IntN(n+1)], noon); got > float64(n+1) {
				t.Fatalf("%v of %d", got, n+1)
			}
		}
	}
	if wrong > 15*keys/100 {
		t.Errorf("%d of %d counts are not exact", wrong, 15*keys)
	}
}

// Larger counts have the standard error of a HyperLogLog of 64 registers, 13 %, and hardly any
// bias; also when the objects are spread over both panes of the window.
func TestDistinctEstimates(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 31))
	const keys = 100
	for _, n := range []int{16, 20, 40, 80, 160, 320, 1000, 2500} {
		for _, step := range []int64{0, int64(counterWindow) / 2 / int64(n)} {
			c := newCounter(t)
			bias, square := 0.0, 0.0
			start := int64(noon) - noon%int64(counterWindow)
			for key := uint64(1); key <= keys; key++ {
				got := 0.0
				for i := range n {
					got = c.add(key, rng.Uint64(), start+int64(counterWindow)/4+int64(i)*step)
				}
				e := got/float64(n) - 1
				bias, square = bias+e/keys, square+e*e/keys
			}
			t.Logf("%4d objects, %v apart: bias %+.3f, standard error %.3f", n, time.Duration(step), bias, math.Sqrt(square))
			if math.Abs(bias) > 0.05 || math.Sqrt(square) > 0.16 {
				t.Errorf("%d objects, %v apart: bias %v, standard error %v", n, time.Duration(step), bias, math.Sqrt(square))
			}
		}
	}
}

// What was seen is forgotten between half a window and a whole one later, whether or not other
// objects are seen by then.
func TestDistinctForgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 32))
	for _, objects := range []int{1, 10, 15, 16, 100} {
		for range 20 {
			c, at := newCounter(t), noon+rng.Int64N(int64(counterWindow))
			before := 0.0
			for range objects {
				before = c.add(1, rng.Uint64(), at)
			}
			if got := c.add(1, 0, at+int64(counterWindow)/2-1); got != before {
				t.Errorf("%d objects: %v, half a window later %v", objects, before, got)
			}
			if got := c.add(1, 0, at+int64(counterWindow)); got != 0 {
				t.Errorf("%d objects: %v, a window later %v", objects, before, got)
			}
		}
	}
}

// Small numbers are objects like any other: "none" is one.
func TestSmallNumbersAreSpread(t *testing.T) {
	c, got := newCounter(t), 0.0
	for object := uint64(1); object <= 15; object++ {
		got = c.add(1, object, noon)
	}
	if got < 14 || got > 15 {
		t.Errorf("%v of 15", got)
	}
	if got := c.add(1, 0, noon); got > 15 {
		t.Errorf("%v after an unknown one", got)
	}
}
