package proxyhook_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// What an event keeps only a hash of has the same one in all proxies of an installation and another
// one elsewhere, and short texts have none.
func TestHashesOfSessionsAndOfWhatIsCutAreTheInstallations(t *testing.T) {
	unsupervised(t)
	config := proxyhook.Config{SessionCookie: "sid"}
	describe := func(f *proxyhook.Filter) (ev traffic.Event) {
		r := httptest.NewRequest("GET", "http://shop.example/"+strings.Repeat("p", 300), nil)
		r.Header.Set("Cookie", "sid=abc")
		r.Header.Set("User-Agent", strings.Repeat("u", 300))
		proxyhook.Describe(f, &ev, r)
		if ev.PathSum == 0 || ev.AgentSum == 0 || ev.Session == 0 {
			t.Errorf("a hash is missing: %+v", ev)
		}
		return ev
	}
	equal := func(a, b traffic.Event) (n int) {
		for _, same := range []bool{a.PathSum == b.PathSum, a.AgentSum == b.AgentSum, a.Session == b.Session} {
			if same {
				n++
			}
		}
		return n
	}
	here, there := newHost(t), newHost(t)
	before := describe(here.filter(config))
	here.publish(time.Now())
	there.publish(time.Now())
	first, second, third := here.filter(config), here.filter(config), there.filter(config)
	if n := equal(describe(first), describe(second)); n != 3 {
		t.Errorf("%d of 3 hashes are the same in two proxies of one installation", n)
	}
	if n := equal(describe(first), describe(third)); n != 0 {
		t.Errorf("%d of 3 hashes are the same in two installations", n)
	}
	if n := equal(before, describe(first)); n != 0 {
		t.Errorf("%d of 3 hashes are those of a proxy without a daemon", n)
	}
	raw := traffic.Event{Path: "/" + strings.Repeat("p", 300), UserAgent: strings.Repeat("u", 300)} // as a proxy of its own fills it
	first.Sums().Bound(&raw)
	if want := describe(first); raw.PathSum != want.PathSum || raw.AgentSum != want.AgentSum {
		t.Error("Sums.Bound gives other hashes than the filter")
	}
}
