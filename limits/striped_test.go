package limits_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/headgate/headgate/limits"
)

func TestStripesAreChecked(t *testing.T) {
	for _, stripes := range []int{0, 1, 2, 16, 256} {
		if _, err := limits.NewStripedEstimator(limits.SketchConfig{Rows: 1, Columns: 2},
			stripes); err != nil {
			t.Errorf("%d stripes: %v", stripes, err)
		}
	}
	for _, stripes := range []int{-1, 3, 2 * 256, math.MinInt, math.MaxInt} {
		if _, err := limits.NewStripedEstimator(limits.SketchConfig{}, stripes); !errors.Is(err,
			limits.ErrConfig) {
			t.Errorf("%d stripes: error %v, want ErrConfig", stripes, err)
		}
	}
	if _, err := limits.NewStripedEstimator(limits.SketchConfig{Columns: 3}, 2); !errors.Is(err,
		limits.ErrConfig) {
		t.Errorf("3 columns: error %v, want ErrConfig", err)
	}
	few := must(limits.NewStripedEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}, 1))
	many := must(limits.NewStripedEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}, 16))
	if per := (many.Bytes() - few.Bytes()) / 15; per < 3*1024*8 || per > 26_184 {
		t.Errorf("%d bytes for each stripe", per)
	}
}

// However the adds are spread over the stripes, no count is below the truth, and none above that of
// one sketch which saw the same.
func TestStripesAgainstMapAndEstimator(t *testing.T) {
	for _, config := range []limits.SketchConfig{{Rows: 1, Columns: 64}, {Rows: 3, Columns: 256},
		{}} {
		one := must(limits.NewEstimator(config))
		striped := must(limits.NewStripedEstimator(config, 8))
		random := rand.New(rand.NewPCG(11, uint64(config.Rows)))
		truth := map[uint32]uint64{}
		for range 200 {
			var done sync.WaitGroup
			done.Go(func() { // each time on another stack
				for range 50 {
					key, n := random.Uint32N(2000), random.Uint32N(5)
					truth[key] += uint64(n)
					one.Add(keyOf(key), n)
					striped.Observe(keyOf(key), n)
				}
			})
			done.Wait()
		}
		for key, want := range truth {
			if got, most := striped.Count(keyOf(key)), one.Count(keyOf(key)); got < want ||
				got > most {
				t.Fatalf("%+v: Count(%d) = %d, truth %d, one sketch %d", config, key, got, want,
					most)
			}
		}
	}
}

// Nothing is lost between goroutines, and while they add, a count never falls.
func TestStripesConserve(t *testing.T) {
	const goroutines, rounds = 32, 2000
	e := must(limits.NewStripedEstimator(limits.SketchConfig{}, 0))
	long := []byte("10.0.0.1:8080 shop.example")
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			for i := range rounds {
				e.Observe(keyOf(uint32(i%10)), 1)
				e.Observe(long, 3)
			}
		})
	}
	for last := uint64(0); last < goroutines*rounds*3; runtime.Gosched() {
		now := e.Count(long)
		if now < last {
			t.Fatalf("the count fell from %d to %d", last, now)
		}
		last = now
	}
	done.Wait()
	if got := e.Count(long); got != goroutines*rounds*3 {
		t.Errorf("%d counted, want %d", got, goroutines*rounds*3)
	}
	for key := range uint32(10) {
		if got := e.CountHash(limits.HashUint32(key)); got != goroutines*rounds/10 {
			t.Errorf("key %d: %d counted, want %d", key, got, goroutines*rounds/10)
		}
	}
	e.Reset()
	if e.Count(long) != 0 || e.Count(keyOf(1)) != 0 {
		t.Error("counts after Reset")
	}
}

func TestStripesAllocateNothing(t *testing.T) {
	e := must(limits.NewStripedEstimator(limits.SketchConfig{}, 0))
	key := []byte("10.0.0.1:8080 shop.example")
	if n := testing.AllocsPerRun(100, func() {
		e.Observe(key, 1)
		e.Observe(key[:4], 1)
		e.Count(key)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
