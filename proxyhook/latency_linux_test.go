package proxyhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// adaptive is a configuration whose threshold of 100 follows latencies by the policy that the host
// publishes.
func (h *host) adaptive(policy string) proxyhook.Config {
	h.publishPolicy(`{"threshold": 100, "adaptive": ` + policy + `}`)
	return proxyhook.Config{Dir: string(h.dir)}
}

// threshold is how many requests for an origin and host fit now.
func threshold(t *testing.T, f *proxyhook.Filter, origin, host string) (n int) {
	t.Helper()
	var open []limits.Ticket
	for ; ; n++ {
		ev := traffic.Event{Host: host}
		a, ok := f.Admit(&ev, origin, new(limits.TicketState))
		if !ok {
			break
		}
		open = append(open, a.Ticket)
	}
	for _, ticket := range open {
		ticket.Done()
	}
	return n
}

// newAdaptiveSite is a site whose threshold follows its origin's latency.
func newAdaptiveSite(t *testing.T, policy string, config proxyhook.Config, origin http.HandlerFunc) *site {
	s := adaptiveSite(t, policy, config)
	s.serve(origin)
	return s
}

// newAdaptiveSiteInside is one in a bubble, where an origin is as slow as it says.
func newAdaptiveSiteInside(t *testing.T, policy string, config proxyhook.Config, origin http.HandlerFunc) *site {
	s := adaptiveSite(t, policy, config)
	s.serveInside(t, false, origin)
	return s
}

func adaptiveSite(t *testing.T, policy string, config proxyhook.Config) *site {
	h := newHost(t)
	h.adaptive(policy)
	s := &site{host: h, filter: h.filter(config)}
	await(t, "the policy", func() bool { return s.filter.Stats().Policy })
	return s
}

func (s *site) threshold() int {
	return s.originThreshold(s.origin.Listener.Addr().String())
}

func (s *site) originThreshold(origin string) int {
	await(s.t, "the requests' end", func() bool { return s.filter.Stats().InFlight == 0 })
	return threshold(s.t.(*testing.T), s.filter, origin, "127.0.0.1")
}

// ask sends n requests, each of which gives up after a while.
func (s *site) ask(n int, patience time.Duration, request func(ctx context.Context) *http.Request) {
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if response, err := s.client.Do(request(ctx)); err == nil {
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	group.Wait()
}

func getting(url string) func(context.Context) *http.Request {
	return func(ctx context.Context) *http.Request {
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		return r
	}
}

func trickling(url string) func(context.Context) *http.Request {
	return func(ctx context.Context) *http.Request {
		r, _ := http.NewRequestWithContext(ctx, "POST", url, &trickle{30, 30 * time.Millisecond})
		return r
	}
}

const long = time.Minute // more patience than a test needs

// Clients that send slowly say nothing about their origin, be it behind a proxy or the handler
// itself.
func TestTricklingUploadsLowerNothing(t *testing.T) {
	work := func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); io.WriteString(w, "ok") }
	inside(t, "behind a proxy", func(t *testing.T) {
		s := newAdaptiveSiteInside(t, `{"latency": "600ms"}`, proxyhook.Config{}, work)
		s.ask(60, long, trickling(s.front.URL))
		if n := s.threshold(); n != 100 {
			t.Error(n)
		}
	})
	inside(t, "the handler itself", func(t *testing.T) {
		s := newAdaptiveSiteInside(t, `{"latency": "600ms"}`, ownOrigin, nil)
		s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(work))
		s.ask(60, long, trickling(s.front.URL))
		if n := s.originThreshold("here"); n != 100 {
			t.Error(n)
		}
	})
}

var ownOrigin = proxyhook.Config{Origin: func(*http.Request) string { return "here" }}

