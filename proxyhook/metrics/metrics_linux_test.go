package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/proxyhook/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func newFilter(t *testing.T, c proxyhook.Config) *proxyhook.Filter {
	t.Helper()
	c.Dir = t.TempDir() // without a daemon
	f, err := proxyhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// scrape returns what Prometheus would read.
func scrape(t *testing.T, f *proxyhook.Filter) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(f))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// A filter serves requests; what is scraped is what its Stats say, and nothing of the clients.
func TestWhatAFilterCountsIsScraped(t *testing.T) {
	f := newFilter(t, proxyhook.Config{
		Policy: proxyhook.Thresholds{TagBelow: 100}, ShadowPolicy: proxyhook.Thresholds{DenyBelow: 100},
		Limits: limits.LimiterConfig{Threshold: 1},
	})
	origin := httptest.NewServer(f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})))
	defer origin.Close()
	empty := strings.Count(scrape(t, f), "\n")
	const requests = 40
	for i := range requests {
		r, _ := http.NewRequest("GET", fmt.Sprint(origin.URL, "/secret-", i), nil)
		r.Header.Set("User-Agent", fmt.Sprint("secret-", i))
		response, err := origin.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	ev := traffic.Event{Host: "secret.example"}
	_, ok := f.Admit(&ev, "secret-origin", &limits.TicketState{})
	if _, again := f.Admit(&ev, "secret-origin", &limits.TicketState{}); !ok || again {
		t.Fatal("the second request to the origin was to be refused")
	}
	text := scrape(t, f)
	for _, want := range []string{
		`headgate_filter_decisions_total{action="tag"} 40`,
		`headgate_filter_decisions_total{action="deny"} 0`,
		`headgate_filter_reasons_total{reason="scored"} 40`,
		`headgate_filter_shadow_decisions_total{action="tag",shadow="deny"} 40`,
		`headgate_filter_scored_total 40`,
		`headgate_filter_no_features_total 40`,
		`headgate_filter_refused_total{reason="over_threshold"} 1`,
		`headgate_filter_admitted_total 1`,
		`headgate_filter_in_flight 1`,
		`headgate_filter_decide_duration_seconds_count 40`,
		`headgate_filter_decide_duration_seconds_bucket{le="+Inf"} 40`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no line %s", want)
		}
	}
	if strings.Contains(text, "secret") || strings.Contains(text, "127.0.0.1") {
		t.Error("the metrics hold what a client sent")
	}
	if lines := strings.Count(text, "\n"); lines != empty {
		t.Errorf("%d lines after %d requests, %d before: the series are not a fixed set", lines, requests, empty)
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestNamesKeepToTheConventions(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, newFilter(t, proxyhook.Config{})))).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestEveryMetricIsInTheHandbook(t *testing.T) {
	handbook, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(scrape(t, newFilter(t, proxyhook.Config{}))) {
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, _, _ = strings.Cut(name, " ")
			if named++; !strings.Contains(string(handbook), "`"+name+"`") {
				t.Errorf("docs/operations.md does not name %s", name)
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d metrics", named)
	}
}

// A closed filter can still be asked, since the registry does not know.
func TestClosedFilterIsScraped(t *testing.T) {
	f := newFilter(t, proxyhook.Config{})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if text := scrape(t, f); !strings.Contains(text, "headgate_filter_scored_total 0") {
		t.Error(text)
	}
}
