package hostlimits_test

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// changer is a process whose policy's key changes.
type changer struct {
	limiter    *hostlimits.Limiter
	policy     hostlimits.Policy
	transition *hostlimits.Transition
}

func (c *changer) change(p hostlimits.Policy) {
	former := c.policy
	c.policy = p
	c.transition = c.transition.Next(&former, &p, c.limiter)
	c.limiter.Apply(p)
}

// admit is what a filter does in a transition.
func (c *changer) admit(origin, host string) (hostlimits.Ticket, bool) {
	state, key := new(hostlimits.TicketState), c.policy.AppendKey(nil, "", origin, host)
	if c.transition == nil {
		a, ok := c.limiter.Admit(state, key)
		return a.Ticket, ok
	}
	former, _, ok := c.transition.Begin(c.limiter,
		&hostlimits.Subject{Origin: origin, Host: host, Key: key})
	if !ok {
		return hostlimits.Ticket{}, false
	}
	a, ok := c.limiter.Admit(state, key)
	former.End(&a.Ticket)
	return a.Ticket, ok
}

// over calls Sync as often as one process alone needs, and reports whether the transition has
// ended.
func (c *changer) over() (over bool) {
	for range 5 {
		over = c.transition.Sync(c.limiter)
	}
	return over
}

// What a process has open from before is in its seat, as documented. It keeps the others'
// transitions going while it lives.
func TestTransitionLastsUntilOthersHaveEndedOrDied(t *testing.T) {
	byOrigin, byHost := hostlimits.Policy{Threshold: 2}, hostlimits.Policy{Threshold: 2,
		Key: []string{"host"}}
	path, k := newHost(t, hostlimits.KeeperConfig{Processes: 2, ExactKeys: 8})
	a := &changer{limiter: must(hostlimits.Join(path, hostlimits.Config{})), policy: byOrigin}
	b := &changer{limiter: must(hostlimits.Join(path, hostlimits.Config{})), policy: byOrigin}
	a.limiter.Apply(byOrigin)
	b.limiter.Apply(byOrigin)
	told := func() uint64 {
		at := 256 + 256*a.limiter.OwnSeat() + 72
		return binary.LittleEndian.Uint64(must(os.ReadFile(path))[at:])
	}
	first, _ := a.admit("o", "a")
	a.admit("o", "a")
	a.change(byHost)
	b.change(byHost)
	if a.over() || told() != 2 || b.over() {
		t.Errorf("with 2 requests from before in one process: it has %d, or a transition has ended",
			told())
	}
	first.Done()
	if _, ok := b.admit("o", "b"); !ok || a.over() || told() != 1 || b.over() {
		t.Errorf("with 1 request from before: %v, it has %d, or a transition has ended", ok,
			told())
	}
	if _, ok := b.admit("o", "c"); ok {
		t.Error("the former key has room for three")
	}
	a.limiter.Abandon()
	if n := must(k.Reap()); n != 1 || told() != 0 {
		t.Errorf("%d processes reaped, want 1; the seat still has %d", n, told())
	}
	if !b.over() {
		t.Error("a dead process keeps the transition going")
	}
}

// A word that another process has written there is corrected by the seat's process, and one in a
// free seat is ignored.
func TestForeignWordsDoNotKeepTransitionsGoing(t *testing.T) {
	byOrigin, byHost := hostlimits.Policy{Threshold: 2}, hostlimits.Policy{Threshold: 2,
		Key: []string{"host"}}
	path, _ := newHost(t, hostlimits.KeeperConfig{Processes: 4, ExactKeys: 8})
	a := &changer{limiter: must(hostlimits.Join(path, hostlimits.Config{})), policy: byOrigin}
	b := &changer{limiter: must(hostlimits.Join(path, hostlimits.Config{})), policy: byOrigin}
	f := must(os.OpenFile(path, os.O_RDWR, 0))
	defer f.Close()
	for ledger := range 4 {
		must(f.WriteAt([]byte{255, 255, 255, 255, 255, 255, 255, 255}, int64(256+256*ledger+72)))
	}
	a.change(byHost)
	if a.over() {
		t.Error("it has ended although another process has something from before")
	}
	if !b.over() || !a.over() {
		t.Error("it goes on although no process has anything from before")
	}
}

// A transition counts every request in flight once, wherever it is counted: in exact counters, in
// the sketch, and within an origin.
func TestTransitionTellsOldRequestsFromNewOnes(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{ExactKeys: 8}))
	c := &changer{limiter: l, policy: hostlimits.Policy{Threshold: 50}}
	c.limiter.Apply(c.policy)
	name := func(i int) string { return string([]byte{'a' + byte(i/26), 'a' + byte(i%26)}) }
	var before, after []hostlimits.Ticket
	take := func(to *[]hostlimits.Ticket) {
		for i := range 60 {
			ticket, ok := c.admit(name(i), name(i+1))
			if !ok {
				t.Fatal("refused")
			}
			*to = append(*to, ticket)
		}
	}
	take(&before)
	c.change(hostlimits.Policy{Threshold: 50, Key: []string{"host", "origin"}})
	take(&after)
	if s := l.Stats(); s.InFlight != 120 || s.Admitted != 120 {
		t.Errorf("%d in flight and %d admitted, want 120", s.InFlight, s.Admitted)
	}
	for i := range before {
		if c.over() {
			t.Fatalf("over with %d of %d left", len(before)-i, len(before))
		}
		after[i].Done() // the new ones are nothing that it waits for
		before[i].Done()
		ticket, _ := c.admit(name(i), name(i))
		after = append(after, ticket)
	}
	if !c.over() {
		t.Error("not over when all have ended")
	}
	for _, ticket := range after {
		ticket.Done()
	}
	if s := l.Stats(); s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 60 ||
		s.Admitted != 180 {
		t.Errorf("%+v", s)
	}
}
