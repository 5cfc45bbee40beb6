package pipeline_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
)

// The facts of a request in a log line, and the ones that stay unknown.
func TestFromEntry(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	head := `192.0.2.1 - - [02/Mar/2026:10:00:00 +0100] `
	base := traffic.Event{Time: at.UnixNano(), Method: "GET", Path: "/", Version: 11, Status: 200, Bytes: 17,
		Facts: traffic.FactAgentUnknown | traffic.FactHostUnknown | traffic.FactDurationUnknown}
	base.SetClient(netip.MustParseAddr("192.0.2.1"))
	const told = traffic.FactRefererKnown | traffic.FactHostUnknown | traffic.FactDurationUnknown
	for _, c := range []struct {
		line   string
		change func(*traffic.Event)
	}{
		{`"GET / HTTP/1.1" 200 17`, func(e *traffic.Event) {}},
		{`"GET / HTTP/1.1" 200 17 "-" "-"`, func(e *traffic.Event) { e.Facts = told }},
		{`"GET / HTTP/1.1" 200 17 "http://a/" "b"`, func(e *traffic.Event) { e.Facts = told | traffic.FactReferer; e.UserAgent = "b" }},
		{`"GET /a?b=c&d HTTP/1.1" 200 17`, func(e *traffic.Event) { e.Path, e.Query = "/a", 5 }},
		{`"GET /a?b?c HTTP/1.1" 200 17`, func(e *traffic.Event) { e.Path, e.Query = "/a", 3 }},
		{`"GET ?a HTTP/1.1" 200 17`, func(e *traffic.Event) { e.Path, e.Query = "", 1 }},
		{`"GET http://a.test/b HTTP/1.1" 200 17`, func(e *traffic.Event) { e.Path = "/b" }}, // as a proxy sees it
		{`"CONNECT a.test:443 HTTP/1.0" 405 0`, func(e *traffic.Event) {
			e.Method, e.Path, e.Version, e.Status, e.Bytes = "CONNECT", "a.test:443", 10, 405, 0
		}},
		{`"GET / HTTP/2" 200 17`, func(e *traffic.Event) { e.Version = 20 }},
		{`"GET / HTTP/3.0" 200 17`, func(e *traffic.Event) { e.Version = 30 }},
		{`"GET / HTTP/0.9" 200 17`, func(e *traffic.Event) { e.Version = 9 }},
		{`"GET / HTTP/.1" 200 17`, func(e *traffic.Event) { e.Version = 0 }},
		{`"GET / HTTP/1.1.1" 200 17`, func(e *traffic.Event) { e.Version = 10 }},
		{`"\x16\x03?a" 400 -`, func(e *traffic.Event) {
			e.Method, e.Path, e.Version, e.Status, e.Bytes = "", "\x16\x03?a", 0, 400, 0
		}},
		{`"" - 0`, func(e *traffic.Event) { e.Method, e.Path, e.Version, e.Status, e.Bytes = "", "", 0, 0, 0 }},
		{`"-" 408 0`, func(e *traffic.Event) { e.Method, e.Path, e.Version, e.Status, e.Bytes = "", "", 0, 408, 0 }},
		{`"` + strings.Repeat("M", 20) + ` / HTTP/1.1" 200 17`, func(e *traffic.Event) { e.Method = strings.Repeat("M", 16) }},
		{`"GET /` + strings.Repeat("p", 300) + ` HTTP/1.1" 200 17`, func(e *traffic.Event) { e.SetPath("/" + strings.Repeat("p", 300)) }},
	} {
		want := base
		c.change(&want)
		if got := parseEvent(t, head+c.line); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.line, got, want)
		}
	}
}

func parseEvent(t *testing.T, line string) traffic.Event {
	t.Helper()
	r, err := accesslog.NewReader(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	var e accesslog.Entry
	if err := r.Next(&e); err != nil {
		t.Fatal(err)
	}
	ev := traffic.Event{Session: 1, Refused: true} // left over from another event
	pipeline.FromEntry(&ev, &e)
	return ev
}

// A log of the common format has no user agent: features that depend on it are unknown, not those
// of a client that sent none.
func TestUnknownAgentIsNotNone(t *testing.T) {
	const common, none = `192.0.2.1 - - [02/Mar/2026:10:00:0%d +0000] "GET / HTTP/1.1" 200 17` + "\n", `192.0.2.1 - - [02/Mar/2026:10:00:0%d +0000] "GET / HTTP/1.1" 200 17 "-" "-"` + "\n"
	names := []string{"request/agent_length", "request/agent_mozilla", "request/agent_products", "request/agent_digits", "request/agent_comment",
		"request/agent_missing", "ip/distinct_agents_10m", "ip_ua/requests_1h", "ip/requests_1h", "request/path_length"}
	for format, known := range map[string]bool{common: false, none: true} {
		var log strings.Builder
		for second := range 3 {
			fmt.Fprintf(&log, format, 2*second)
		}
		source, err := pipeline.FromLog(strings.NewReader(log.String()))
		if err != nil {
			t.Fatal(err)
		}
		p := newPipeline(t, pipeline.Config{Features: names})
		var values []float32
		for range 3 {
			var r pipeline.Record
			if err := source.Next(&r); err != nil {
				t.Fatal(err)
			}
			values = slices.Clone(p.Score(&r.Event).Features)
		}
		for i, name := range names {
			if isKnown := values[i] == values[i]; isKnown != (known || i >= 8) {
				t.Errorf("%q: %s is %v", format, name, values[i])
			}
		}
	}
}
