package limits

import (
	"reflect"
	"time"
)

const (
	defaultInterval = time.Second
	minInterval     = time.Millisecond
)

// RateConfig configures a [Rate]. The zero value counts by the second, in 4 rows of 8192 columns
// (512 KiB, as a rate needs two words per cell). Where few keys are seen per interval, 1024 columns
// do.
type RateConfig struct {
	Interval time.Duration // at least one millisecond; 0 means one second
	Sketch   SketchConfig
}

// Rate counts events per key in consecutive intervals of fixed length, and reports the rate of the
// last complete one. A count is never too low. All methods are safe for concurrent use and allocate
// nothing.
//
// The first interval begins when NewRate is called. Nothing happens at the end of an interval: a
// cell belongs to an interval, and the first event of a new interval to reach a cell renews it. So
// no caller waits for a reset, and no event is lost in one. An event whose goroutine was delayed
// until after the end of its interval is still counted in that interval; if it was delayed by more
// than one whole interval, it is counted in the second newest.
//
// The count of one interval stops at 2^32-1 and never wraps.
type Rate struct {
	sketch   epochSketch
	interval time.Duration
	start    time.Time // monotonic clock reading included
}

// NewRate returns a rate counter whose first interval begins now. The error is a *[ConfigError].
func NewRate(config RateConfig) (*Rate, error) {
	if config.Interval == 0 {
		config.Interval = defaultInterval
	}
	if config.Interval < minInterval {
		return nil, &ConfigError{Field: "Interval", Value: config.Interval,
			Reason: "must be at least " + minInterval.String()}
	}
	g, err := geometry(config.Sketch)
	if err != nil {
		return nil, err
	}
	r := &Rate{interval: config.Interval, start: time.Now()}
	r.sketch.Geometry = g
	r.sketch.words = make([]uint64, epochWords(g))
	return r, nil
}

// RateComponents is the argument of a caller's rate function.
type RateComponents struct {
	Previous uint64        // events in the last complete interval
	Current  uint64        // events so far in the interval in progress
	Interval time.Duration // length of an interval
	Elapsed  float64       // part of the interval in progress that has passed, in [0, 1)
}

// Proportional is a rate function for [Rate.RateWith]. It estimates the rate over the interval that
// ends now, in events per second: the current count plus the part of the previous count that the
// sliding interval still covers, if those events were evenly spread.
func Proportional(c RateComponents) float64 {
	return (float64(c.Previous)*(1-c.Elapsed) + float64(c.Current)) / c.Interval.Seconds()
}

// Observe counts n events of key and returns the key's count in the current interval so far, n
// included.
func (r *Rate) Observe(key []byte, n uint32) uint64 { return r.ObserveHash(Hash(key), n) }

// ObserveHash is [Rate.Observe] for a key by its [Hash].
func (r *Rate) ObserveHash(hash uint64, n uint32) uint64 {
	count, _ := r.observe(hash, n, r.now())
	return count
}

// observe also returns the epoch in which it counted.
func (r *Rate) observe(hash uint64, n uint32, now time.Duration) (uint64, uint64) {
	count, epoch := r.sketch.add(hash, n, r.sketch.begin(r.epoch(now)))
	return uint64(count), epoch
}

// Peek returns the count of key in the current interval so far, without counting anything.
func (r *Rate) Peek(key []byte) uint64 { return r.PeekHash(Hash(key)) }

// PeekHash is [Rate.Peek] for a key by its [Hash].
func (r *Rate) PeekHash(hash uint64) uint64 { return r.components(hash, r.now()).Current }

// Rate returns the events of key per second in the last complete interval: 0 if there were none,
// however many there were before.
func (r *Rate) Rate(key []byte) float64 { return r.RateHash(Hash(key)) }

// RateHash is [Rate.Rate] for a key by its [Hash].
func (r *Rate) RateHash(hash uint64) float64 { return r.rate(hash, r.now()) }

func (r *Rate) rate(hash uint64, now time.Duration) float64 {
	return float64(r.components(hash, now).Previous) / r.interval.Seconds()
}

// RateWith returns the result of f for the counts of key as they are now, without counting
// anything. See [Proportional].
func (r *Rate) RateWith(key []byte, f func(RateComponents) float64) float64 {
	return r.RateWithHash(Hash(key), f)
}

// RateWithHash is [Rate.RateWith] for a key by its [Hash].
func (r *Rate) RateWithHash(hash uint64, f func(RateComponents) float64) float64 {
	return f(r.components(hash, r.now()))
}

// components reads both counts of hash. If other goroutines have begun a later epoch than now's, it
// returns the counts at the beginning of that epoch, as the counts of its own may be gone; if an
// epoch begins while it reads, it reads again.
func (r *Rate) components(hash uint64, now time.Duration) RateComponents {
	for {
		own := r.epoch(now)
		epoch := max(own, r.sketch.newest.Load())
		previous, ok1 := r.sketch.peek(hash, epoch-1)
		current, ok2 := r.sketch.peek(hash, epoch)
		if !ok1 || !ok2 {
			continue
		}
		c := RateComponents{Previous: uint64(previous), Current: uint64(current),
			Interval: r.interval}
		if own == epoch && now > 0 {
			c.Elapsed = float64(now%r.interval) / float64(r.interval)
		}
		return c
	}
}

// epoch returns the number of the interval that contains now.
func (r *Rate) epoch(now time.Duration) uint64 {
	return uint64(max(now, 0)/r.interval) + firstEpoch
}

// now returns the time since the first interval began, by the monotonic clock.
func (r *Rate) now() time.Duration { return time.Since(r.start) }

// Interval returns the length of an interval.
func (r *Rate) Interval() time.Duration { return r.interval }

// Bytes returns the memory of the counter.
func (r *Rate) Bytes() int {
	return len(r.sketch.words)*8 + int(reflect.TypeFor[Rate]().Size())
}
