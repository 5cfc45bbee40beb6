package proxyhook_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// transitionLooks is the number of the supervisor's checks for which a previous key holds at least,
// plus one.
const transitionLooks = 6

// keyChange is one or more filters of a directory, whose policy changes.
type keyChange struct {
	*host
	filters []*proxyhook.Filter
}

func newKeyChange(t *testing.T, n int, config proxyhook.Config) *keyChange {
	unsupervised(t)
	c := &keyChange{host: newHost(t)}
	c.keeper()
	for range n {
		c.filters = append(c.filters, c.filter(config))
	}
	return c
}

// publish makes a policy hold in all filters.
func (c *keyChange) publish(text string) {
	c.t.Helper()
	c.publishPolicy(text)
	c.look(1)
}

func (c *keyChange) look(times int) {
	for range times {
		for _, f := range c.filters {
			proxyhook.Maintain(f)
		}
	}
}

// ask admits up to n requests of a host to an origin, and returns the tickets of those that were.
func (c *keyChange) ask(filter, n int, origin, host string) (open []limits.Ticket) {
	for range n {
		if a, ok := c.filters[filter].Admit(&traffic.Event{Host: host}, origin, new(limits.TicketState)); ok {
			open = append(open, a.Ticket)
		}
	}
	return open
}

// want makes n requests and reports an error if another number than wanted was admitted.
func (c *keyChange) want(wanted, filter, n int, origin, host, when string) []limits.Ticket {
	c.t.Helper()
	open := c.ask(filter, n, origin, host)
	if len(open) != wanted {
		c.t.Errorf("%s: %d of %d requests for %s at %s admitted, want %d", when, len(open), n, host, origin, wanted)
	}
	return open
}

// settled fails unless everything has been counted once, and nothing is in flight.
func (c *keyChange) settled(admitted uint64) {
	c.t.Helper()
	var s uint64
	for i, f := range c.filters {
		got := f.LimiterStats()
		if s += got.Admitted; got.InFlight != 0 || got.DoubleReleases != 0 || got.Clipped != 0 {
			c.t.Errorf("filter %d: %+v, want nothing in flight", i, got)
		}
	}
	if s != admitted {
		c.t.Errorf("%d requests were admitted by the statistics, want %d", s, admitted)
	}
}

func done(tickets []limits.Ticket) {
	for _, t := range tickets {
		t.Done()
	}
}

const origin = "10.0.0.1:80"

