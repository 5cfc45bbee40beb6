package window

import (
	"math"
	"slices"
	"time"
)

// clock has what depends on the time of an event alone, whatever its keys: computed once, it serves all of them.
//
// Sums decay forward (Cormode, Shkapenyuk, Srivastava and Xu 2009): an amount of time t is added times exp((t - s)/tau),
// where s is the start of the epoch that t lies in, and a sum is worth its word times exp(-(now - s)/tau). So an event
// changes the sums that it has an amount for, and nothing else; only the first one of an epoch has to bring all
// sums of its key to the new start. The epochs of a window are 16 time constants long, so that factors stay below
// 9e6: of the largest amount that there is, 2^64, a float32 still holds the sum of 10^12 events.
type clock struct {
	windows []epochs
	panes   []time.Duration
}

// epochs are those of the sums of one time constant.
type epochs struct {
	tau  time.Duration
	span int64 // ns, length of an epoch
}

// minutely has epochs of a minute.
var minutely = epochs{span: int64(time.Minute)}

const epochLength = 16 // time constants

// window gives the number of a time constant.
func (c *clock) window(tau time.Duration) int {
	i := slices.IndexFunc(c.windows, func(e epochs) bool { return e.tau == tau })
	if i < 0 {
		i = len(c.windows)
		span := int64(math.MaxInt64)
		if int64(tau) < span/epochLength {
			span = epochLength * int64(tau)
		}
		c.windows = append(c.windows, epochs{tau, span})
	}
	return i
}

// pane gives the number of a length of panes.
func (c *clock) pane(length time.Duration) int {
	i := slices.Index(c.panes, length)
	if i < 0 {
		i = len(c.panes)
		c.panes = append(c.panes, length)
	}
	return i
}

// start is when the epoch began that now lies in, or the first instant that an int64 can tell.
func (e *epochs) start(now int64) int64 {
	into := now % e.span
	if into < 0 {
		into += e.span
	}
	if now < math.MinInt64+into {
		return math.MinInt64
	}
	return now - into
}

// growth is exp((now - start)/tau), what an amount of now counts in an epoch with that start.
func (e *epochs) growth(start, now int64) float32 {
	return float32(math.Exp(float64(between(start, now)) / float64(e.tau)))
}

// instant is a clock at one time.
type instant struct {
	clock *clock
	now   int64
	known bool

	minute int32    // of now
	begun  int64    // when that began, or the first instant that an int64 can tell
	spans  []span   // by the number of the time constant
	panes  []uint64 // the number of the pane, by the number of their length
}

// span is an epoch at an instant.
type span struct {
	start  int64
	growth float32
}

func (c *clock) instant() instant {
	return instant{clock: c, spans: make([]span, len(c.windows)), panes: make([]uint64, len(c.panes))}
}

// set moves the instant to now.
func (t *instant) set(now int64) {
	if t.known && t.now == now {
		return
	}
	t.now, t.known = now, true
	t.minute, t.begun = minuteOf(now), minutely.start(now)
	for i := range t.spans {
		e := &t.clock.windows[i]
		start := e.start(now)
		t.spans[i] = span{start, e.growth(start, now)}
	}
	for i, length := range t.clock.panes {
		t.panes[i] = uint64(now) / uint64(length)
	}
}
