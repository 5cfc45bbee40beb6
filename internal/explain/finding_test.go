package explain_test

import (
	"testing"

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/explain"
)

// Every finding has words of its own and bounds.
func TestFindings(t *testing.T) {
	seen := make(map[string]heuristics.Finding)
	for f := heuristics.NoFinding + 1; f < heuristics.NumFindings; f++ {
		words := explain.Finding(f)
		if other, ok := seen[words]; words == "" || ok {
			t.Errorf("%v has the words %q, as has %v: add its own to findingWords in finding.go", f, words, other)
		}
		seen[words] = f
	}
	if words := explain.Finding(heuristics.NoFinding); words != "" {
		t.Errorf("no finding has the words %q", words)
	}
	for f, want := range map[heuristics.Finding]string{heuristics.DamningPath: "at most 3", heuristics.UnknownClient: "40 to 60"} {
		if got := explain.Bounds(f); got != want {
			t.Errorf("%v: %q, want %q", f, got, want)
		}
	}
}
