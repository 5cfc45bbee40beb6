package hostlimits_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
)

func TestLimiterAdmitsUpToItsThreshold(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 2}))
	key := []byte("10.0.0.1:80 a.example")
	var states [3]hostlimits.TicketState
	first, ok1 := l.Admit(&states[0], key)
	second, ok2 := l.Admit(&states[1], key)
	if !ok1 || !ok2 || first.Estimate != 1 || second.Estimate != 2 {
		t.Fatalf("the first two: %+v, %+v", first, second)
	}
	third, ok := l.Admit(&states[2], key)
	want := hostlimits.Admission{Estimate: 2, Threshold: 2, Reason: hostlimits.OverThreshold,
		RetryAfter: time.Second}
	if ok || third != want {
		t.Errorf("the third: %v %+v, want %+v", ok, third, want)
	}
	if third.Ticket.Done() {
		t.Error("the ticket of a refusal releases something")
	}
	if _, ok := l.AdmitString(&states[2], "10.0.0.1:80 b.example"); !ok {
		t.Error("another key was refused")
	}
	first.Ticket.Done()
	if again, ok := l.Admit(&states[0], key); !ok || again.Estimate != 2 {
		t.Errorf("after a release: %v %+v", ok, again)
	}
}

func TestLimiterZeroConfigRefusesNothing(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{}))
	states := make([]hostlimits.TicketState, 1000)
	for i := range states {
		if a, ok := l.AdmitString(&states[i], "k"); !ok {
			t.Fatalf("request %d: %+v", i, a)
		}
	}
	if s := l.Stats(); s.InFlight != 1000 || s.Admitted != 1000 {
		t.Errorf("%+v", s)
	}
}

func TestLimiterConfigErrors(t *testing.T) {
	for _, c := range []hostlimits.Config{
		{ExactKeys: -1}, {ExactKeys: hostlimits.MaxExactKeys + 1}, {RetryAfter: -1},
	} {
		if _, err := hostlimits.NewLimiter(c); !errors.Is(err, hostlimits.ErrConfig) {
			t.Errorf("%+v: error %v, want ErrConfig", c, err)
		}
	}
	many := make(map[string]uint32)
	for i := range hostlimits.MaxOverrides + 1 {
		many[fmt.Sprint(i)] = 1
	}
	if _, err := hostlimits.NewLimiter(hostlimits.Config{Overrides: many}); !errors.Is(err,
		hostlimits.ErrTooManyOverrides) {
		t.Errorf("error %v, want ErrTooManyOverrides", err)
	}
	delete(many, "0")
	l := must(hostlimits.NewLimiter(hostlimits.Config{Overrides: many}))
	if err := l.SetThreshold([]byte("one more"), 1); !errors.Is(err,
		hostlimits.ErrTooManyOverrides) {
		t.Errorf("error %v, want ErrTooManyOverrides", err)
	}
	if err := l.SetThreshold([]byte("7"), 9); err != nil || l.Threshold([]byte("7")) != 9 {
		t.Errorf("changing an override at the bound: %v", err)
	}
}

func TestThresholdsChangeAtRunTime(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{
		Threshold: 1, Overrides: map[string]uint32{"big": 2, "off": 0},
	}))
	var s [4]hostlimits.TicketState
	if a, ok := l.AdmitString(&s[0], "off"); ok || a.Reason != hostlimits.Drained {
		t.Errorf("a drained key: %v %+v", ok, a)
	}
	l.AdmitString(&s[0], "big")
	if a, ok := l.AdmitString(&s[1], "big"); !ok || a.Threshold != 2 {
		t.Errorf("second of a key with override 2: %v %+v", ok, a)
	}
	if err := l.SetThreshold([]byte("big"), 3); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.AdmitString(&s[2], "big"); !ok {
		t.Error("refused below the raised threshold")
	}
	l.ClearThreshold([]byte("big"))
	if a, ok := l.AdmitString(&s[3], "big"); ok || a.Threshold != 1 || a.Estimate != 3 {
		t.Errorf("with the override cleared: %v %+v", ok, a)
	}
	l.SetDefault(4)
	if _, ok := l.AdmitString(&s[3], "big"); !ok {
		t.Error("refused below the raised default")
	}
	if got := l.Stats(); got.Overrides != 1 || got.PinnedKeys != 1 {
		t.Errorf("%+v, want one override left", got)
	}
	l.SetDefault(0)
	if a, ok := l.AdmitString(new(hostlimits.TicketState), "anything"); ok ||
		a.Reason != hostlimits.Drained {
		t.Errorf("with a default of 0: %v %+v", ok, a)
	}
}

func TestAdmitOnOpenState(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 5}))
	var state hostlimits.TicketState
	first, _ := l.AdmitString(&state, "a")
	second, ok := l.AdmitString(&state, "b")
	if ok || second.Reason != hostlimits.TicketInUse || second.Ticket.Valid() {
		t.Errorf("%v %+v", ok, second)
	}
	if !first.Ticket.Done() || l.Stats().InFlight != 0 {
		t.Error("the first ticket was disturbed")
	}
}

