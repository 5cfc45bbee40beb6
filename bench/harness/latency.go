package harness

import (
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

// Timed calls operation n times in a row and gives the mean time of one.
func Timed(n int, operation func(i int)) []Measurement {
	start := time.Now()
	for i := range n {
		operation(i)
	}
	return []Measurement{NsPerOp(float64(time.Since(start)), int64(n))}
}
