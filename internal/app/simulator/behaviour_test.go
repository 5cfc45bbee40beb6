package simulator_test

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
)

// ofKind returns the requests of a kind in the first minutes, by client address.
func ofKind(kind string, seed uint64, end time.Duration) map[netip.Addr][]simulator.Request {
	clients := map[netip.Addr][]simulator.Request{}
	for _, r := range until(simulator.Config{Seed: seed}, end) {
		if r.Kind == kind {
			clients[r.Client] = append(clients[r.Client], r)
		}
	}
	return clients
}

func all(clients map[netip.Addr][]simulator.Request) (list []simulator.Request) {
	for _, requests := range clients {
		list = append(list, requests...)
	}
	return list
}

func status(code int) func(simulator.Request) bool {
	return func(r simulator.Request) bool { return r.Response().Status == code }
}

func isAsset(r simulator.Request) bool { return r.FetchMode == "no-cors" }

func isPage(r simulator.Request) bool {
	return r.FetchMode == "navigate" && r.Method == http.MethodGet
}

// TestReadersFetchAssetsOfTheirPages follows readers through pages and assets: an asset comes
// within 800 ms of its page, names it as the referer, and the next page comes after at least 2 s.
func TestReadersFetchAssetsOfTheirPages(t *testing.T) {
	assets, pages, cookies := 0, 0, 0
	for addr, requests := range ofKind("reader", 1, 2*time.Minute) {
		var page simulator.Request
		for _, r := range requests {
			switch {
			case isPage(r):
				if page.Target != "" && r.UserAgent == page.UserAgent && r.At-page.At < 2*time.Second {
					t.Errorf("%v: pages at %v and %v", addr, page.At, r.At)
				}
				page = r
				pages++
			case isAsset(r) && page.UserAgent == r.UserAgent:
				assets++
				if r.At-page.At > 800*time.Millisecond {
					t.Errorf("%v: an asset %v after its page", addr, r.At-page.At)
				}
				if r.Referer != "" && r.Referer != "https://"+page.Host+page.Target {
					t.Errorf("%v: asset of %s has referer %s", addr, page.Target, r.Referer)
				}
				if r.Cookie != "" {
					cookies++
				}
			}
		}
	}
	within(t, "assets per page", float64(assets)/float64(pages), 4, 8)
	within(t, "share of assets asked for with a cookie", float64(cookies)/float64(assets), 0.85, 0.99)
}

func TestFirstPageHasNoCookie(t *testing.T) {
	first, later := 0, 0
	for _, requests := range ofKind("reader", 2, 3*time.Minute) {
		if requests[0].At < 10*time.Second {
			continue // may have begun before the simulation
		}
		if requests[0].Cookie != "" {
			first++
		}
		if requests[len(requests)-1].Cookie != "" {
			later++
		}
	}
	if first != 0 || later < 50 {
		t.Errorf("%d first requests and %d last requests have a cookie", first, later)
	}
}

func TestShoppersDoEverything(t *testing.T) {
	done := map[string]int{}
	for _, r := range all(ofKind("shopper", 1, 5*time.Minute)) {
		path, _, _ := strings.Cut(r.Target, "?")
		done[fmt.Sprintf("%s %s%s %d", r.Method, r.Host, path, r.Response().Status)]++
	}
	for _, what := range []string{
		"GET search.demo.test/search 200", "POST www.demo.test/cart 303", "POST www.demo.test/checkout 303",
		"POST www.demo.test/login 303", "POST www.demo.test/login 401", // some mistype
	} {
		if done[what] < 5 {
			t.Errorf("%q occurs %d times", what, done[what])
		}
	}
}

func TestMobilePeopleShareAddresses(t *testing.T) {
	clients := ofKind("mobile", 1, 2*time.Minute)
	if len(clients) != 4 {
		t.Errorf("%d carrier addresses, want 4", len(clients))
	}
	for addr, requests := range clients {
		agents := map[string]bool{}
		for _, r := range requests {
			agents[r.UserAgent] = true
		}
		if len(agents) < 3 {
			t.Errorf("%v has %d user agents", addr, len(agents))
		}
	}
}

func TestAppPolls(t *testing.T) {
	list := all(ofKind("app", 1, 2*time.Minute))
	within(t, "share of calls by scripts", share(list, func(r simulator.Request) bool {
		return r.Host == simulator.API && r.FetchMode == "cors"
	}), 0.7, 0.99)
	within(t, "share of polls", share(list, func(r simulator.Request) bool {
		return strings.HasPrefix(r.Target, "/v1/notifications?since=")
	}), 0.4, 0.8)
}

func TestReturningVisitorsGet304(t *testing.T) {
	list := all(ofKind("returning", 1, time.Minute))
	within(t, "share of 304", share(list, status(http.StatusNotModified)), 0.7, 0.98)
}

func TestProbersFindNothing(t *testing.T) {
	list := all(ofKind("prober", 1, time.Minute))
	within(t, "share of 404", share(list, status(http.StatusNotFound)), 0.85, 1)
}

func TestStuffersFail(t *testing.T) {
	for addr, requests := range ofKind("stuffer", 1, time.Minute) {
		agents := map[string]bool{}
		for _, r := range requests {
			agents[r.UserAgent] = true
		}
		within(t, "share of 401", share(requests, status(http.StatusUnauthorized)), 0.75, 0.98)
		if len(agents) < 5 {
			t.Errorf("%v has only %d user agents", addr, len(agents))
		}
	}
}