func TestLimiterStats(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1,
		Overrides: map[string]uint32{"off": 0}}))
	var s1, s2 hostlimits.TicketState
	a, _ := l.AdmitString(&s1, "a")
	l.AdmitString(&s2, "a")
	l.AdmitString(&s2, "off")
	got := l.Stats()
	if got.Admitted != 1 || got.InFlight != 1 || got.RefusedTotal() != 2 ||
		got.Refused[hostlimits.OverThreshold] != 1 || got.Refused[hostlimits.Drained] != 1 {
		t.Errorf("%+v", got)
	}
	a.Ticket.Done()
	a.Ticket.Done()
	got = l.Stats()
	if got.InFlight != 0 || got.DoubleReleases != 1 || got.Overrides != 1 || got.PinnedKeys != 1 ||
		got.ExactKeys != 2 {
		t.Errorf("%+v", got)
	}
}

func TestReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for r := hostlimits.Admitted; r <= hostlimits.TicketInUse; r++ {
		if name := r.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		}
		seen[r.String()] = true
	}
	if got := hostlimits.Reason(200).String(); got != "unknown" {
		t.Errorf("a reason that does not exist is called %q", got)
	}
}

// A flood of other keys neither takes the exact counter of a configured key nor makes it look
// busier than it is.
func TestFloodDoesNotTouchConfiguredKeys(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{
		Threshold: 1, Overrides: map[string]uint32{"origin": 3},
		Sketch: countmin.Size{Rows: 1, Columns: 8}, // so that estimates are useless
	}))
	states := make([]hostlimits.TicketState, 5000)
	admitted := 0
	for i := range states {
		if _, ok := l.AdmitHash(&states[i], limits.Hash(keyBytes(uint32(i)))); ok {
			admitted++
		}
	}
	if admitted < 100 || l.Stats().Refused[hostlimits.OverEstimate] == 0 {
		t.Errorf("%d admitted: %+v", admitted, l.Stats())
	}
	var own [4]hostlimits.TicketState
	for i := range own {
		a, ok := l.AdmitString(&own[i], "origin")
		if wantOK := i < 3; ok != wantOK || a.Estimate != uint64(min(i+1, 3)) {
			t.Errorf("request %d of the configured key: %v %+v", i+1, ok, a)
		}
	}
}

// Tickets that were counted in the sketch still count when their key gets an exact counter, and are
// given back where they were taken.
func TestKeyMovesFromSketchToExact(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 3}))
	key := []byte("k")
	var s [4]hostlimits.TicketState
	release := l.HoldAssignments()
	first, _ := l.Admit(&s[0], key)
	second, _ := l.Admit(&s[1], key)
	release()
	third, ok := l.Admit(&s[2], key)
	if !ok || third.Estimate != 3 || l.InFlight(key) != 3 {
		t.Fatalf("the third, after the move: %v %+v", ok, third)
	}
	if fourth, ok := l.Admit(&s[3], key); ok || fourth.Reason != hostlimits.OverEstimate ||
		fourth.Estimate != 3 {
		t.Errorf("the fourth: %v %+v", ok, fourth)
	}
	first.Ticket.Done()
	second.Ticket.Done()
	if got := l.InFlight(key); got != 1 {
		t.Errorf("%d in flight, want 1", got)
	}
	l.Admit(&s[0], key)
	l.Admit(&s[1], key)
	if fourth, ok := l.Admit(&s[3], key); ok || fourth.Reason != hostlimits.OverThreshold {
		t.Errorf("the fourth, with all tickets exact: %v %+v", ok, fourth)
	}
}

// Against a map, with a table so small that keys come and go: what is admitted is always right,
// what is refused as exact is always right, and estimates are never too low.
func TestLimiterAgainstMap(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{
		Threshold: 3, ExactKeys: 8, Overrides: map[string]uint32{"0": 5, "1": 0},
		Sketch: countmin.Size{Rows: 2, Columns: 64},
	}))
	random := rand.New(rand.NewPCG(9, 9))
	type open struct {
		key    string
		ticket hostlimits.Ticket
	}
	var tickets []open
	truth := make(map[string]uint64)
	var inflight uint64
	for range 50_000 {
		key := fmt.Sprint(random.IntN(60))
		if len(tickets) > 0 && random.IntN(2) == 0 {
			i := random.IntN(len(tickets))
			tickets[i].ticket.Done()
			truth[tickets[i].key]--
			inflight--
			tickets = append(tickets[:i], tickets[i+1:]...)
			continue
		}
		a, ok := l.AdmitString(new(hostlimits.TicketState), key)
		if ok {
			tickets = append(tickets, open{key, a.Ticket})
			truth[key]++
			inflight++
		}
		if ok != (a.Reason == hostlimits.Admitted) || a.Estimate < truth[key] ||
			truth[key] > uint64(a.Threshold) {
			t.Fatalf("%s: truth %d, %v %+v", key, truth[key], ok, a)
		}
		if a.Reason == hostlimits.OverThreshold &&
			(truth[key] != uint64(a.Threshold) || a.Estimate != truth[key]) {
			t.Fatalf("%s: refused as exact with %d in flight: %+v", key, truth[key], a)
		}
	}
	if s := l.Stats(); s.InFlight != inflight || s.Refused[hostlimits.OverThreshold] == 0 ||
		s.Refused[hostlimits.OverEstimate] == 0 {
		t.Errorf("%+v, want %d in flight and refusals of both kinds", s, inflight)
	}
	for _, o := range tickets {
		o.ticket.Done()
	}
	for key := range truth {
		if got := l.InFlight([]byte(key)); got != 0 {
			t.Errorf("%d of %s in flight at the end", got, key)
		}
	}
}

