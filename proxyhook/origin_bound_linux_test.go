package proxyhook_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// An origin is bounded whatever its clients call it.
func TestMadeUpHostsAreNoWayAroundTheThreshold(t *testing.T) {
	const threshold, clients = 2, 30
	release := make(chan struct{})
	var most, now atomic.Int32
	s := newSite(t, limited(threshold), func(w http.ResponseWriter, r *http.Request) {
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-release
		now.Add(-1)
	})
	refused := make(chan bool, clients)
	for i := range clients {
		go func() {
			r, _ := http.NewRequest("GET", s.front.URL, nil)
			r.Host = []string{fmt.Sprintf("made-up-%d.example", i), "shop.example..", "shop%2eexample", "Shop.Example:80"}[i%4]
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				refused <- false
				return
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			refused <- response.StatusCode == 503
		}()
	}
	n := 0
	for range clients - threshold {
		if <-refused {
			n++
		}
	}
	await(t, "those that were admitted at the origin", func() bool { return now.Load() >= threshold })
	close(release)
	for range threshold {
		<-refused
	}
	if n != clients-threshold || most.Load() != threshold {
		t.Errorf("%d of %d refused, %d in flight at a time", n, clients, most.Load())
	}
}

// held opens tickets, for hosts of one origin.
type held struct {
	t      *testing.T
	filter *proxyhook.Filter
	open   []limits.Ticket
	closed int // tickets that were released, and a second time in vain
}

// admits reports how many requests for a host are admitted, one after the other, up to five.
func (h *held) admits(origin, host string) (n int) {
	h.t.Helper()
	for range 5 {
		ev := traffic.Event{Host: host}
		a, ok := h.filter.Admit(&ev, origin, new(limits.TicketState))
		if !ok {
			return n
		}
		h.open = append(h.open, a.Ticket)
		n++
	}
	return n
}

// done releases all tickets, and expects as many to have been in flight and admitted by now.
func (h *held) done(admitted uint64) {
	h.t.Helper()
	if st := h.filter.Stats(); st.InFlight != uint64(len(h.open)) || st.Admitted != admitted {
		h.t.Errorf("%d tickets, and %d admitted expected: %+v", len(h.open), admitted, st)
	}
	for _, ticket := range h.open {
		if !ticket.Done() || ticket.Done() {
			h.t.Error("a ticket is not done once")
		}
	}
	h.closed += len(h.open)
	h.open = nil
	if st := h.filter.Stats(); st.InFlight != 0 || st.DoubleDone != uint64(h.closed) {
		h.t.Errorf("at the end: %+v", st)
	}
}

// Overrides of an origin and a host, as in files of earlier releases, bound the host within its
// origin.
func TestHostsAreBoundedWithinTheirOrigin(t *testing.T) {
	for where, start := range map[string]func(h *host, text string) *proxyhook.Filter{
		"of one process": func(h *host, text string) *proxyhook.Filter {
			p, err := hostlimits.ParsePolicy([]byte(text))
			must(t, err)
			return h.filter(proxyhook.Config{Limits: limits.LimiterConfig{Threshold: p.Threshold, Overrides: p.Overrides}})
		},
		"published, counted with others": func(h *host, text string) *proxyhook.Filter {
			h.keeper()
			f := h.filter(proxyhook.Config{})
			h.publishPolicy(text)
			proxyhook.Maintain(f)
			if st := f.Stats(); !st.Shared || !st.Policy {
				t.Fatalf("%+v", st)
			}
			return f
		},
	} {
		t.Run(where, func(t *testing.T) {
			unsupervised(t)
			f := start(newHost(t), `{"threshold": 3, "overrides": {"o:80 shop": 2, "o:80 drained": 0, "o:80 large": 5, "p:80": 1, "p:80 large": 4}}`)
			h := &held{t: t, filter: f}
			expect := func(what string, got, want int) {
				t.Helper()
				if got != want {
					t.Errorf("%s: %d admitted, expected %d", what, got, want)
				}
			}
			expect("a host of its own threshold", h.admits("o:80", "SHOP.:443"), 2)
			expect("a drained host", h.admits("o:80", "drained"), 0)
			expect("another host, in what is left of the origin", h.admits("o:80", "other"), 1)
			expect("a made-up one", h.admits("O:80", "made-up"), 0)
			expect("another origin", h.admits("q:80", "shop"), 3)
			h.done(6)
			expect("a host with more than the origin's default", h.admits("o:80", "large"), 5)
			expect("the origin is full for others", h.admits("o:80", "other"), 0)
			h.done(11)
			expect("an origin with a threshold of its own", h.admits("p:80", "large"), 1)
			h.done(12)
			ev := traffic.Event{Host: "drained"}
			if a, ok := f.Admit(&ev, "o:80", new(limits.TicketState)); ok || a.Reason != limits.Drained {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A configured key is what it says: here each host has the whole threshold.
func TestConfiguredKeysBoundHosts(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{LimitKey: []string{proxyhook.KeyOrigin, proxyhook.KeyHost}, Limits: limits.LimiterConfig{Threshold: 2}})
	h := &held{t: t, filter: f}
	if a, b := h.admits("o:80", "a"), h.admits("o:80", "b"); a != 2 || b != 2 {
		t.Errorf("%d and %d admitted", a, b)
	}
	h.done(4)
}

func TestHostsWithinOriginsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	f := newHost(t).filter(proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 10, Overrides: map[string]uint32{"o:80 shop": 5}}})
	var state limits.TicketState
	ev := traffic.Event{Host: "shop"}
	for range 100 {
		a, _ := f.Admit(&ev, "o:80", &state)
		a.Ticket.Done()
	}
	if n := testing.AllocsPerRun(1000, func() {
		a, ok := f.Admit(&ev, "o:80", &state)
		if !ok || !a.Ticket.Done() {
			t.Error("not admitted")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
