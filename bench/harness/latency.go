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

// Measurements gives the usual percentiles.
func (l *Latency) Measurements() []Measurement {
	n := l.histogram.TotalCount()
	percentile := func(name string, q float64) Measurement {
		return Measurement{Metric: name, Unit: "ns", Value: float64(l.histogram.ValueAtQuantile(q)), N: n}
	}
	return []Measurement{percentile("p50", 50), percentile("p99", 99), percentile("p99.9", 99.9)}
}

// OpenLoop performs n operations, the i-th of which is due i intervals after the first, whether or not those before it
// have ended, and measures each from the instant it was due. Between two it spins: a timer would add its own latency. What
// it measures includes one reading of the clock (see ClockCost).
func OpenLoop(n int, interval time.Duration, operation func(i int) error) (*Latency, error) {
	latency := NewLatency()
	start := time.Now()
	for i := range n {
		due := time.Duration(i) * interval
		for time.Since(start) < due {
		}
		if err := operation(i); err != nil {
			return nil, err
		}
		latency.Record(time.Since(start) - due)
	}
	return latency, nil
}

// ClockCost is the median of what an operation that does nothing takes in an OpenLoop.
func ClockCost() time.Duration {
	latency, _ := OpenLoop(10_000, time.Microsecond, func(int) error { return nil })
	return time.Duration(latency.histogram.ValueAtQuantile(50))
}

// Timed measures n operations in a row, and gives the mean time of one. The loop is the operation's own, so that no indirect call is measured.
func Timed(n int, operations func(n int)) []Measurement {
	start := time.Now()
	operations(n)
	return []Measurement{NsPerOp(float64(time.Since(start)), int64(n))}
}

// Parallel performs n operations in each of some goroutines, and gives the wall-clock time for one operation of one goroutine. The function
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
