package limits_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
)

const sec = time.Second

func TestRateConfigBounds(t *testing.T) {
	for _, interval := range []time.Duration{-1, 1, time.Millisecond - 1, math.MinInt64} {
		if _, err := limits.NewRate(limits.RateConfig{Interval: interval}); !errors.Is(err,
			limits.ErrConfig) {
			t.Errorf("interval %v: error %v, want ErrConfig", interval, err)
		}
	}
	for _, interval := range []time.Duration{time.Millisecond, time.Hour, math.MaxInt64} {
		if _, err := limits.NewRate(limits.RateConfig{Interval: interval}); err != nil {
			t.Errorf("interval %v: %v", interval, err)
		}
	}
	if got := must(limits.NewRate(limits.RateConfig{})).Interval(); got != time.Second {
		t.Errorf("default interval %v", got)
	}
}

// What users of pingora-limits expect: the rate is that of the last complete interval, and 0 once
// an interval without events has passed.
func TestRateOfTheLastInterval(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{}))
	const key = 1
	observe := func(n uint32, now time.Duration, want uint64) {
		t.Helper()
		if got, _ := r.ObserveAt(key, n, now); got != want {
			t.Errorf("at %v: observed %d, want %d", now, got, want)
		}
	}
	rate := func(now time.Duration, want float64) {
		t.Helper()
		if got := r.RateAt(key, now); got != want {
			t.Errorf("at %v: rate %v, want %v", now, got, want)
		}
	}
	observe(3, 0, 3)
	observe(2, 999*time.Millisecond, 5)
	rate(999*time.Millisecond, 0)
	observe(4, sec, 4)
	rate(sec, 5)
	rate(2*sec, 4)
	rate(3*sec, 0)
	rate(1000*sec, 0)
	observe(1, 1000*sec, 1)
	rate(1001*sec, 1)
}

func TestRatePerSecondOfOtherIntervals(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{Interval: 250 * time.Millisecond}))
	r.ObserveAt(1, 5, 0)
	if got := r.RateAt(1, 250*time.Millisecond); got != 20 {
		t.Errorf("5 events in 250 ms: %v per second, want 20", got)
	}
}

func TestRateComponentsAndProportional(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{Interval: 2 * sec}))
	r.ObserveAt(1, 8, 0)
	r.ObserveAt(1, 3, 2*sec)
	c := r.ComponentsAt(1, 2*sec+500*time.Millisecond)
	want := limits.RateComponents{Previous: 8, Current: 3, Interval: 2 * sec, Elapsed: 0.25}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	if got := limits.Proportional(c); got != (8*0.75+3)/2 {
		t.Errorf("Proportional = %v, want 4.5", got)
	}
}

// The exported methods agree with their twins that take the time. An hour's interval does not end
// while the test runs.
func TestRateReadsTheClock(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{Interval: time.Hour}))
	key := []byte("k")
	if got := r.Observe(key, 2); got != 2 {
		t.Errorf("Observe = %d, want 2", got)
	}
	if got := r.ObserveHash(limits.Hash(key), 1); got != 3 {
		t.Errorf("ObserveHash = %d, want 3", got)
	}
	for range 2 {
		if got := r.Peek(key); got != 3 {
			t.Errorf("Peek = %d, want 3, however often", got)
		}
	}
	if got := r.Rate(key); got != 0 {
		t.Errorf("Rate = %v in the first interval, want 0", got)
	}
	current := func(c limits.RateComponents) float64 { return float64(c.Current) }
	if got := r.RateWith(key, current); got != 3 {
		t.Errorf("RateWith = %v, want 3", got)
	}
}