// Requests that were admitted under another key still have their places, until the last of them has
// ended.
func TestRequestsCountAfterTheKeyHasChanged(t *testing.T) {
	for _, by := range []struct{ name, policy, back string }{
		{"a published policy", `{"threshold": 5}`, `{"threshold": 5, "key": ["host"]}`},
		{"the own configuration coming back", `{"threshold": 5, "key": ["host", "origin"]}`, `{}`},
	} {
		t.Run(by.name, func(t *testing.T) {
			c := newKeyChange(t, 1, proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 5}, LimitKey: []string{"host"}})
			c.publish(by.policy)
			before := c.want(5, 0, 6, origin, "shop", "before")
			c.publish(by.back)
			c.want(0, 0, 5, origin, "shop", "with 5 from before")
			c.look(2 * transitionLooks)
			c.want(0, 0, 5, origin, "shop", "later")
			done(before[:2])
			during := c.want(2, 0, 5, origin, "shop", "with 3 from before")
			if s := c.filters[0].Stats(); s.InFlight != 5 || s.Admitted != 7 {
				t.Errorf("%d in flight and %d admitted, want 5 and 7", s.InFlight, s.Admitted)
			}
			done(before)
			if s := c.filters[0].Stats(); s.DoubleDone != 2 {
				t.Errorf("%d released twice, want 2", s.DoubleDone)
			}
			during = append(during, c.want(3, 0, 5, origin, "shop", "with none from before")...)
			c.look(transitionLooks)
			c.want(0, 0, 1, origin, "shop", "afterwards")
			done(during)
			if s := c.filters[0].LimiterStats(); s.InFlight != 0 || s.Admitted != 10 || s.Clipped != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Once nothing is open from before, the new key alone counts.
func TestFormerKeyIsForgottenWhenItsRequestsHaveEnded(t *testing.T) {
	c := newKeyChange(t, 2, proxyhook.Config{})
	c.publish(`{"threshold": 5}`)
	before := c.want(5, 0, 5, origin, "a", "before")
	c.publish(`{"threshold": 5, "key": ["host"]}`)
	c.look(transitionLooks)
	done(before)
	open := c.want(3, 1, 3, origin, "a", "with none from before")
	open = append(open, c.want(2, 1, 3, origin, "b", "where the former key has 3")...)
	c.look(transitionLooks)
	open = append(open, c.want(3, 1, 5, origin, "b", "afterwards")...)
	open = append(open, c.want(2, 0, 5, origin, "a", "afterwards")...)
	done(open)
	c.settled(15)
}

// What another process has open from before counts, also when it sees the new policy later.
func TestOtherProcessesRequestsCountAfterTheKeyHasChanged(t *testing.T) {
	c := newKeyChange(t, 2, proxyhook.Config{})
	c.publish(`{"threshold": 5}`)
	before := c.want(5, 0, 5, origin, "a", "before")
	c.publishPolicy(`{"threshold": 5, "key": ["origin", "host"]}`)
	for range transitionLooks - 2 {
		proxyhook.Maintain(c.filters[1])
	}
	c.want(0, 1, 5, origin, "a", "with 5 in a process that has not seen the change")
	proxyhook.Maintain(c.filters[0])
	for range 3 * transitionLooks {
		proxyhook.Maintain(c.filters[1])
	}
	c.want(0, 1, 5, origin, "a", "with 5 in another process")
	c.want(0, 0, 5, origin, "a", "with 5 in this process")
	done(before[:1])
	open := c.want(1, 1, 5, origin, "a", "with 4 in another process")
	done(before[1:])
	c.look(transitionLooks)
	open = append(open, c.want(5, 1, 6, origin, "b", "afterwards")...)
	open = append(open, c.want(4, 0, 6, origin, "a", "afterwards")...)
	done(open)
	c.settled(15)
}

// Coming back to a key, and other keys in between, forget nothing.
func TestKeyChangesThereAndBackForgetNothing(t *testing.T) {
	byOrigin, byHost := `{"threshold": 5}`, `{"threshold": 5, "key": ["host"]}`
	both, tenant := `{"threshold": 5, "key": ["origin", "host"]}`, `{"threshold": 5, "key": ["tenant"]}`
	for _, way := range [][]string{
		{byOrigin, byHost, byOrigin},
		{byOrigin, both, byOrigin, both},
		{byHost, byOrigin, both, byHost},
		{both, byOrigin, tenant, byHost},
		{byOrigin, `{}`, byOrigin},
		{byOrigin, `{"key": ["host"]}`, byHost},
	} {
		t.Run(strings.Join(way, ", "), func(t *testing.T) {
			c := newKeyChange(t, 2, proxyhook.Config{Tenant: func(*traffic.Event) string { return "t" }})
			c.publish(way[0])
			open := c.want(2, 0, 2, origin, "a", way[0])
			for _, policy := range way[1:] {
				c.publish(policy)
				open = append(open, c.want(1, len(open)%2, 1, origin, "a", policy)...)
			}
			c.look(transitionLooks)
			open = append(open, c.want(5-len(open), 0, 5, origin, "a", "at the end of the way")...)
			done(open[:2])
			open = append(open[2:], c.want(2, 1, 5, origin, "a", "when two are done")...)
			done(open)
			c.look(transitionLooks)
			done(c.want(5, 1, 8, origin, "a", "when all are done"))
			c.settled(12)
		})
	}
}

// A coarser key, a finer one and overrides: each request has to find room by the old policy and by
// the new one.
func TestFormerPolicyHoldsWithItsOwnThresholds(t *testing.T) {
	for _, s := range []struct {
		name           string
		before, after  string
		held           []int // of hosts a and b, before
		wantA, wantB   int   // of 20 each, after
		wantOther      int   // of 20 for host a at another origin
		admittedBefore int
	}{
		{"coarser", `{"threshold": 4, "key": ["origin", "host"]}`, `{"threshold": 6}`, []int{4, 1}, 0, 3, 4, 5},
		{"finer", `{"threshold": 6}`, `{"threshold": 4, "key": ["origin", "host"]}`, []int{1, 1}, 4, 0, 4, 2},
		{"an override before", `{"threshold": 4, "overrides": {"10.0.0.1:80": 8}}`, `{"threshold": 20, "key": ["host"]}`,
			[]int{6, 0}, 2, 0, 4, 6},
		{"a host's override before", `{"threshold": 9, "overrides": {"10.0.0.1:80 a": 3}}`, `{"threshold": 20, "key": ["host"]}`,
			[]int{2, 1}, 1, 5, 9, 3},
		{"a host's override after", `{"threshold": 5, "key": ["host"]}`, `{"threshold": 9, "overrides": {"10.0.0.1:80 a": 3}}`,
			[]int{2, 1}, 3, 4, 0, 3},
		{"drained before", `{"threshold": 4, "overrides": {"10.0.0.1:80": 0}}`, `{"threshold": 5, "key": ["host"]}`,
			[]int{0, 0}, 5, 5, 0, 0},
		{"no threshold before", `{"overrides": {"10.0.0.9:80": 2}}`, `{"threshold": 5, "key": ["host"]}`,
			[]int{9, 0}, 5, 5, 0, 9},
		{"one key of both", `{"threshold": 5, "key": ["origin", "host"]}`, `{"threshold": 20, "overrides": {"10.0.0.1:80 a": 7}}`,
			[]int{5, 0}, 2, 5, 5, 5},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := newKeyChange(t, 1, proxyhook.Config{})
			c.publish(s.before)
			open := c.want(s.held[0], 0, s.held[0], origin, "a", "before")
			open = append(open, c.want(s.held[1], 0, s.held[1], origin, "b", "before")...)
			c.publish(s.after)
			open = append(open, c.want(s.wantA, 0, 20, origin, "a", "after")...)
			open = append(open, c.want(s.wantB, 0, 20, origin, "b", "after")...)
			open = append(open, c.want(s.wantOther, 0, 20, "10.0.0.2:80", "a", "after")...)
			if got := c.filters[0].Stats().InFlight; got != uint64(len(open)) {
				t.Errorf("%d in flight, want %d", got, len(open))
			}
			done(open)
			c.settled(uint64(len(open)))
		})
	}
}

