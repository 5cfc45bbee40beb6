package window_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// liveKeys is the number of keys in every dimension of BenchmarkAdd: the target's million, or fewer
// with -short.
func liveKeys() int {
	if testing.Short() {
		return 10_000
	}
	return 1_000_000
}

// traffic of n keys in every dimension, each drawn on its own: the worst case, since real traffic
// has few user agents and hosts, and its clients come back soon. Nearly every line of every cell is
// a cache miss, and objects are new ones most of the time.
type worstCase struct {
	rng  *rand.Rand
	keys int
	o    traffic.Observation
}

func newWorstCase(keys int) *worstCase {
	w := &worstCase{rng: rand.New(rand.NewPCG(40, 40)), keys: keys}
	w.o.Time = noon
	w.o.Measures[traffic.MeasureRequests], w.o.Measures[traffic.MeasurePages], w.o.Measures[traffic.MeasureBytes] = 1, 1, 1000
	return w
}

// key returns the key that a number stands for.
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

// fill returns an Aggregator with all keys.
func (w *worstCase) fill(b *testing.B, config window.Config) *window.Aggregator {
	config.MaxKeys, config.Promote = 11*w.keys/10, 1
	a := newAggregator(b, config)
	for number := range w.keys {
		for d := range w.o.Keys {
			w.o.Keys[d] = w.key(number)
		}
		a.Add(&w.o)
	}
	return a
}

// processorTime is what this process has used so far: on a machine that others use too, it tells
// more than the clock.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkAdd folds an event into the rows of its keys, all features of the catalog. worst has a
// million live keys in each of eight dimensions, realistic a million live clients. events/cpu-s are
// those for a second of processor time.
//
//	go test -run '^$' -bench 'Add$' -benchtime 2000000x ./featurestore/window
func BenchmarkAdd(b *testing.B) {
	b.Run("worst", func(b *testing.B) {
		w := newWorstCase(liveKeys())
		benchmarkAdd(b, w.fill(b, window.Config{}), w.next)
	})
	b.Run("realistic", func(b *testing.B) {
		s := newSite(liveKeys())
		benchmarkAdd(b, s.fill(b), s.next)
	})
}

func benchmarkAdd(b *testing.B, a *window.Aggregator, next func() *traffic.Observation) {
	b.ReportAllocs()
	b.ResetTimer()
	start := processorTime()
	for range b.N {
		a.Add(next())
	}
	a.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/(processorTime()-start).Seconds(), "events/cpu-s")
}

// BenchmarkAddPublishing does the same while a Feed publishes what changed every second, or as
// often as it can: on another processor where there is one. Every publication is of most rows.
// rows/s are those that were published, and worst-ms is the longest that Add and Step together held
// the caller up.
//
//	go test -run '^$' -bench AddPublishing -benchtime 5000000x ./featurestore/window
func BenchmarkAddPublishing(b *testing.B) {
	b.Run("worst", func(b *testing.B) {
		w := newWorstCase(liveKeys())
		benchmarkAddPublishing(b, w.fill(b, window.Config{}), w.next)
	})
	b.Run("realistic", func(b *testing.B) {
		s := newSite(liveKeys())
		benchmarkAddPublishing(b, s.fill(b), s.next)
	})
}

func benchmarkAddPublishing(b *testing.B, a *window.Aggregator, event func() *traffic.Observation) {
	p, err := featurestore.OpenPublisher(filepath.Join(tableDir(b), "features"), a.Schema(), featurestore.PublisherConfig{Capacity: a.Capacity()})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	feed := a.NewFeed(p)
	defer feed.Close()
	feed.Begin(noon)
	if r := feed.Finish(); r.Err != nil {
		b.Fatal(r.Err)
	}
	first := feed.Stats().Rows
	var worst time.Duration
	b.ResetTimer()
	next := time.Now().Add(time.Second)
	for i := range b.N {
		o := event()
		a.Add(o)
		if i%4096 > 0 {
			continue
		}
		start := time.Now()
		if start.After(next) {
			feed.Begin(o.Time)
			next = start.Add(time.Second)
		}
		if r, done := feed.Step(); done && r.Err != nil {
			b.Fatal(r.Err)
		}
		worst = max(worst, time.Since(start))
	}
	taken := b.Elapsed()
	feed.Finish()
	b.ReportMetric(float64(b.N)/taken.Seconds(), "events/s")
	b.ReportMetric(float64(feed.Stats().Rows-first)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}

// tableDir is a folder in memory where there is one.
func tableDir(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "headgate-bench-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// BenchmarkRestart restores a checkpoint of a million clients with 1.1 million pairs of client and
// user agent, 250,000 networks, and what else such traffic has.
//
//	go test -run '^$' -bench Restart -benchtime 1x ./featurestore/window
func BenchmarkRestart(b *testing.B) {
	w := newWorstCase(liveKeys())
	config := window.Config{MaxKeys: 12 * w.keys / 10, Promote: 1}
	path := filepath.Join(tableDir(b), "checkpoint")
	written := w.checkpoint(b, config, path)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	b.ResetTimer()
	used := processorTime()
	for range b.N {
		if _, err := newAggregator(b, config).Restore(path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime()-used).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(written.Seconds(), "write-s")
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}

// checkpoint fills an Aggregator, writes its checkpoint, and tells how long that took.
func (w *worstCase) checkpoint(b *testing.B, config window.Config, path string) time.Duration {
	a := newAggregator(b, config)
	for number := range 11 * w.keys / 10 {
		client := number % w.keys
		w.o.Keys = traffic.Keys{traffic.DimIP: w.key(client), traffic.DimNet: w.key(client / 4), traffic.DimUserAgent: w.key(number % 10_000),
			traffic.DimWire: w.key(number % 1000), traffic.DimProgramWire: w.key(number % 3000), traffic.DimHost: w.key(number % 100), traffic.DimIPAgent: w.key(number)}
		a.Add(&w.o)
	}
	start := time.Now()
	if err := a.Checkpoint(path, seed); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
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
