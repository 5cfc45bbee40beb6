package window_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// full returns an Aggregator with a stream's keys, and what was added.
func full(t *testing.T, config window.Config, events int) (*window.Aggregator, []*traffic.Observation) {
	t.Helper()
	a, s := newAggregator(t, config), newStream(31)
	observations := s.take(events)
	for _, o := range observations {
		a.Add(o)
	}
	return a, observations
}

// values returns the features of the last observation's keys by their full names, as of that
// observation.
func values(a *window.Aggregator, features []traffic.Feature, o *traffic.Observation) map[string]float32 {
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.FullName()
	}
	dst := make([]float32, len(names))
	a.Select(names).Read(dst, &o.Keys, o.Time)
	all := make(map[string]float32)
	for i, name := range names {
		all[name] = dst[i]
	}
	return all
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// Another catalog costs what was changed in it and nothing else: each feature that both releases
// keep has the bits that it had, for every key, whether the cells keep their places or are dealt
// anew.
func TestRestoreKeepsWhatBothKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	catalog := traffic.Catalog()
	renamed := slices.Clone(catalog)
	renamed[3].Name = "another_name"
	without := slices.DeleteFunc(slices.Clone(catalog), func(f traffic.Feature) bool {
		return strings.HasPrefix(f.Name, "distinct_paths") || f.Fold.Kind == traffic.FoldAge || f.Fold.Kind == traffic.FoldGapMin
	})
	reversed := slices.Clone(catalog)
	slices.Reverse(reversed)
	fewer := slices.DeleteFunc(slices.Clone(catalog), func(f traffic.Feature) bool { return f.Dimension == traffic.DimNet })
	for name, change := range map[string]struct{ from, to []traffic.Feature }{
		"a feature is renamed":   {catalog, renamed},
		"features are removed":   {catalog, without},
		"features are added":     {without, catalog},
		"another order":          {catalog, reversed},
		"a dimension is removed": {catalog, fewer},
		"a dimension is added":   {fewer, catalog},
	} {
		for _, size := range []int{0, 5000, 200_000} {
			a, observations := full(t, window.Config{Features: change.from}, 3000)
			checkpoint(t, a, path)
			b := newAggregator(t, window.Config{Features: change.to, MaxKeys: size})
			r, err := b.Restore(path)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			compared := 0
			for _, o := range observations[len(observations)-100:] {
				want, got := values(a, change.from, o), values(b, change.to, o)
				for _, f := range change.to {
					w, ok := want[f.FullName()]
					if !ok || slices.ContainsFunc(r.Missing, func(begun string) bool { return strings.HasPrefix(begun, f.Dimension.String()) }) &&
						(f.Fold.Kind == traffic.FoldGapMean || f.Fold.Kind == traffic.FoldGapVariation || f.Fold.Kind == traffic.FoldGapEntropy) {
						continue // gaps are one state, with the window of the shortest in its name
					}
					if compared++; !sameBits(got[f.FullName()], w) {
						t.Fatalf("%s, room for %d: %s is %v, was %v", name, size, f.FullName(), got[f.FullName()], w)
					}
				}
			}
			if compared < 5000 {
				t.Errorf("%s: only %d values compared", name, compared)
			}
			t.Logf("%s: begun %v, lost %v", name, r.Missing, r.Dropped)
		}
	}
}

// What is new begins as for a client that was never seen, and goes on from there: nothing is
// infinite or older than the last event, and the facts of a user agent are read with the next one.
func TestRestoreBeginsWhatIsNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	catalog := traffic.Catalog()
	requestsOnly := slices.DeleteFunc(slices.Clone(catalog), func(f traffic.Feature) bool { return f.Fold.Kind != traffic.FoldSum })
	a, observations := full(t, window.Config{Features: requestsOnly}, 500)
	checkpoint(t, a, path)
	b := restored(t, window.Config{}, path)
	next := *observations[len(observations)-1]
	got := values(b, catalog, &next)
	for _, f := range catalog {
		if v := got[f.FullName()]; v < 0 && f.Fold.Kind != traffic.FoldExcess || math.IsInf(float64(v), 0) || f.Fold.Kind == traffic.FoldAge && v > 0 ||
			(f.Fold.Kind == traffic.FoldAgent || f.Fold.Kind == traffic.FoldLast) && !math.IsNaN(float64(v)) {
			t.Errorf("%s is %v right after the restart", f.FullName(), v)
		}
	}
	next.Time += int64(time.Second)
	b.Add(&next)
	got = values(b, catalog, &next)
	facts := traffic.ParseAgent(next.Agent)
	for _, f := range catalog {
		v := got[f.FullName()]
		if f.Fold.Kind == traffic.FoldAgent && next.Keys[traffic.DimUserAgent] != 0 && !sameBits(v, facts[f.Fold.Fact]) {
			t.Errorf("%s is %v, want %v", f.FullName(), v, facts[f.Fold.Fact])
		}
		if f.Fold.Kind == traffic.FoldAge && !math.IsNaN(float64(v)) && (v < 0.999 || v > 1.001) {
			t.Errorf("%s is %v after one second", f.FullName(), v)
		}
	}
}

// The result names what was lost and what begins, so that it can be logged.
func TestRestoreTellsWhatIsNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	feature := func(name string, m traffic.Measure) traffic.Feature {
		return traffic.Feature{Dimension: traffic.DimIP, Name: name, Unit: "x", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Hour, Measure: m}}
	}
	a := newAggregator(t, window.Config{Features: []traffic.Feature{feature("a", traffic.MeasureRequests), feature("b", traffic.MeasureHeads)}})
	checkpoint(t, a, path)
	b := newAggregator(t, window.Config{Features: []traffic.Feature{feature("c", traffic.MeasureHeads), feature("d", traffic.MeasurePosts)}})
	r, err := b.Restore(path)
	if err != nil || !slices.Equal(r.Missing, []string{"ip sum posts 1h0m0s"}) || !slices.Equal(r.Dropped, []string{"ip sum requests 1h0m0s"}) {
		t.Errorf("%+v, %v", r, err)
	}
}
