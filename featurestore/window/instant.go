package window

import (
	"math"
	"time"
)

// Time within an Aggregator is steady: what the wall clock shows, less all that it was set by. A
// clock that is set changes one number, by which times are converted where they come in (Add, Tick)
// and go out (Row, Publish). No cell has to change for it, and every interval stays what it was.

// Instant is the time of a machine's clocks at one moment.
type Instant struct {
	Wall int64 // nanoseconds since 1970 UTC; this clock may be set
	// identifies the clock of Running, which changes at a boot; 0: known to this process only
	Boot    uint64
	Running int64 // nanoseconds on a clock that is never set and runs while the machine sleeps
}

// minStep is the least by which a wall clock counts as set. Less is no more than what events' times
// are uncertain by.
const minStep = int64(time.Second)

// reference is what the next Instant is compared with.
type reference struct {
	known bool
	boot  uint64
	zero  int64 // what the wall clock showed, or would have shown, when Running was 0
}

// Clock sets the clocks, before observations of that moment are added. If the wall clock was set by
// a second or more since the last call, all state moves with it, so that features are as if the
// clock had not been wrong. It returns by how much the clock was set.
//
// After Restore the last call is that of the Aggregator that wrote the checkpoint. If the machine
// was booted since then, a clock that was set forward looks like time that passed, and
// counts as that; one that shows an earlier time than the checkpoint was set back.
func (a *Aggregator) Clock(now Instant) (set time.Duration) {
	zero := minus(now.Wall, now.Running)
	last := a.reference
	by := a.behind(now.Wall, minStep)
	if last.known && last.boot == now.Boot {
		if by = minus(zero, last.zero); -minStep < by && by < minStep {
			return 0
		}
	}
	a.reference = reference{true, now.Boot, zero}
	a.shift(by)
	return time.Duration(by)
}

// behind returns by how much the wall clock lies before the last Tick: 0 where it does not, by so
// much or more.
func (a *Aggregator) behind(wall, least int64) int64 {
	if by := minus(a.steady(wall), a.now); a.ticked && by <= -least {
		return by
	}
	return 0
}

// shift moves everything kept by as much as the wall clock was set.
func (a *Aggregator) shift(by int64) {
	if by == 0 {
		return
	}
	a.crew.settle()
	a.clock.offset = plus(a.clock.offset, by)
}

// steady converts a time of the wall clock.
func (a *Aggregator) steady(wall int64) int64 { return minus(wall, a.clock.offset) }

// wall is the inverse of steady.
func (a *Aggregator) wall(steady int64) int64 { return plus(steady, a.clock.offset) }

// plus is the sum, or the end of what an int64 holds.
func plus(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	}
	return sum
}

// minus is the difference, likewise.
func minus(a, b int64) int64 {
	difference := a - b
	switch {
	case a >= 0 && b < 0 && difference < 0:
		return math.MaxInt64
	case a < 0 && b > 0 && difference >= 0:
		return math.MinInt64
	}
	return difference
}