// An event whose goroutine was late by up to an interval counts in its own interval; one that was
// later, in the interval before the newest. Neither disturbs the newest.
func TestLateEvents(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{}))
	const key = 1
	r.ObserveAt(key, 10, 5*sec)
	r.ObserveAt(key, 1, 6*sec)
	if got, _ := r.ObserveAt(key, 5, 5*sec); got != 15 {
		t.Errorf("late by one interval: counted as %d, want 15", got)
	}
	for i, now := range []time.Duration{4 * sec, 0, -sec, math.MinInt64} {
		if got, _ := r.ObserveAt(key, 1, now); got != uint64(16+i) {
			t.Errorf("late, at %v: counted as %d, want %d", now, got, 16+i)
		}
	}
	for _, now := range []time.Duration{6 * sec, 2 * sec, -1} {
		c := r.ComponentsAt(key, now) // a late reader is told the newest, too
		if c.Previous != 19 || c.Current != 1 || c.Elapsed != 0 {
			t.Errorf("at %v: %+v, want 19 before and 1 now", now, c)
		}
	}
}

func TestRateSaturates(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{Sketch: limits.SketchConfig{Rows: 2, Columns: 4}}))
	r.ObserveAt(1, math.MaxUint32-1, 0)
	for range 3 {
		if got, _ := r.ObserveAt(1, 7, 0); got != math.MaxUint32 {
			t.Errorf("observed %d, want it to stop at 2^32-1", got)
		}
	}
	if c := r.ComponentsAt(1, sec); c.Previous != math.MaxUint32 || c.Current != 0 {
		t.Errorf("%+v after saturation", c)
	}
	if got, _ := r.ObserveAt(1, 7, 2*sec); got != 7 {
		t.Errorf("observed %d in a later interval, want 7", got)
	}
}

// A cell's tag has 32 bits and so comes round; a cell that was left behind must not look like one
// from the future, or from now. (Gaps of exactly one round, to the current or the previous
// interval, are the documented exception.)
func TestEpochTagComesRound(t *testing.T) {
	const interval = time.Millisecond
	const halfRound, round = 1 << 32, 1 << 33 // in intervals
	for _, gap := range []int64{
		1, 2, 3, halfRound - 2, halfRound - 1, halfRound, halfRound + 1, halfRound + 2,
		round - 4, round - 3, round - 2, round - 1, round + 2, round + 3,
	} {
		for _, start := range []int64{0, 1, round - 3, round - 2, round - 1, round} {
			r := must(limits.NewRate(limits.RateConfig{Interval: interval}))
			r.ObserveAt(1, 9, time.Duration(start)*interval)
			now := time.Duration(start+gap) * interval
			if got, _ := r.ObserveAt(2, 1, now); got != 1 { // another key moves time on
				t.Fatalf("gap %d from %d: another key counts %d", gap, start, got)
			}
			want := uint64(0)
			if gap == 1 {
				want = 9
			}
			if c := r.ComponentsAt(1, now); c.Previous != want || c.Current != 0 {
				t.Errorf("gap %d from %d: %+v, want %d before and 0 now", gap, start, c, want)
			}
			if got, _ := r.ObserveAt(1, 1, now); got != 1 {
				t.Errorf("gap %d from %d: first event counts as %d, want 1", gap, start, got)
			}
		}
	}
}

// rateModel is what a Rate should answer: a map per interval.
type rateModel struct {
	counts map[int64]map[uint64]uint64
	newest int64
}

func (m *rateModel) observe(key uint64, n uint32, interval int64) uint64 {
	m.newest = max(m.newest, interval)
	interval = max(interval, m.newest-1)
	if m.counts[interval] == nil {
		m.counts[interval] = make(map[uint64]uint64)
	}
	m.counts[interval][key] += uint64(n)
	return m.counts[interval][key]
}