// What the client takes its time to read, and an interim response, are no matter of latency either.
func TestLatencyIsThatOfTheFirstByteOfTheAnswer(t *testing.T) {
	inside(t, "a proxy", func(t *testing.T) {
		s := newAdaptiveSiteInside(t, `{"latency": "20ms"}`, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/early" { // an interim response is not an answer
				w.WriteHeader(http.StatusEarlyHints)
				time.Sleep(50 * time.Millisecond)
			}
			io.WriteString(w, "first")
			http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Millisecond)
			io.WriteString(w, "last")
		})
		for range 10 {
			s.ask(1, long, getting(s.front.URL))
		}
		if n := s.threshold(); n != 100 {
			t.Errorf("%d after slow bodies", n)
		}
		s.ask(1, long, getting(s.front.URL+"/early"))
		if n := s.threshold(); n != 90 {
			t.Errorf("%d after a slow answer with an early interim response", n)
		}
	})
}

// A dead origin's threshold goes down to 1, and none goes up for its errors.
func TestRefusedConnectionsAreSlow(t *testing.T) {
	s := newAdaptiveSite(t, `{"latency": "1ms"}`, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) {})
	s.origin.Close()
	before := 100
	for range 4 {
		for range 20 {
			s.ask(1, long, getting(s.front.URL))
		}
		n := s.threshold()
		if n >= before && n != 1 { // a slow test has more than one interval in a round
			t.Errorf("%d after %d", n, before)
		}
		before = n
	}
}

// An origin that resets its connections is as slow as one that refuses them.
func TestResetConnectionsAreSlow(t *testing.T) {
	s := newAdaptiveSite(t, `{"latency": "1ms"}`, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	for range 20 {
		s.ask(1, long, func(ctx context.Context) *http.Request {
			r, _ := http.NewRequestWithContext(ctx, "POST", s.front.URL, strings.NewReader("x"))
			return r
		})
	}
	if n := s.threshold(); n > 70 {
		t.Errorf("%d", n)
	}
}

// An origin that hangs while its clients leave is slow, also where they leave before a slow answer
// would have come; clients that leave at once prove nothing.
func TestAbandonedWaitsAreSlow(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for what, c := range map[string]struct {
		policy   string
		patience time.Duration
		want     int // what is left of a threshold of 100 after ten times, a tenth less each time that counts
	}{
		"the origin hangs":                          {`{"latency": "30ms"}`, 60 * time.Millisecond, 34},
		"the origin hangs, its clients leave early": {`{"latency": "200ms"}`, 100 * time.Millisecond, 59}, // every other time
		"clients leave at once":                     {`{"latency": "1m"}`, 10 * time.Millisecond, 100},
	} {
		inside(t, what, func(t *testing.T) {
			s := newAdaptiveSiteInside(t, c.policy, proxyhook.Config{}, hang)
			for range 10 {
				s.ask(10, c.patience, getting(s.front.URL))
			}
			if n := s.threshold(); n != c.want {
				t.Errorf("%d, want %d", n, c.want)
			}
		})
	}
	inside(t, "the handler hangs", func(t *testing.T) {
		s := newAdaptiveSiteInside(t, `{"latency": "30ms"}`, ownOrigin, nil)
		s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(hang))
		for range 10 {
			s.ask(10, 60*time.Millisecond, getting(s.front.URL))
		}
		if n := s.originThreshold("here"); n != 34 {
			t.Errorf("%d, want 34", n)
		}
	})
}

// Clients that leave in the middle of their upload say nothing about the origin that waits for it.
func TestAbandonedUploadsLowerNothing(t *testing.T) {
	inside(t, "a proxy", func(t *testing.T) {
		s := newAdaptiveSiteInside(t, `{"latency": "5ms"}`, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		for range 5 {
			s.ask(10, 100*time.Millisecond, func(ctx context.Context) *http.Request {
				r, _ := http.NewRequestWithContext(ctx, "POST", s.front.URL, &trickle{2, 300 * time.Millisecond})
				return r
			})
		}
		if n := s.threshold(); n != 100 {
			t.Errorf("%d", n)
		}
	})
}

// A long poll is healthy: by the policy's bound, and by a marking.
func TestLongPollsLowerNothing(t *testing.T) {
	poll := func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * time.Millisecond) }
	marked := proxyhook.Config{LongLived: func(r *http.Request) bool { return r.URL.Path == "/poll" }}
	for name, c := range map[string]struct {
		policy string
		config proxyhook.Config
		want   bool // that the threshold stays
	}{
		"neither": {`{"latency": "1ms"}`, proxyhook.Config{}, false},
		"bound":   {`{"latency": "1ms", "long_lived": "80ms"}`, proxyhook.Config{}, true},
		"marking": {`{"latency": "1ms"}`, marked, true},
	} {
		inside(t, name, func(t *testing.T) {
			s := newAdaptiveSiteInside(t, c.policy, c.config, poll)
			for range 3 {
				s.ask(5, long, getting(s.front.URL+"/poll"))
			}
			if name == "marking" { // who leaves before the bound has waited for nothing that it excludes
				s.ask(5, 50*time.Millisecond, getting(s.front.URL+"/poll"))
			}
			if n := s.threshold(); (n == 100) != c.want {
				t.Errorf("%d", n)
			}
		})
	}
}

