package hostlimits_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// mover is a process that moves from one file to the next, as the filter does.
type mover struct {
	limiter *hostlimits.Limiter
	former  []*hostlimits.Limiter
}

func join(path string, threshold uint32) *mover {
	return &mover{limiter: must(hostlimits.Join(path, hostlimits.Config{Threshold: threshold}))}
}

func (m *mover) move(t *testing.T, path string, threshold uint32) {
	t.Helper()
	next := must(hostlimits.Join(path, hostlimits.Config{Threshold: threshold}))
	if err := next.Follow(m.limiter); err != nil {
		t.Fatal(err)
	}
	m.former, m.limiter = append(m.former, m.limiter), next
}

func (m *mover) admit(key string) (hostlimits.Ticket, bool) {
	a, ok := m.limiter.AdmitString(new(hostlimits.TicketState), key)
	return a.Ticket, ok
}

// Two processes move to a file of another size one after the other. At every moment both together
// keep to the threshold, and once all that began before has ended, only the new file is used.
func TestMovingToAnotherFile(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 4})
	const threshold = 4
	a, b := join(path, threshold), join(path, threshold)
	var open []hostlimits.Ticket
	admit := func(what string, m *mover, want bool) {
		t.Helper()
		ticket, ok := m.admit("origin")
		if ok != want {
			t.Errorf("%s: admitted %v, want %v", what, ok, want)
		}
		if ok {
			open = append(open, ticket)
		}
	}
	done := func() { open[0].Done(); open = open[1:] }
	admit("a, before", a, true)
	admit("b, before", b, true)
	keeper.Close()
	keeper = must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{Processes: 8}))
	defer keeper.Close()
	a.move(t, path, threshold)
	admit("a, moved", a, true)
	admit("b, not yet moved", b, true)
	admit("a beside what is in the former file", a, false)
	admit("b beside what a has in both", b, false)
	b.move(t, path, threshold)
	admit("b, moved", b, false)
	done() // of a, from before
	admit("b, in its place", b, true)
	admit("a, full again", a, false)
	if !a.limiter.SyncFormer() || !b.limiter.SyncFormer() {
		t.Error("the previous file is not counted in any more, where b still has a request from before")
	}
	done() // b's first
	done() // a's, of the time when b had not moved
	done() // b's second, from before it moved
	if a.limiter.SyncFormer() || b.limiter.SyncFormer() {
		t.Error("the former file is used on")
	}
	for len(open) < threshold {
		admit("after the move", a, true)
	}
	admit("b after the move", b, false)
	if r := report(t, keeper); r.InFlight != threshold || r.Processes != 2 || r.Capacity != 8 {
		t.Errorf("the new file: %+v", r.SharedStats)
	}
	for len(open) > 0 {
		done()
	}
	for _, m := range []*mover{a, b} {
		for _, l := range append(m.former, m.limiter) {
			if s := l.Stats(); s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 0 {
				t.Errorf("at the end: %+v", s)
			}
		}
	}
	if r := report(t, keeper); r.InFlight != 0 {
		t.Errorf("the new file at the end: %+v", r.SharedStats)
	}
}

// A process that dies without having moved delays no other process.
func TestMovingAwayFromTheDead(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 3})
	a, dead := join(path, 9), join(path, 9)
	dead.admit("origin")
	keeper.Close()
	keeper = must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{Processes: 4}))
	defer keeper.Close()
	a.move(t, path, 9)
	if !a.limiter.SyncFormer() {
		t.Error("the one that has not moved is not waited for")
	}
	dead.limiter.Abandon()
	if a.limiter.SyncFormer() {
		t.Error("the dead is waited for")
	}
	runtime.KeepAlive(dead)
}

func TestMovingNeedsASecondLedger(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 1})
	a := join(path, 9)
	ticket, _ := a.admit("origin")
	keeper.Close()
	keeper = must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{Processes: 2}))
	defer keeper.Close()
	next := must(hostlimits.Join(path, hostlimits.Config{}))
	if err := next.Follow(a.limiter); !errors.Is(err, hostlimits.ErrNoSeat) || next.SyncFormer() {
		t.Errorf("%v", err)
	}
	if !ticket.Done() || a.limiter.Stats().InFlight != 0 {
		t.Error("the former file does not work any more")
	}
	alone := must(hostlimits.NewLimiter(hostlimits.Config{}))
	if alone.Follow(a.limiter) == nil || next.Follow(alone) == nil {
		t.Error("a limiter without a file follows or is followed")
	}
}

// A clock that was set back by a year does not keep thresholds from being lowered.
func TestAdaptiveThresholdUnderAClockSetBack(t *testing.T) {
	var a hostlimits.Adaptive
	policy := &hostlimits.AdaptivePolicy{Latency: hostlimits.Duration(100 * time.Millisecond),
		Floor: 10}
	now := time.Unix(1e9, 0)
	a.Observe(policy, 7, 100, 50, time.Second, now)
	a.Observe(policy, 7, 100, 50, time.Second, now.AddDate(-1, 0, 0))
	if got := a.Threshold(7, 100); got != 81 {
		t.Errorf("threshold %d after two slow answers, want 81", got)
	}
	now = now.AddDate(-1, 0, 1)
	// answered, by a clock that was ahead
	a.Observe(policy, 7, 100, 1, time.Millisecond, now.AddDate(1, 0, 0))
	a.ObserveEnding(policy, 7, 100, 50, 50*time.Millisecond, hostlimits.Abandoned, now)
	if got := a.Threshold(7, 100); got != 72 {
		t.Errorf("threshold %d after a wait for a silent origin, want 72", got)
	}
}

