package proxyhook_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// The daemon has died, and its clock was ahead: what it published fades all the same, and counts as
// stale.
func TestPublicationFromTheFutureFades(t *testing.T) {
	h := newHost(t)
	future := time.Now().Add(time.Hour)
	for i := range 6 { // 5.7 requests in a minute, of which 5.5 make a bot
		ev := visit(1, 0)
		ev.Time = future.UnixNano()
		if i == 0 {
			ev.Time -= int64(21 * time.Second)
		}
		h.publish(future, ev)
	}
	f := h.filter(proxyhook.Config{StaleAfter: 100 * time.Millisecond})
	score := func() uint8 {
		ev := visit(1, 0)
		ev.Time = 0
		return f.Decide(&ev).Score
	}
	await(t, "a bot's score right after a publication", func() bool { h.publish(future); return score() == knownBot })
	await(t, "requests fade", func() bool { return score() == modelScore[0] })
	await(t, "stale decisions", func() bool { score(); return f.Stats().Stale > 0 })
}

// However the clock is set, a publication's age is the time that has passed since it was seen; the
// next publication is of the new clock.
func TestReadingClock(t *testing.T) {
	const second, hour, year = int64(time.Second), int64(time.Hour), int64(8760 * time.Hour)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	var c proxyhook.ReadingClock
	for i, step := range []struct{ published, wall, running, want int64 }{ // of a request that reads right then
		{noon, noon + second/2, 0, noon + second/2},
		{noon, noon + 2*second, 2 * second, noon + 2*second},
		{noon, noon + hour, 3 * second, noon + 3*second + second/2},                    // an hour ahead
		{noon, noon - year, 4 * second, noon + 4*second + second/2},                    // a year back
		{noon - year + second, noon - year + second, 5 * second, noon - year + second}, // the daemon has published since
		{noon - year + second, noon - year + 9*second, 13 * second, noon - year + 9*second},
		{noon + hour, noon, 14 * second, noon + hour}, // published by a clock that was ahead, and has been set right
		{noon + hour, noon + 5*second, 19 * second, noon + hour + 5*second},
	} {
		c.See(step.published, step.wall, step.running)
		if got := c.At(step.wall); got != step.want {
			t.Errorf("step %d: reads as of %v, want %v", i, time.Unix(0, got).UTC(), time.Unix(0, step.want).UTC())
		}
	}
}

// A request that the clock is set under is as long as it was, or shorter where the clock was set
// back by less than that; one that began after it is not touched.
func TestDurationUnderAClockThatIsSet(t *testing.T) {
	const second, hour = int64(time.Second), int64(time.Hour)
	for _, c := range []struct{ set, passed, since, want int64 }{
		{0, 5 * second, 7 * second, 5 * second},
		{hour, 5*second + hour, 3 * second, 5 * second},  // began before
		{hour, 2 * second, 3 * second, 2 * second},       // began after
		{hour, 2 * hour, 2 * hour, 2 * hour},             // began right after
		{-hour, 5*second - hour, 3 * second, 5 * second}, // began before
		{-hour, 2 * second, 3 * second, 2 * second},      // began after
		{-second, 5*second - second, second, 4 * second}, // not distinguishable
		{second / 2, 5*second + second/2, 1, 5*second + second/2},
	} {
		var s proxyhook.LastStep
		noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).UnixNano()
		s.Look(noon, 0)
		s.Look(noon+second, second)
		s.Look(noon+2*second+c.set, 2*second)
		s.Look(noon+3*second+c.set, 3*second)
		if got := s.Duration(c.passed, 2*second+c.since); got != uint64(c.want) {
			t.Errorf("set by %v, %v passed, %v since then: %v, want %v", time.Duration(c.set), time.Duration(c.passed), time.Duration(c.since),
				time.Duration(got), time.Duration(c.want))
		}
	}
}
