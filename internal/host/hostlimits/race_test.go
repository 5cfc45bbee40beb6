package hostlimits_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// These tests aim at windows of a few nanoseconds: a few goroutines in tight loops over one key
// with a threshold of 1, which is exceeded as soon as two of them miss each other once.

// tightTime is how long each goes on: what such a test may find grows with the number of attempts,
// and these differ by a factor of 100 with the race detector.
const tightTime = 150 * time.Millisecond

// tightLeast is how often each goroutine tries at least, where the machine does not let it run in
// that time.
const tightLeast = 1000

// running is true for tightTime.
func running() (goOn func() bool) {
	var over atomic.Bool
	time.AfterFunc(tightTime, func() { over.Store(true) })
	return func() bool { return !over.Load() }
}

// tight runs attempt and release from several goroutines at once and reports if two hold the key
// together.
func tight(t *testing.T, newAttempt func() (attempt func() bool, release func())) {
	t.Helper()
	var held, exceeded, entered atomic.Int64
	goOn := running()
	var group sync.WaitGroup
	for range 3 {
		attempt, release := newAttempt()
		group.Go(func() {
			for n := 0; n < tightLeast || goOn(); n++ {
				if attempt() {
					entered.Add(1)
					if held.Add(1) > 1 {
						exceeded.Add(1)
					}
					for range 10 {
						goOn() // hold it for a moment
					}
					held.Add(-1)
				}
				release()
			}
		})
	}
	group.Wait()
	if n := exceeded.Load(); n > 0 {
		t.Errorf("two tickets were open together %d times, threshold 1", n)
	}
	if entered.Load() == 0 {
		t.Error("nothing was ever admitted")
	}
}

func tightLimiter(t *testing.T, l *hostlimits.Limiter, hash uint64) {
	t.Helper()
	tight(t, func() (func() bool, func()) {
		var state hostlimits.TicketState
		var a hostlimits.Admission
		attempt := func() (ok bool) {
			a, ok = l.AdmitHash(&state, hash)
			return ok
		}
		return attempt, func() { a.Ticket.Done(); a.Ticket = hostlimits.Ticket{} }
	})
	if s := l.Stats(); s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 0 ||
		l.InFlightHash(hash) != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

func TestTightExact(t *testing.T) {
	tightLimiter(t, must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1})), 1)
}

func TestTightSketch(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1}))
	defer l.HoldAssignments()()
	tightLimiter(t, l, 1)
}

// The key loses its counter whenever no ticket is open, and half of the time cannot get one, so
// that sketch and table are used at the same time.
func TestTightMoves(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1, ExactKeys: 8}))
	goOn := running()
	var group sync.WaitGroup
	group.Go(func() {
		for goOn() {
			l.DropCounters()
		}
	})
	tightLimiter(t, l, 1)
	group.Wait()
}

// Two keys of the same set take the one free counter from each other.
func TestTightHandOvers(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1, ExactKeys: 8}))
	fill := make([]hostlimits.TicketState, 7)
	for i := range fill {
		l.AdmitHash(&fill[i], uint64(100+i)) // these stay
	}
	var turn atomic.Uint64
	var held [3]atomic.Int64
	goOn := running()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			var state hostlimits.TicketState
			for goOn() {
				key := 1 + turn.Add(1)/2%2
				a, ok := l.AdmitHash(&state, key)
				if ok && held[key].Add(1) > 1 {
					t.Errorf("two tickets of key %d are open together", key)
				}
				if ok {
					goOn() // hold it for a moment
					held[key].Add(-1)
				}
				a.Ticket.Done()
			}
		})
	}
	group.Wait()
	if s := l.Stats(); s.InFlight != 7 || s.Clipped != 0 {
		t.Errorf("at the end: %+v, want the 7 that stay", s)
	}
}