// limiterLoad runs goroutines that admit and release keys for a while, with others that disturb,
// and checks that no key is ever held beyond the threshold and that nothing is in flight at the
// end.
func limiterLoad(t *testing.T, l *hostlimits.Limiter, threshold int64, keys int,
	disturb func(i int)) {
	t.Helper()
	held := make([]atomic.Int64, keys)
	var admitted atomic.Int64
	var group sync.WaitGroup
	for g := range 64 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(g)))
			var states [3]hostlimits.TicketState
			for i := range 200 {
				key := random.IntN(keys)
				var mine [3]hostlimits.Admission
				for j := range states {
					a, ok := l.AdmitHash(&states[j], limits.Hash(keyBytes(uint32(key))))
					if mine[j] = a; !ok {
						continue
					}
					admitted.Add(1)
					if now := held[key].Add(1); now > threshold {
						t.Errorf("%d hold key %d, threshold %d", now, key, threshold)
					}
				}
				if disturb != nil {
					disturb(i)
				}
				for _, a := range mine {
					if a.Ticket.Valid() {
						held[key].Add(-1) // before the release: never more than are open
						a.Ticket.Done()
					}
				}
			}
		})
	}
	group.Wait()
	s := l.Stats()
	if s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 0 ||
		s.Admitted != uint64(admitted.Load()) {
		t.Errorf("at the end: %+v, want nothing in flight and %d admitted", s, admitted.Load())
	}
	if admitted.Load() == 0 || s.RefusedTotal() == 0 {
		t.Errorf("no overload: %+v", s)
	}
	for key := range keys {
		if got := l.InFlight(keyBytes(uint32(key))); got != 0 {
			t.Errorf("%d of key %d in flight at the end", got, key)
		}
	}
}

func TestLimiterNeverExceedsThreshold(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 2}))
	limiterLoad(t, l, 2, 1, nil)
	if n := l.Stats().Refused[hostlimits.OverThreshold]; n == 0 {
		t.Error("no exact refusals")
	}
}

func TestLimiterNeverExceedsThresholdInSketch(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 2}))
	defer l.HoldAssignments()()
	limiterLoad(t, l, 2, 2, nil)
	if s := l.Stats(); s.Refused[hostlimits.OverThreshold] != 0 || s.ExactKeys != 0 {
		t.Errorf("the exact table was used: %+v", s)
	}
}

// Keys change places between sketch and table all the time: many keys for few counters, counters
// taken away, assignments blocked.
func TestLimiterNeverExceedsThresholdWhileKeysMove(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 2, ExactKeys: 8}))
	limiterLoad(t, l, 2, 24, func(i int) {
		switch i % 4 {
		case 0:
			l.DropCounters()
		case 1:
			l.SetThreshold(keyBytes(uint32(i%24)), 2)
		case 2:
			l.ClearThreshold(keyBytes(uint32((i - 1) % 24)))
		}
	})
}

func TestRequestPathAllocatesNothing(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1,
		Overrides: map[string]uint32{"a": 1}}))
	sketchOnly := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1}))
	defer sketchOnly.HoldAssignments()()
	key := []byte("203.0.113.7:8443 a-rather-long-host-name.shop.example")
	name := string(key)
	state, refused := new(hostlimits.TicketState), new(hostlimits.TicketState)
	i := uint32(0)
	for what, op := range map[string]func(){
		"one key": func() {
			a, _ := l.Admit(state, key)
			l.AdmitString(refused, name)
			a.Ticket.Done()
		},
		"ever new keys": func() {
			i++
			a, _ := l.AdmitHash(state, uint64(i)*0x9E3779B97F4A7C15)
			a.Ticket.Done()
		},
		"in the sketch": func() {
			a, _ := sketchOnly.Admit(state, key)
			sketchOnly.Admit(refused, key)
			a.Ticket.Done()
		},
	} {
		if n := testing.AllocsPerRun(100, op); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

func keyBytes(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
