package window_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// liveKeys is the number of keys in every dimension of BenchmarkAdd: the target's million, or fewer with -short.
func liveKeys() int {
	if testing.Short() {
		return 10_000
	}
	return 1_000_000
}

// traffic of n keys in every dimension, each drawn on its own: the worst case, since real traffic has few user agents
// and hosts, and its clients come back soon. Nearly every line of every cell is a cache miss, and objects are new ones
// most of the time.
type worstCase struct {
	rng  *rand.Rand
	keys int
	o    traffic.Observation
}

func newWorstCase(keys int) *worstCase {
	w := &worstCase{rng: rand.New(rand.NewPCG(40, 40)), keys: keys}
	w.o.Time = noon
	w.o.Measures[traffic.Requests], w.o.Measures[traffic.Pages], w.o.Measures[traffic.Bytes] = 1, 1, 1000
	return w
}

// key gives the key that a number stands for.
func (w *worstCase) key(number int) uint64 { return (uint64(number) + 1) * 0xbf58476d1ce4e5b9 }

func (w *worstCase) next() *traffic.Observation {
	for d := range w.o.Keys {
		w.o.Keys[d] = w.key(int(uint64(w.rng.Uint32()) * uint64(w.keys) >> 32))
	}
	for i := range w.o.Objects {
		w.o.Objects[i] = w.rng.Uint64() | 1
	}
	w.o.Time += 1500
	return &w.o
}

// fill gives an Aggregator with all keys.
func (w *worstCase) fill(b *testing.B, config window.Config) *window.Aggregator {
	config.MaxKeys = 5 * w.keys / 2
	a := newAggregator(b, config)
	for number := range w.keys {
		for d := range w.o.Keys {
			w.o.Keys[d] = w.key(number)
		}
		a.Add(&w.o)
	}
	return a
}

// processorTime is what this process has used so far: on a machine that others use too, it tells more than the clock.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkAdd folds an event into the rows of seven dimensions with a million live keys each, all features of the
// catalog. events/cpu-s are those for a second of processor time.
//
//	go test -run '^$' -bench 'Add$' -benchtime 2000000x ./featurestore/window
func BenchmarkAdd(b *testing.B) {
	w := newWorstCase(liveKeys())
	a := w.fill(b, window.Config{})
	b.ReportAllocs()
	b.ResetTimer()
	start := processorTime()
	for range b.N {
		a.Add(w.next())
	}
	a.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/(processorTime()-start).Seconds(), "events/cpu-s")
}

// BenchmarkAddLog folds a real log, site-a.nginx.log, again and again.
//
//	go test -run '^$' -bench AddLog -benchtime 1000000x ./featurestore/window
func BenchmarkAddLog(b *testing.B) {
	var observations []traffic.Observation
	readLog(b, "site-a.nginx.log", func(o *traffic.Observation) { observations = append(observations, *o) })
	a := newAggregator(b, window.Config{})
	b.ReportAllocs()
	b.ResetTimer()
	span := observations[len(observations)-1].Time - observations[0].Time
	for i := range b.N {
		o := &observations[i%len(observations)]
		a.Add(o)
		o.Time += span // for the next round
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkObserve computes what Add needs of an event.
//
//	go test -run '^$' -bench Observe ./featurestore/window
func BenchmarkObserve(b *testing.B) {
	ev := newStream(42).event()
	var o traffic.Observation
	b.ReportAllocs()
	for b.Loop() {
		traffic.Observe(&ev, seed, &o)
	}
}
