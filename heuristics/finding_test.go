package heuristics_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/heuristics"
)

func TestBound(t *testing.T) {
	for f := range heuristics.NumFindings {
		last := uint8(0)
		for score := uint8(1); score <= 99; score++ {
			got := f.Bound(score)
			low, high := uint8(1), uint8(29)
			switch f {
			case heuristics.NoFinding:
				low, high = score, score
			case heuristics.FindingUnknownClient:
				low, high = 40, 60
			case heuristics.FindingFirstFetch:
				low, high = 51, 60
			}
			if got < low || got > high || got < last {
				t.Errorf("%v: %d becomes %d after %d, want %d to %d, and no less than before", f, score, got, last, low, high)
			}
			last = got
		}
	}
	if got := heuristics.FindingUnknownClient.Bound(50); got != 50 {
		t.Errorf("the middle becomes %d", got)
	}
}

// Without a model's score, what is certain has one; what is not known stays so.
func TestBoundOfNoScore(t *testing.T) {
	for f := range heuristics.NumFindings {
		certain := f != heuristics.NoFinding && f != heuristics.FindingUnknownClient && f != heuristics.FindingFirstFetch
		if got := f.Bound(0); (got != 0) != certain {
			t.Errorf("%v: %d", f, got)
		}
	}
}

func TestNames(t *testing.T) {
	names := heuristics.Names()
	if len(names) != int(heuristics.NumFindings)-1 || slices.Contains(names, "") || slices.Contains(names, "none") {
		t.Fatalf("%q", names)
	}
	for i, name := range names {
		if got := heuristics.Finding(i + 1).String(); got != name || slices.Index(names, name) != i {
			t.Errorf("%q: %q, or twice", name, got)
		}
	}
	if got := heuristics.NumFindings.String(); got != "unknown" {
		t.Error(got)
	}
}

func TestUnknownNameIsAnError(t *testing.T) {
	_, err := heuristics.New([]string{"headless", "hedless"})
	if err == nil || !strings.Contains(err.Error(), `"hedless"`) || !strings.Contains(err.Error(), "declared_crawler") {
		t.Errorf("%v: it should name what is wrong, and what there is", err)
	}
	if _, err := heuristics.New(heuristics.Names()); err != nil {
		t.Error(err)
	}
}
