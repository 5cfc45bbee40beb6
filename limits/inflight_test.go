package limits_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
)

func TestInflightCountsUntilDone(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	var s1, s2 limits.TicketState
	one, estimate := f.Begin(&s1, key, 1)
	if estimate != 1 {
		t.Errorf("estimate %d, want 1", estimate)
	}
	two, estimate := f.Begin(&s2, key, 2)
	if estimate != 3 || f.Peek(key) != 3 {
		t.Errorf("estimate %d, peek %d, want 3", estimate, f.Peek(key))
	}
	if !one.Done() || f.Peek(key) != 2 {
		t.Errorf("after the first Done: %d, want 2", f.Peek(key))
	}
	if !two.Done() || f.Peek(key) != 0 {
		t.Errorf("after the second Done: %d, want 0", f.Peek(key))
	}
}

func TestZeroTicket(t *testing.T) {
	var ticket limits.Ticket
	if ticket.Done() || ticket.Valid() {
		t.Error("the zero ticket claims to hold something")
	}
}

func TestDoneTwiceReleasesOnce(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	var s1, s2 limits.TicketState
	ticket, _ := f.Begin(&s1, key, 1)
	other, _ := f.Begin(&s2, key, 1)
	defer other.Done()
	twin := ticket
	ticket.Done()
	if ticket.Done() || twin.Done() {
		t.Error("a second Done claims to have released")
	}
	if got := f.Peek(key); got != 1 {
		t.Errorf("%d in flight, want the other ticket's 1", got)
	}
	if got := f.Stats().DoubleReleases; got != 2 {
		t.Errorf("%d double releases counted, want 2", got)
	}
}

// The state of a request goes back to a pool and serves the next request. A Done of the first
// request that comes late must not release the second's.
func TestLateDoneSparesTheNextTicket(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	var state limits.TicketState
	first, _ := f.Begin(&state, key, 1)
	first.Done()
	second, _ := f.Begin(&state, key, 1)
	if first.Done() || !state.Open() || f.Peek(key) != 1 {
		t.Error("the late Done released the next ticket")
	}
	if !second.Done() || f.Peek(key) != 0 {
		t.Error("the second ticket was not released by its own Done")
	}
}

func TestBeginOnOpenState(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	var state limits.TicketState
	first, _ := f.Begin(&state, key, 1)
	second, estimate := f.Begin(&state, key, 5)
	if second.Valid() || estimate != 1 || f.Peek(key) != 1 {
		t.Errorf("valid %v, estimate %d, in flight %d; want no second ticket", second.Valid(),
			estimate, f.Peek(key))
	}
	if !first.Done() || f.Peek(key) != 0 {
		t.Error("the first ticket was disturbed")
	}
}

// A cell that holds less than a ticket gives back stops at zero; one that is full stays full.
func TestReleaseNeverWraps(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{Rows: 2, Columns: 2}))
	var state limits.TicketState
	for _, c := range []struct{ cell, want, clipped uint64 }{
		{7, 2, 0}, {5, 0, 0}, {4, 0, 1}, {0, 0, 2}, {limits.Saturated, limits.Saturated, 2},
	} {
		ticket, _ := f.Begin(&state, 0, 5)
		f.Preset(c.cell)
		ticket.Done()
		if got := f.Peek(0); got != c.want {
			t.Errorf("%d - 5 = %d, want %d", c.cell, got, c.want)
		}
		if got := f.Stats().Clipped; got != c.clipped {
			t.Errorf("%d releases clipped, want %d", got, c.clipped)
		}
	}
}

func TestInflightAgainstMap(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{Rows: 2, Columns: 32}))
	random := rand.New(rand.NewPCG(3, 4))
	type open struct {
		key, n uint32
		ticket limits.Ticket
	}
	var tickets []open
	truth := make(map[uint32]uint64)
	for range 20_000 {
		if len(tickets) > 0 && random.IntN(100) < 50 {
			i := random.IntN(len(tickets))
			o := tickets[i]
			o.ticket.Done()
			truth[o.key] -= uint64(o.n)
			tickets[i] = tickets[len(tickets)-1]
			tickets = tickets[:len(tickets)-1]
			continue
		}
		key, n := random.Uint32N(200), random.Uint32N(4)
		ticket, estimate := f.Begin(new(limits.TicketState), limits.Hash(keyOf(key)), n)
		tickets = append(tickets, open{key, n, ticket})
		if truth[key] += uint64(n); estimate < truth[key] {
			t.Fatalf("estimate %d below the truth %d", estimate, truth[key])
		}
	}
	for key, want := range truth {
		if got := f.Peek(limits.Hash(keyOf(key))); got < want {
			t.Errorf("Peek(%d) = %d, below the truth %d", key, got, want)
		}
	}
	for _, o := range tickets {
		o.ticket.Done()
	}
	for key := range truth {
		if got := f.Peek(limits.Hash(keyOf(key))); got != 0 {
			t.Errorf("Peek(%d) = %d after all are done", key, got)
		}
	}
}

// Of tickets that are open together, at least one was told the full number.
func TestInflightLimitHolds(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	const limit = 3
	var held atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			var state limits.TicketState
			for range 300 {
				ticket, estimate := f.Begin(&state, key, 1)
				if estimate <= limit {
					if now := held.Add(1); now > limit {
						t.Errorf("%d hold a ticket, limit %d", now, limit)
					}
					held.Add(-1)
				}
				ticket.Done()
			}
		})
	}
	group.Wait()
	if got := f.Peek(key); got != 0 {
		t.Errorf("%d in flight at the end", got)
	}
}

// Many goroutines race to release the same tickets; each is released once.
func TestRacingDone(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("a")
	var state limits.TicketState
	const rounds, racers = 200, 8
	for range rounds {
		ticket, estimate := f.Begin(&state, key, 1)
		if estimate != 1 {
			t.Fatalf("estimate %d, want 1", estimate)
		}
		var released atomic.Int64
		var group sync.WaitGroup
		for range racers {
			group.Go(func() {
				if ticket.Done() {
					released.Add(1)
				}
			})
		}
		group.Wait()
		if released.Load() != 1 || f.Peek(key) != 0 {
			t.Fatalf("released %d times, %d in flight", released.Load(), f.Peek(key))
		}
	}
	if got := f.Stats(); got.DoubleReleases != rounds*(racers-1) || got.Clipped != 0 {
		t.Errorf("%+v, want %d double releases", got, rounds*(racers-1))
	}
}

// Several goroutines in tight loops over one key, with a limit of 1: two must never miss each
// other.
func TestTightInflight(t *testing.T) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	key := limits.HashString("k")
	var held, exceeded, entered atomic.Int64
	var over atomic.Bool
	time.AfterFunc(150*time.Millisecond, func() { over.Store(true) })
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			var state limits.TicketState
			for !over.Load() {
				ticket, estimate := f.Begin(&state, key, 1)
				if estimate <= 1 {
					entered.Add(1)
					if held.Add(1) > 1 {
						exceeded.Add(1)
					}
					for range 10 {
						over.Load() // hold it for a moment
					}
					held.Add(-1)
				}
				ticket.Done()
			}
		})
	}
	group.Wait()
	if n := exceeded.Load(); n > 0 {
		t.Errorf("two tickets were open together %d times, limit 1", n)
	}
	if entered.Load() == 0 {
		t.Error("nothing was ever counted alone")
	}
}