func TestScrapersFetchPagesOnly(t *testing.T) {
	for addr, requests := range ofKind("scraper", 1, time.Minute) {
		for _, r := range requests {
			if isAsset(r) || r.Referer != "" || !strings.Contains(r.Target, "/products/") || !strings.HasPrefix(r.UserAgent, "Mozilla/5.0") {
				t.Fatalf("%v: %+v", addr, r)
			}
		}
	}
}

// TestSwarmsAreOfOneNetwork finds two swarms at the default rate: one /24, one /48, each with one
// user agent.
func TestSwarmsAreOfOneNetwork(t *testing.T) {
	agents, members := map[netip.Prefix]map[string]bool{}, map[netip.Prefix]int{}
	for addr, requests := range ofKind("swarm", 1, time.Minute) {
		bits := 24
		if addr.Is6() {
			bits = 48
		}
		network := netip.PrefixFrom(addr, bits).Masked()
		members[network]++
		if agents[network] == nil {
			agents[network] = map[string]bool{}
		}
		for _, r := range requests {
			agents[network][r.UserAgent] = true
		}
	}
	if len(members) != 2 {
		t.Errorf("networks %v, want 2", members)
	}
	for network, n := range members {
		if n != 12 || len(agents[network]) != 1 {
			t.Errorf("%v has %d members with %d user agents", network, n, len(agents[network]))
		}
	}
}

func TestCrawlersReadRobotsFirst(t *testing.T) {
	for addr, requests := range ofKind("crawler", 1, time.Minute) {
		if requests[0].Target != "/robots.txt" || !strings.Contains(requests[0].UserAgent, "+http") {
			t.Errorf("%v begins with %+v", addr, requests[0])
		}
	}
}

func TestMonitorsKeepTheirPeriod(t *testing.T) {
	for addr, requests := range ofKind("monitor", 1, time.Minute) {
		shortest, longest := time.Duration(math.MaxInt64), time.Duration(0)
		for i, r := range requests[1:] {
			gap := r.At - requests[i].At
			shortest, longest = min(shortest, gap), max(longest, gap)
			if r.Target != requests[0].Target {
				t.Errorf("%v asks for %s and %s", addr, requests[0].Target, r.Target)
			}
		}
		if longest-shortest > 5*time.Millisecond {
			t.Errorf("%v: gaps of %v to %v", addr, shortest, longest)
		}
	}
}

func TestHeadlessFetchesAssetsWithoutCookies(t *testing.T) {
	list := all(ofKind("headless", 1, time.Minute))
	within(t, "share of assets", share(list, isAsset), 0.7, 0.8)
	within(t, "share with cookie", share(list, func(r simulator.Request) bool { return r.Cookie != "" }), 0, 0)
}

// TestNoSingleFactTells tries each fact of a request as a classifier, in both directions: each must
// be wrong about at least 8 % of the people or of the bots.
func TestNoSingleFactTells(t *testing.T) {
	list := until(simulator.Config{Seed: 1}, 2*time.Minute)
	var people, bots []simulator.Request
	for _, r := range list {
		if r.Bot {
			bots = append(bots, r)
		} else {
			people = append(people, r)
		}
	}
	for name, fact := range map[string]func(simulator.Request) bool{
		"cookie":           func(r simulator.Request) bool { return r.Cookie != "" },
		"referer":          func(r simulator.Request) bool { return r.Referer != "" },
		"language":         func(r simulator.Request) bool { return r.AcceptLanguage != "" },
		"fetch metadata":   func(r simulator.Request) bool { return r.FetchMode != "" },
		"client hints":     func(r simulator.Request) bool { return r.ClientHints != "" },
		"browser name":     func(r simulator.Request) bool { return strings.HasPrefix(r.UserAgent, "Mozilla/5.0 (") },
		"asset":            isAsset,
		"XMLHttpRequest":   func(r simulator.Request) bool { return r.RequestedWith != "" },
		"If-None-Match":    func(r simulator.Request) bool { return r.IfNoneMatch != "" },
		"POST":             func(r simulator.Request) bool { return r.Method == http.MethodPost },
		"failure":          func(r simulator.Request) bool { return r.Response().Status >= 400 },
		"search":           func(r simulator.Request) bool { return r.Host == simulator.Search },
		"IPv6":             func(r simulator.Request) bool { return r.Client.Is6() },
		"number of header": func(r simulator.Request) bool { return len(r.AppendHeaders(nil)) >= 8 },
	} {
		p, b := share(people, fact), share(bots, fact)
		if wrong := min(max(p, 1-b), max(1-p, b)); wrong < 0.08 {
			t.Errorf("%s holds for %.0f %% of the people and %.0f %% of the bots", name, 100*p, 100*b)
		} else {
			t.Logf("%-16s %3.0f %% of the people, %3.0f %% of the bots", name, 100*p, 100*b)
		}
	}
}

func TestKindsAreTheCallersOwn(t *testing.T) {
	kinds := simulator.Kinds()
	kinds[0].Name = "changed"
	if simulator.Kinds()[0].Name == "changed" {
		t.Error("a change of the slice reached the package")
	}
	for _, k := range simulator.Kinds() {
		if k.Name == "" || k.About == "" || strings.Contains(k.About, "\n") {
			t.Errorf("%+v", k)
		}
	}
}