// Another file in the middle of a transition, and requests from before in the file that is left.
func TestKeyChangesWhileProcessesMoveToAnotherFile(t *testing.T) {
	c := newKeyChange(t, 2, proxyhook.Config{})
	c.publish(`{"threshold": 5}`)
	before := c.want(3, 0, 3, origin, "a", "before")
	c.publish(`{"threshold": 5, "key": ["host"]}`)
	k, err := hostlimits.OpenKeeper(c.dir.Limits(), hostlimits.KeeperConfig{Processes: 5})
	must(t, err)
	defer k.Close()
	proxyhook.Maintain(c.filters[0])
	open := c.want(1, 0, 1, origin, "a", "with one in the new file")
	open = append(open, c.want(1, 1, 3, origin, "b", "in the former file")...)
	c.look(2 * transitionLooks)
	c.want(0, 0, 5, origin, "c", "in the new file")
	c.want(0, 1, 5, origin, "c", "in the new file")
	done(before)
	c.look(2 * transitionLooks)
	open = append(open, c.want(4, 0, 6, origin, "a", "afterwards")...)
	open = append(open, c.want(4, 1, 6, origin, "b", "afterwards")...)
	done(open)
	c.settled(13)
}

func TestAdmissionAllocatesNothingAfterTheKeyHasChanged(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget: go test without -race")
	}
	c := newKeyChange(t, 1, proxyhook.Config{})
	c.publish(`{"threshold": 9, "overrides": {"10.0.0.1:80 a": 8}}`)
	c.want(2, 0, 2, origin, "a", "before")
	for _, policy := range []string{`{"threshold": 9, "key": ["host"]}`,
		`{"threshold": 9, "key": ["host", "origin"], "shed_from": 0.5, "adaptive": {"latency": "1s"}}`,
		`{"threshold": 9, "overrides": {"10.0.0.1:80 a": 9}}`} {
		c.publish(policy)
		var state limits.TicketState
		ev := traffic.Event{Host: "a"}
		if n := testing.AllocsPerRun(1000, func() {
			a, ok := c.filters[0].Admit(&ev, origin, &state)
			if !ok || !a.Ticket.Done() {
				t.Fatalf("%+v", a)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for an admission, want none", policy, n)
		}
	}
}

// While requests come and go and one stays, the key changes there and back: no more than the
// threshold are ever open. When the one has ended so does the transition, although there is never a
// quiet moment.
func TestKeyChangesUnderLoad(t *testing.T) {
	const threshold = 6
	c := newKeyChange(t, 2, proxyhook.Config{})
	policies := []string{fmt.Sprintf(`{"threshold": %d}`, threshold), fmt.Sprintf(`{"threshold": %d, "key": ["host"]}`, threshold)}
	c.publish(policies[0])
	stays := c.want(1, 0, 1, origin, "a", "before")
	var open, most atomic.Int64
	var ended atomic.Bool
	var load sync.WaitGroup
	for i := range 8 {
		load.Go(func() {
			ev, state := traffic.Event{Host: "a"}, new(limits.TicketState)
			for !ended.Load() {
				if a, ok := c.filters[i%2].Admit(&ev, origin, state); ok {
					n := open.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					open.Add(-1)
					a.Ticket.Done()
				}
			}
		})
	}
	for i := range 20 {
		c.publish(policies[(i+1)%2])
		c.look(i % 3 * transitionLooks)
		if !proxyhook.InTransition(c.filters[0]) || !proxyhook.InTransition(c.filters[1]) {
			t.Error("the transition has ended before the request from before")
		}
	}
	if most.Load() > threshold-1 {
		t.Errorf("%d and one were open together, want at most %d", most.Load(), threshold)
	}
	done(stays)
	for looks := 0; proxyhook.InTransition(c.filters[0]) || proxyhook.InTransition(c.filters[1]); looks++ {
		if c.look(1); looks == 10_000 {
			t.Error("the transition does not end under load")
			break
		}
	}
	ended.Store(true)
	load.Wait()
	for i, f := range c.filters {
		if s := f.LimiterStats(); s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 0 {
			t.Errorf("filter %d: %+v", i, s)
		}
	}
}