func TestRateAgainstModel(t *testing.T) {
	for _, c := range []struct {
		sketch limits.SketchConfig
		keys   int
		exact  bool
	}{
		{limits.SketchConfig{}, 50, true},
		{limits.SketchConfig{Rows: 2, Columns: 32}, 300, false},
	} {
		r := must(limits.NewRate(limits.RateConfig{Sketch: c.sketch}))
		m := rateModel{counts: make(map[int64]map[uint64]uint64)}
		random := rand.New(rand.NewPCG(11, uint64(c.keys)))
		agrees := func(got, want uint64) bool { return got == want || got > want && !c.exact }
		for now := time.Duration(0); now < 60*sec; now += time.Duration(random.IntN(int(10 * time.Millisecond))) {
			key := limits.Hash(keyOf(random.Uint32N(uint32(c.keys))))
			at := now - time.Duration(random.IntN(3))*sec*time.Duration(random.IntN(2))
			n := random.Uint32N(3)
			want := m.observe(key, n, int64(max(at, 0)/sec))
			if got, _ := r.ObserveAt(key, n, at); !agrees(got, want) {
				t.Fatalf("%+v at %v: observed %d, model %d", c.sketch, at, got, want)
			}
			components := r.ComponentsAt(key, now)
			newest := max(m.newest, int64(now/sec))
			current, previous := m.counts[newest][key], m.counts[newest-1][key]
			if !agrees(components.Current, current) || !agrees(components.Previous, previous) {
				t.Fatalf("%+v at %v: %+v, model %d before and %d now", c.sketch, now, components,
					previous, current)
			}
		}
	}
}

// Many goroutines count one key in one row while intervals pass. Each add of 1 returns the number
// it got in its interval; every number from 1 to the interval's count must have been given out
// once. A lost, doubled or misplaced event would leave a gap or a repetition.
func TestRateLosesNothingAtRotations(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{Sketch: limits.SketchConfig{Rows: 1, Columns: 2}}))
	const goroutines, events = 8, 20_000
	var clock atomic.Int64 // moved on by every goroutine: an interval is about 100 events
	type place struct{ epoch, count uint64 }
	seen := make([][]place, goroutines)
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			random := rand.New(rand.NewPCG(5, uint64(g)))
			for range events {
				now := time.Duration(clock.Add(int64(sec / 100)))
				now -= time.Duration(random.IntN(4)) * sec / 2 // some are late
				count, epoch := r.ObserveAt(1, 1, now)
				seen[g] = append(seen[g], place{epoch, count})
			}
		})
	}
	group.Wait()
	given := make(map[place]int)
	highest := make(map[uint64]uint64)
	for _, places := range seen {
		for _, p := range places {
			given[p]++
			highest[p.epoch] = max(highest[p.epoch], p.count)
		}
	}
	var total uint64
	for epoch, count := range highest {
		total += count
		for n := uint64(1); n <= count; n++ {
			if given[place{epoch, n}] != 1 {
				t.Fatalf("interval %d: number %d of %d given %d times", epoch, n, count,
					given[place{epoch, n}])
			}
		}
	}
	if total != goroutines*events {
		t.Errorf("%d events counted in %d intervals, want %d", total, len(highest),
			goroutines*events)
	}
	if len(highest) < 100 {
		t.Errorf("only %d intervals passed", len(highest))
	}
}

// With several rows, after each interval in which all goroutines met, the count is the whole truth.
func TestRateConservesAcrossRows(t *testing.T) {
	r := must(limits.NewRate(limits.RateConfig{}))
	const goroutines, intervals, events, keys = 8, 50, 40, 5
	for i := range intervals {
		now := time.Duration(i) * sec
		var group sync.WaitGroup
		for g := range goroutines {
			group.Go(func() {
				for e := range events {
					late := time.Duration((g+e)%2) * sec // half belong to the interval before
					r.ObserveAt(limits.Hash(keyOf(uint32(e%keys))), 1, now-late)
				}
			})
		}
		group.Wait()
		for key := range uint32(keys) {
			const half = goroutines * events / keys / 2
			c := r.ComponentsAt(limits.Hash(keyOf(key)), now)
			wantCurrent, wantPrevious := uint64(half), uint64(2*half)
			if i == 0 { // nothing lies before the first interval
				wantCurrent, wantPrevious = 2*half, 0
			}
			if i == 1 {
				wantPrevious = 3 * half
			}
			if c.Current != wantCurrent || c.Previous != wantPrevious {
				t.Fatalf("interval %d, key %d: %+v, want %d before and %d now", i, key, c,
					wantPrevious, wantCurrent)
			}
		}
	}
}
