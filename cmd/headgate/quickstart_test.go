package main

import (
	"encoding/json"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/app/demo"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/models"
)

// quickstart runs the command with this test binary as the daemon, and returns its one JSON object.
func quickstart(t *testing.T, args ...string) map[string]any {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the daemon needs Linux: run this there")
	}
	t.Setenv(asMain, "1")
	status, out, errOut := run(t, append([]string{"quickstart", "--json"}, args...)...)
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, errOut)
	}
	d := json.NewDecoder(strings.NewReader(out))
	d.UseNumber()
	var summary map[string]any
	if err := d.Decode(&summary); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("something follows the object: %q", out)
	}
	return summary
}

// number returns a member of a summary.
func number(t *testing.T, summary map[string]any, name string) int64 {
	t.Helper()
	n, ok := summary[name].(json.Number)
	if !ok {
		t.Fatalf("%s is %v", name, summary[name])
	}
	v, err := n.Int64()
	if err != nil || v < 0 {
		t.Errorf("%s is %v", name, n)
	}
	return v
}

// members are what a summary always has; truth is what it has of simulated traffic.
var (
	members = []string{"requests", "scored", "allowed", "flagged", "findings", "limited_503", "limited_origins", "decision_ns", "events_dropped", "failed"}
	truth   = []string{"bots_sent", "bots_flagged", "people_sent", "people_flagged"}
)

func checkSummary(t *testing.T, summary map[string]any, want []string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(summary)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("members %q, want %q", got, want)
	}
	requests, scored := number(t, summary, "requests"), number(t, summary, "scored")
	if requests == 0 || scored != requests || number(t, summary, "failed") != 0 {
		t.Errorf("%d of %d requests scored, %v failed", scored, requests, summary["failed"])
	}
	if sum := number(t, summary, "allowed") + number(t, summary, "flagged"); sum != scored {
		t.Errorf("%d allowed or flagged, %d scored", sum, scored)
	}
	latency, _ := summary["decision_ns"].(map[string]any)
	if p50, p99 := number(t, latency, "p50"), number(t, latency, "p99"); len(latency) != 2 || p50 <= 0 || p99 < p50 {
		t.Errorf("decision_ns is %v", latency)
	}
	origins, ok := summary["limited_origins"].([]any)
	if !ok {
		t.Errorf("limited_origins is %v, want a list", summary["limited_origins"])
	}
	for _, name := range origins {
		if name != simulator.Search {
			t.Errorf("requests for %v were refused, which is fast", name)
		}
	}
	if limited := number(t, summary, "limited_503"); (limited > 0) != (len(origins) > 0) {
		t.Errorf("%d requests refused, for %v", limited, origins)
	}
}

func TestQuickstart(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends traffic for three seconds; run without -short")
	}
	summary := quickstart(t, "--for", "3s")
	checkSummary(t, summary, slices.Concat(members, truth))
	bots, people := number(t, summary, "bots_sent"), number(t, summary, "people_sent")
	if bots == 0 || people == 0 || bots+people != number(t, summary, "requests") {
		t.Errorf("%d requests of bots, %d of people", bots, people)
	}
	if flagged := number(t, summary, "bots_flagged") + number(t, summary, "people_flagged"); flagged != number(t, summary, "flagged") {
		t.Errorf("%d flagged of bots and people, %v in all", flagged, summary["flagged"])
	}
}

// A log is sent whole, but for what cannot be sent, and its truth is not known.
func TestQuickstartLog(t *testing.T) {
	log := append(smallLog(150), `192.0.2.1 - - [01/Apr/2026:00:10:00 +0000] "\x16\x03" 400 0 "-" "-"`+"\n"...)
	name := write(t, filepath.Join(t.TempDir(), "a.log"), log)
	summary := quickstart(t, "--log", name, "--speed", "1000", "--for", "1ms")
	checkSummary(t, summary, slices.Concat(members, []string{"malformed"}))
	if n := number(t, summary, "malformed"); n != 1 {
		t.Errorf("%d lines are said to be malformed, want 1", n)
	}
	if n := number(t, summary, "requests"); n != 150 {
		t.Errorf("%d requests sent, want the 150 that are HTTP", n)
	}
}

// The same model beside itself judges all requests, and judges them the same.
func TestQuickstartShadow(t *testing.T) {
	dir := t.TempDir()
	model := write(t, filepath.Join(dir, "shadow.cbm"), models.Default())
	log := write(t, filepath.Join(dir, "a.log"), smallLog(150))
	summary := quickstart(t, "--log", log, "--speed", "1000", "--shadow", model)
	checkSummary(t, summary, slices.Concat(members, []string{"malformed", "shadow"}))
	shadow, _ := summary["shadow"].(map[string]any)
	for name, want := range map[string]int64{"judged": 150, "flagged": number(t, summary, "flagged"), "flagged_of_allowed": 0,
		"allowed_of_flagged": 0, "failed": 0} {
		if got := number(t, shadow, name); got != want || len(shadow) != 5 {
			t.Errorf("the shadow's %s is %d, want %d: %v", name, got, want, shadow)
		}
	}
}

func TestQuickstartFails(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the daemon needs Linux: run this there")
	}
	t.Setenv(asMain, "1")
	model := write(t, filepath.Join(t.TempDir(), "m.cbm"), []byte("no model"))
	for _, flag := range []string{"--model", "--shadow"} {
		status, out, errOut := run(t, "quickstart", "--for", "1s", flag, model)
		if status != exitFailure || out != "" {
			t.Errorf("%s: exit status %d, printed %q", flag, status, out)
		}
		checkOneLine(t, flag, errOut, "quickstart: ", model)
	}
}

// A file without a request that can be sent is an error before anything is started.
func TestQuickstartRefusesWhatIsNoLog(t *testing.T) {
	for what, c := range map[string]struct{ content, want string }{
		"no log":  {"\x7fELF\x00\n\x00\n", "none of its 2 lines is an access log line"},
		"empty":   {"", "the log is empty"},
		"no HTTP": {`192.0.2.1 - - [01/Apr/2026:00:10:00 +0000] "\x16\x03" 400 0 "-" "-"` + "\n", "1 are not HTTP"},
	} {
		name := write(t, filepath.Join(t.TempDir(), "a.log"), []byte(c.content))
		status, out, errOut := run(t, "quickstart", "--log", name)
		if status != exitFailure || out != "" {
			t.Errorf("%s: exit status %d, printed %q", what, status, out)
		}
		checkOneLine(t, what, errOut, "quickstart: "+name+": ", c.want)
	}
}

// Sending ends when --for is over, also at a rate that no machine reaches.
func TestQuickstartEndsInTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the daemon needs Linux: run this there")
	}
	t.Setenv(asMain, "1")
	status, out, errOut := run(t, "quickstart", "--for", "300ms", "--rate", "1000000", "--json")
	var summary demo.Summary
	if err := json.Unmarshal([]byte(out), &summary); status != exitOK || err != nil {
		t.Fatalf("exit status %d, %v: %s%s", status, err, out, errOut)
	}
	if !summary.CutShort || summary.Requests == 0 {
		t.Errorf("%d requests sent, cut short: %v", summary.Requests, summary.CutShort)
	}
}
