package window

import (
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// clock numbers what depends on an event alone, whatever its keys, so that an effect computes it
// once for all of them.
//
// Sums decay forward (Cormode, Shkapenyuk, Srivastava and Xu 2009): an amount of time t is added
// times exp((t - s)/tau), where s is the start of the epoch that t lies in, and a sum is worth its
// word times exp(-(now - s)/tau). So an event changes the sums that it has an amount for, and
// nothing else; only the first one of an epoch has to bring all sums of its key to the new start.
// The epochs of a window are 16 time constants long, so that factors stay below 9e6: of the largest
// amount that there is, 2^64, a float32 still holds the sum of 10^12 events.
type clock struct {
	windows []epochs
	panes   []time.Duration
	amounts []amount

	offset int64 // what the wall clock was set by: see Instant. It changes while nothing is folded
}

// epochs are those of the sums of one time constant.
type epochs struct {
	tau     time.Duration
	perNano float64 // 1/tau
	span    int64   // ns, length of an epoch
}

// amount is a measure as it counts in the sums of one time constant.
type amount struct {
	measure traffic.Measure
	window  int // number of the time constant
}

const epochLength = 16 // time constants

// window returns the number of a time constant.
func (c *clock) window(tau time.Duration) int {
	i := slices.IndexFunc(c.windows, func(e epochs) bool { return e.tau == tau })
	if i < 0 {
		i = len(c.windows)
		span := int64(math.MaxInt64)
		if int64(tau) < span/epochLength {
			span = epochLength * int64(tau)
		}
		c.windows = append(c.windows, epochs{tau, 1 / float64(tau), span})
	}
	return i
}

// pane returns the number of a length of panes.
func (c *clock) pane(length time.Duration) int { return numberIn(&c.panes, length) }

// amount returns the number of a measure's amount in the sums of the time constant with the given
// number.
func (c *clock) amount(m traffic.Measure, window int) int {
	return numberIn(&c.amounts, amount{m, window})
}

// numberIn returns the index of v in a list, to which it adds v if it is missing.
func numberIn[T comparable](list *[]T, v T) int {
	i := slices.Index(*list, v)
	if i < 0 {
		i = len(*list)
		*list = append(*list, v)
	}
	return i
}

// start is when the epoch began that now lies in, or the first instant of an int64.
func (e *epochs) start(now int64) int64 { return newPeriod(now, e.span).start }

// growth is exp((now - start)/tau), what an amount of now counts in an epoch with that start.
func (e *epochs) growth(start, now int64) float32 {
	return float32(exp(float64(now-start) * e.perNano))
}