func TestAdaptiveThresholdFollowsLatency(t *testing.T) {
	var a hostlimits.Adaptive
	policy := &hostlimits.AdaptivePolicy{Latency: hostlimits.Duration(100 * time.Millisecond),
		Floor: 10}
	const key, other = 7, 7 + 1<<40 // of one place
	now := time.Unix(1000, 0)
	observe := func(hash, estimate uint64, took time.Duration) uint32 {
		now = now.Add(110 * time.Millisecond)
		a.Observe(policy, hash, 100, estimate, took, now)
		return a.Threshold(hash, 100)
	}
	if got := observe(key, 100, 50*time.Millisecond); got != 100 || a.Lowered() != 0 {
		t.Errorf("after a quick answer: %d", got)
	}
	for want := uint32(90); want > 80; want -= 9 {
		if got := observe(key, 50, time.Second); got != want {
			t.Errorf("after a slow answer: %d, want %d", got, want)
		}
	}
	now = now.Add(-100 * time.Millisecond)
	if got := observe(key, 50, time.Second); got != 81 {
		t.Errorf("after a second slow answer at once: %d, want 81 as before", got)
	}
	if got := observe(other, 50, time.Second); got != 100 || a.Lowered() != 1 {
		t.Errorf("another key in the same where: %d", got)
	}
	for range 100 {
		observe(key, 50, time.Second)
	}
	if got := a.Threshold(key, 100); got != 10 {
		t.Errorf("an origin that stays slow: %d, want the floor", got)
	}
	if got := observe(key, 1, 0); got != 10 {
		t.Errorf("an idle one: %d; that it is quick proves nothing", got)
	}
	n := 0
	for ; a.Lowered() > 0 && n < 10_000; n++ {
		observe(key, uint64(a.Threshold(key, 100)), time.Millisecond)
	}
	if n < 100 || n == 10_000 {
		t.Errorf("recovered after %d quick answers, want some thousands", n)
	}
	a.Observe(policy, key, hostlimits.Unlimited, 50, time.Second, now)
	if got := a.Threshold(key, hostlimits.Unlimited); got != hostlimits.Unlimited {
		t.Errorf("without a threshold: %d", got)
	}
	if n := testing.AllocsPerRun(100, func() { observe(key, 50, time.Second) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A file with another secret takes over without forgetting a request, also of keys that are counted
// in the sketch, which have other cells there.
func TestRenewingTheSecret(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 4, ExactKeys: 8})
	a, b := join(path, 1), join(path, 1)
	keys := make([]string, 40)
	open := make(map[string]hostlimits.Ticket)
	for i := range keys {
		keys[i] = fmt.Sprintf("10.0.0.%d:80 shop.example", i)
		ticket, ok := a.admit(keys[i])
		if open[keys[i]] = ticket; !ok {
			t.Fatalf("%s is refused", keys[i])
		}
	}
	made := must(keeper.Created())
	if renewed, err := keeper.Renew(); !renewed || err != nil ||
		!must(keeper.Created()).After(made) || a.limiter.Current(path) {
		t.Fatalf("renewed %v, error %v, made %v and before %v", renewed, err,
			must(keeper.Created()), made)
	}
	former := b.limiter
	b.move(t, path, 1)
	if former.Hash([]byte("k")) == b.limiter.Hash([]byte("k")) {
		t.Error("the secret is the same")
	}
	for _, key := range keys {
		if ticket, ok := b.admit(key); ok {
			t.Errorf("%s is admitted beside one of before", key)
			ticket.Done()
		}
		open[key].Done()
		ticket, ok := b.admit(key)
		if open[key] = ticket; !ok {
			t.Errorf("%s is refused although nothing is in flight", key)
		}
		if _, ok := a.admit(key); ok {
			t.Errorf("%s is admitted in the former file beside one that moved", key)
		}
	}
	if renewed, err := keeper.Renew(); renewed || err != nil {
		t.Errorf("renewed %v, error %v, while processes still move", renewed, err)
	}
	for _, ticket := range open {
		ticket.Done()
	}
	a.move(t, path, 1)
	if a.limiter.SyncFormer() || b.limiter.SyncFormer() {
		t.Error("the former file is used on")
	}
	for _, l := range []*hostlimits.Limiter{a.limiter, b.limiter, former, a.former[0]} {
		if s := l.Stats(); s.InFlight != 0 || s.Clipped != 0 {
			t.Errorf("at the end: %+v", s)
		}
	}
	if renewed, err := keeper.Renew(); !renewed || err != nil {
		t.Errorf("renewed %v, error %v, when all have moved", renewed, err)
	}
}
