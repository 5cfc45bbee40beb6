package proxyhook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// drained reports whether a request of host to origin is refused for a threshold of 0.
func drained(f *proxyhook.Filter, origin, host string) bool {
	ev := traffic.Event{Host: host}
	ev.Bound()
	a, ok := f.Admit(&ev, origin, new(limits.TicketState))
	a.Ticket.Done()
	return !ok && a.Reason == limits.Drained
}

// A setting of the limits that is wrong is the error that package limits has for it.
func TestWrongLimitsAreAConfigError(t *testing.T) {
	for name, c := range map[string]limits.LimiterConfig{
		"Sketch.Rows": {Sketch: limits.SketchConfig{Rows: -1}},
		"Overrides":   {Overrides: map[string]uint32{"a:80": 1, "A:80": 2}},
	} {
		_, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), Limits: c})
		var wrong *limits.ConfigError
		if !errors.As(err, &wrong) || !errors.Is(err, limits.ErrConfig) || wrong.Field != name {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A threshold holds for names of any length and in every spelling.
func TestThresholdsHoldForLongNamesAndEverySpelling(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	longOrigin := strings.Repeat("origin.", 20) + "internal:8080"
	longHost := strings.Repeat("shop.", 40) + "example"
	for _, c := range []struct{ origin, host, sameOrigin, sameHost string }{
		{"10.0.0.1:80", "shop.example", "10.0.0.1:80", "SHOP.example.:443"},
		{longOrigin, "shop.example", strings.ToUpper(longOrigin), "shop%2eexample"},
		{"10.0.0.1:80", longHost, "10.0.0.1:80", strings.ToUpper(longHost)},
		{"[::1]:80", "::1", "[0:0::1]:80", "[0:0:0:0:0:0:0:1]"},
	} {
		set := h.filter(proxyhook.Config{LimitKey: []string{"origin", "host"}})
		must(t, set.SetThreshold(c.origin, c.host, 0))
		configured := h.filter(proxyhook.Config{LimitKey: []string{"origin", "host"},
			Limits: limits.LimiterConfig{Overrides: map[string]uint32{"HTTP://" + c.origin + "/  " + strings.ToUpper(c.host): 0}}})
		if strings.Contains(c.host, ":") {
			must(t, configured.SetThreshold(c.sameOrigin, c.sameHost, 0))
		}
		for name, f := range map[string]*proxyhook.Filter{"set": set, "configured": configured} {
			if !drained(f, c.origin, c.host) || !drained(f, c.sameOrigin, c.sameHost) {
				t.Errorf("%s: %.20q of %.20q is admitted at a threshold of 0", name, c.host, c.origin)
			}
			if drained(f, c.origin, "other.example") {
				t.Errorf("%s: another host is drained with %.20q", name, c.host)
			}
		}
	}
}

// A throttled client gets the configured time in Retry-After.
func TestThrottledRequestsGetTheConfiguredRetryAfter(t *testing.T) {
	unsupervised(t)
	f := newHost(t).filter(proxyhook.Config{Policy: proxyhook.Thresholds{ThrottleBelow: 100},
		Limits: limits.LimiterConfig{RetryAfter: 7 * time.Second}})
	w := httptest.NewRecorder()
	f.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Retry-After"); w.Code != http.StatusTooManyRequests || got != "7" {
		t.Errorf("status %d, Retry-After %q, want 429 and 7", w.Code, got)
	}
}
