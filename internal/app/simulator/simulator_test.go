package simulator_test

import (
	"container/heap"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
)

// until returns all requests before a time.
func until(c simulator.Config, end time.Duration) []simulator.Request {
	s := simulator.New(c)
	var list []simulator.Request
	for {
		r := s.Next()
		if r.At >= end {
			return list
		}
		list = append(list, r)
	}
}

// share returns the share of the requests for which the fact holds.
func share(list []simulator.Request, fact func(r simulator.Request) bool) float64 {
	n := 0
	for _, r := range list {
		if fact(r) {
			n++
		}
	}
	return float64(n) / float64(len(list))
}

func isBot(r simulator.Request) bool { return r.Bot }

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(low <= got && got <= high) {
		t.Errorf("%s is %.3f, want %.3f to %.3f", what, got, low, high)
	}
}

func TestSameSeedSameStream(t *testing.T) {
	for _, c := range []simulator.Config{{}, {Seed: 7, Rate: 90}} {
		a, b := simulator.New(c), simulator.New(c)
		other := simulator.New(simulator.Config{Seed: c.Seed + 1, Rate: c.Rate})
		differs := 0
		for i := range 20_000 {
			x, y := a.Next(), b.Next()
			if x != y {
				t.Fatalf("%+v: request %d:\n%+v\n%+v", c, i, x, y)
			}
			if x != other.Next() {
				differs++
			}
		}
		if differs < 19_000 {
			t.Errorf("%+v: another seed changed only %d of 20000 requests", c, differs)
		}
	}
}

func TestEveryRequestIsWellFormed(t *testing.T) {
	kinds := map[string]simulator.Kind{}
	for _, k := range simulator.Kinds() {
		kinds[k.Name] = k
	}
	seen := map[string]bool{}
	ipv6 := map[bool]bool{}
	last := time.Duration(0)
	for _, r := range until(simulator.Config{Seed: 1}, 2*time.Minute) {
		if r.At < last {
			t.Fatalf("the time goes back from %v to %v", last, r.At)
		}
		last = r.At
		if _, err := url.ParseRequestURI(r.Target); err != nil || r.Target[0] != '/' {
			t.Errorf("target %q: %v", r.Target, err)
		}
		if !slices.Contains(simulator.Hosts[:], r.Host) {
			t.Errorf("host %q", r.Host)
		}
		if k, ok := kinds[r.Kind]; !ok || k.Bot != r.Bot {
			t.Errorf("a request of kind %q with Bot %v", r.Kind, r.Bot)
		}
		if !r.Client.IsValid() || r.Client.Is4In6() || !inReservedRange(r.Client) {
			t.Errorf("client %v", r.Client)
		}
		if !slices.Contains([]string{"GET", "HEAD", "POST", "OPTIONS"}, r.Method) || (r.Body != "" && r.Method != "POST") {
			t.Errorf("%s with body %q", r.Method, r.Body)
		}
		seen[r.Kind] = true
		if r.Client.Is6() {
			ipv6[r.Bot] = true
		}
	}
	if len(seen) != len(kinds) || len(kinds) < 13 {
		t.Errorf("%d of %d kinds occur: %v", len(seen), len(kinds), seen)
	}
	if !ipv6[true] || !ipv6[false] {
		t.Errorf("IPv6 among bots: %v, among people: %v", ipv6[true], ipv6[false])
	}
}

