package explain_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/explain"
)

// Every finding has its own words and bounds.
func TestFindings(t *testing.T) {
	seen := make(map[string]heuristics.Finding)
	for f := heuristics.NoFinding + 1; f < heuristics.NumFindings; f++ {
		words := explain.Finding(f, &traffic.Event{})
		if other, ok := seen[words]; words == "" || ok {
			t.Errorf("%v has the words %q, as has %v: add its own to findingWords in finding.go", f, words, other)
		}
		seen[words] = f
	}
	if words := explain.Finding(heuristics.NoFinding, &traffic.Event{}); words != "" {
		t.Errorf("no finding has the words %q", words)
	}
	for f, want := range map[heuristics.Finding]string{heuristics.FindingDamningPath: "at most 3", heuristics.FindingUnknownClient: "40 to 60"} {
		if got := explain.Bounds(f); got != want {
			t.Errorf("%v: %q, want %q", f, got, want)
		}
	}
}

// A forged user agent is explained by what contradicts it.
func TestForgedAgentInWords(t *testing.T) {
	ev := traffic.Event{
		Method: "GET", Host: "www.example.org", Path: "/", Version: 11, JA4: "t13d1812h1_85036bcba153_b26ce05bbdd6",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
		Facts:     traffic.FactHeadersKnown | traffic.FactRefererKnown | traffic.FactClaimsKnown,
	}
	f := heuristics.Rules{}.Request(&ev)
	words := explain.Finding(f, &ev)
	for _, want := range []string{"claims a browser", "library for programs", "no such TLS hello", "no Sec-Fetch fields"} {
		if !strings.Contains(words, want) {
			t.Errorf("%v: %q, want it to have %q", f, words, want)
		}
	}
}
