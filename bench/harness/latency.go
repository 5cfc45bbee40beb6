package harness

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency collects how long operations took. It is for one goroutine.
type Latency struct {
	histogram *hdrhistogram.Histogram
}

// NewLatency measures from 1 ns to 10 s with three significant digits.
func NewLatency() *Latency {
	return &Latency{hdrhistogram.New(1, int64(10*time.Second), 3)}
}

// Record adds one operation. What is longer than the histogram's range counts as its greatest value.
func (l *Latency) Record(d time.Duration) {
	_ = l.histogram.RecordValue(min(max(int64(d), 1), int64(10*time.Second)))
}

func (l *Latency) recordCorrected(d, interval time.Duration) {
	_ = l.histogram.RecordCorrectedValue(min(max(int64(d), 1), int64(10*time.Second)), int64(interval))
}

// Measurements returns the usual percentiles.
func (l *Latency) Measurements() []Measurement {
	n := l.histogram.TotalCount()
	percentile := func(name string, q float64) Measurement {
		return Measurement{Metric: name, Unit: "ns", Value: float64(l.histogram.ValueAtQuantile(q)), N: n}
	}
	return []Measurement{percentile("p50", 50), percentile("p99", 99), percentile("p99.9", 99.9)}
}

// Operation is what a latency is measured of, for the i-th time. now is when it begins, in nanoseconds since 1970 UTC: one that needs the
// time does not read the clock once more.
type Operation func(i int, now int64) error

// BackToBack performs n operations, one after the other. Each is measured from the end of the previous one, so that no time is left out. What
// it measures includes one reading of the clock (see ClockCost).
func BackToBack(n int, operation Operation) (*Latency, error) {
	latency := NewLatency()
	if err := latency.BackToBack(n, operation); err != nil {
		return nil, err
	}
	return latency, nil
}

// BackToBack adds n operations, as the function of that name performs them. Between two calls there is time to prepare the next
// ones that is not measured.
func (l *Latency) BackToBack(n int, operation Operation) error {
	start := time.Now()
	epoch, last := start.UnixNano(), time.Since(start)
	for i := range n {
		if err := operation(i, epoch+int64(last)); err != nil {
			return err
		}
		now := time.Since(start)
		l.Record(now - last)
		last = now
	}
	return nil
}

// Paced performs n operations and sleeps for an interval between two, as a proxy with other things to do: caches cool down, and the
// processor is shared with what else is busy. An operation is measured from the instant at which its goroutine has the processor: how long the
// system lets a sleeper wait is not the operation's doing. One that takes longer than the interval counts once more for each operation that
// would have been due meanwhile, at the time which that would have waited (the correction of HDR histograms).
func Paced(n int, interval time.Duration, operation Operation) (*Latency, error) {
	latency := NewLatency()
	for i := range n {
		time.Sleep(interval)
		start := time.Now()
		if err := operation(i, start.UnixNano()); err != nil {
			return nil, err
		}
		latency.recordCorrected(time.Since(start), interval)
	}
	return latency, nil
}

// ClockCost is the median of what an operation that does nothing takes back to back.
func ClockCost() time.Duration {
	latency, _ := BackToBack(10_000, func(int, int64) error { return nil })
	return time.Duration(latency.histogram.ValueAtQuantile(50))
}

// Timed measures n operations in a row, and returns the mean time of one. The loop is the operation's own, so that no indirect call is measured.
func Timed(n int, operations func(n int)) []Measurement {
	start := time.Now()
	operations(n)
	return []Measurement{NsPerOp(float64(time.Since(start)), int64(n))}
}

// Parallel performs n operations in each of some goroutines, and returns the wall-clock time for one operation of one goroutine. The function
// that it is handed makes the loop of a goroutine, which has its own state.
func Parallel(goroutines, n int, loop func(goroutine int) (operations func(n int))) []Measurement {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for g := range goroutines {
		ready.Add(1)
		done.Go(func() {
			operations := loop(g)
			ready.Done()
			<-begin
			operations(n)
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	done.Wait()
	return []Measurement{{Metric: "time", Unit: "ns/op", Value: float64(time.Since(start)) / float64(n), N: int64(goroutines) * int64(n)}}
}