// inReservedRange reports whether an address is in one of the reserved ranges.
func inReservedRange(a netip.Addr) bool {
	for _, p := range []string{"198.18.0.0/15", "100.64.0.0/10", "2001:db8::/32"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}

func TestRateAndShares(t *testing.T) {
	for seed := range uint64(2) {
		list := until(simulator.Config{Seed: seed}, 5*time.Minute)
		first := list[:slices.IndexFunc(list, func(r simulator.Request) bool { return r.At >= 20*time.Second })]
		within(t, "rate of the first 20 s", float64(len(first))/20, 200, 240)
		within(t, "rate of 5 min", float64(len(list))/300, 205, 235)
		within(t, "share of bots in the first 20 s", share(first, isBot), 0.55, 0.65)
		within(t, "share of bots in 5 min", share(list, isBot), 0.55, 0.65)
		for kind, low := range map[string]float64{"reader": 0.09, "shopper": 0.04, "mobile": 0.035, "app": 0.03, "returning": 0.025} {
			got := share(list, func(r simulator.Request) bool { return r.Kind == kind })
			within(t, "share of "+kind, got, low, 2.5*low)
		}
	}
}

func TestRateScalesTheNumberOfClients(t *testing.T) {
	// Values out of range are clamped; NaN means the default.
	for rate, want := range map[float64]float64{1: 60, 60: 60, 600: 600, math.NaN(): 220, -5: 220, math.Inf(-1): 220} {
		list := until(simulator.Config{Seed: 3, Rate: rate}, time.Minute)
		within(t, fmt.Sprintf("rate for Config.Rate %v", rate), float64(len(list))/60, 0.85*want, 1.15*want)
	}
	perBot := func(rate float64) float64 {
		list := until(simulator.Config{Seed: 3, Rate: rate}, time.Minute)
		requests, clients := 0, map[netip.Addr]bool{}
		for _, r := range list {
			if r.Kind == "hammerer" {
				requests++
				clients[r.Client] = true
			}
		}
		return float64(requests) / float64(len(clients))
	}
	within(t, "ratio of a bot's own rate at 60 and 600 requests/s", perBot(600)/perBot(60), 0.95, 1.05)
}

func TestHugeRateBegins(t *testing.T) {
	s := simulator.New(simulator.Config{Rate: math.Inf(1)})
	n := 0
	for s.Next().At < time.Second {
		n++
	}
	within(t, "rate of the first second at MaxRate", float64(n), 0.4*simulator.MaxRate, 1.2*simulator.MaxRate)
}

// TestBotsCanBeTold checks that bots make enough requests for short windows.
func TestBotsCanBeTold(t *testing.T) {
	for seed := range uint64(5) {
		type client struct {
			kind string
			addr netip.Addr
		}
		requests, begins := map[client]int{}, map[client]time.Duration{}
		for _, r := range until(simulator.Config{Seed: seed}, 15*time.Second) {
			if c := (client{r.Kind, r.Client}); r.Bot {
				if requests[c]++; requests[c] == 1 {
					begins[c] = r.At
				}
			}
		}
		for c, n := range requests {
			least := 15
			if c.kind == "crawler" || c.kind == "swarm" {
				least = 5
			}
			if n < least || begins[c] > time.Second {
				t.Errorf("seed %d: %v begins after %v and makes %d requests in 15 s, want %d", seed, c, begins[c], n, least)
			}
		}
	}
}

func TestBotsAndPeopleShareNoAddress(t *testing.T) {
	truth := map[netip.Addr]bool{}
	for _, r := range until(simulator.Config{Seed: 4}, 4*time.Minute) {
		if bot, known := truth[r.Client]; known && bot != r.Bot {
			t.Fatalf("%v is both", r.Client)
		}
		truth[r.Client] = r.Bot
	}
}

// ends holds the ends of requests in flight, the earliest first.
type ends []time.Duration

func (h ends) Len() int           { return len(h) }
func (h ends) Less(i, j int) bool { return h[i] < h[j] }
func (h ends) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ends) Push(end any)      { *h = append(*h, end.(time.Duration)) }
func (h *ends) Pop() any {
	old := *h
	end := old[len(old)-1]
	*h = old[:len(old)-1]
	return end
}

func TestLoadOfTheHosts(t *testing.T) {
	for seed := range uint64(4) {
		inFlight := map[string]*ends{}
		for _, host := range simulator.Hosts {
			inFlight[host] = &ends{}
		}
		searches, reached := 0, time.Duration(0)
		lowest := math.MaxInt
		for _, r := range until(simulator.Config{Seed: seed}, 2*time.Minute) {
			h := inFlight[r.Host]
			for h.Len() > 0 && (*h)[0] <= r.At {
				heap.Pop(h)
			}
			heap.Push(h, r.At+r.Response().Delay)
			switch {
			case r.Host != simulator.Search:
				if h.Len() >= 16 {
					t.Errorf("seed %d: %d requests in flight to %s at %v", seed, h.Len(), r.Host, r.At)
				}
			case r.At > 3*time.Second:
				lowest = min(lowest, h.Len())
				fallthrough
			default:
				searches++
				if h.Len() > 64 && reached == 0 {
					reached = r.At
				}
			}
		}
		if reached == 0 || reached > 3*time.Second || lowest <= 64 {
			t.Errorf("seed %d: over 64 searches in flight at %v; never less than %d after 3 s", seed, reached, lowest)
		}
		within(t, "searches per second", float64(searches)/120, 70, 85)
	}
}

func TestMemoryDoesNotGrowWithVirtualTime(t *testing.T) {
	live := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := live()
	s := simulator.New(simulator.Config{Seed: 5})
	run := func(end time.Duration) float64 {
		for s.Next().At < end {
		}
		return live() - before
	}
	early, late := run(3*time.Minute), run(30*time.Minute)
	if early > 4<<20 || late-early > 512<<10 {
		t.Errorf("%.0f bytes in use after 3 virtual minutes, %.0f after 30", early, late)
	}
	runtime.KeepAlive(s)
}

// BenchmarkNext generates the requests of the default simulation.
// Run: go test -run '^$' -bench Next ./internal/app/simulator
func BenchmarkNext(b *testing.B) {
	s := simulator.New(simulator.Config{})
	b.ReportAllocs()
	for b.Loop() {
		s.Next()
	}
}