// A handler that is the origin itself is followed as one behind a proxy is.
func TestSlowHandlerThresholdIsLowered(t *testing.T) {
	s := newAdaptiveSite(t, `{"latency": "5ms"}`, ownOrigin, nil)
	for _, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Millisecond); w.WriteHeader(204) },
		func(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Millisecond) },
		func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		before := threshold(t, s.filter, "here", "127.0.0.1")
		s.front.Config.Handler = s.filter.Handler(answer)
		for range 3 {
			s.ask(1, long, getting(s.front.URL))
			time.Sleep(10 * time.Millisecond)
		}
		if n := threshold(t, s.filter, "here", "127.0.0.1"); n >= before {
			t.Errorf("%d after %d", n, before)
		}
	}
}

// Proxies that call Admit and Done themselves observe what they waited, without an allocation.
func TestObservedWaitsLowerTheThreshold(t *testing.T) {
	h := newHost(t)
	f := h.filter(h.adaptive(`{"latency": "1ms"}`))
	await(t, "the policy", func() bool { return f.Stats().Policy })
	ev, state := traffic.Event{Host: "shop"}, new(limits.TicketState)
	request := func(took time.Duration, how proxyhook.Ending) {
		a, ok := f.Admit(&ev, "10.0.0.1:80", state)
		if !ok {
			t.Fatal("refused")
		}
		f.Observe(&a, took, how)
		f.Done(&ev, a.Ticket)
	}
	for range 10 {
		request(0, proxyhook.Failed)
		time.Sleep(2 * time.Millisecond)
	}
	lowered := threshold(t, f, "10.0.0.1:80", "shop")
	if lowered > 50 {
		t.Errorf("%d", lowered)
	}
	if n := threshold(t, f, "10.0.0.1:80", "other"); n != lowered {
		t.Errorf("another host of the origin: %d", n)
	}
	if n := threshold(t, f, "10.0.0.2:80", "shop"); n != 100 {
		t.Errorf("another origin: %d", n)
	}
	if n := testing.AllocsPerRun(100, func() { request(time.Second, proxyhook.Answered) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The refusal at a lowered threshold is not shedding: there may be no scores at all.
func TestRefusalOfASlowOriginHasItsReason(t *testing.T) {
	h := newHost(t)
	f := h.filter(h.adaptive(`{"latency": "1ms"}`))
	await(t, "the policy", func() bool { return f.Stats().Policy })
	origin := "10.0.0.1:80"
	for n := 100; n > 50; n = threshold(t, f, origin, "shop") {
		ev := traffic.Event{Host: "shop"}
		a, _ := f.Admit(&ev, origin, new(limits.TicketState))
		f.Observe(&a, time.Second, proxyhook.Answered)
		a.Ticket.Done()
		time.Sleep(2 * time.Millisecond)
	}
	for {
		ev := traffic.Event{Host: "shop"}
		a, ok := f.Admit(&ev, origin, new(limits.TicketState))
		if ok {
			continue
		}
		if a.Reason != limits.OverLowered {
			t.Errorf("%v", a.Reason)
		}
		break
	}
	r, _ := http.NewRequest("GET", fmt.Sprintf("http://%s/", origin), nil)
	r.Host = "shop"
	response, err := f.Transport(nil).RoundTrip(r)
	must(t, err)
	if response.StatusCode != 503 || response.Header.Get(proxyhook.ReasonHeader) != "origin_slow" {
		t.Errorf("%v", response)
	}
}
