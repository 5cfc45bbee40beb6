package worlds_test

import (
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models/worlds"
)

func newSource(t testing.TB, c worlds.Config) pipeline.Source {
	t.Helper()
	s, err := worlds.NewSource(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func records(t testing.TB, s pipeline.Source) iter.Seq[*pipeline.Record] {
	return func(yield func(*pipeline.Record) bool) {
		for {
			var r pipeline.Record
			err := s.Next(&r)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(&r) {
				return
			}
		}
	}
}

// Each view contains what a proxy, or a log, of its kind knows, of the same requests with the same
// truth.
func TestViews(t *testing.T) {
	for seed := range uint64(8) {
		c := worlds.Config{Seed: seed, Duration: 3 * time.Minute, Rate: 10}
		var truths []string
		w := world(t, c)
		for r := w.Next(); r != nil; r = w.Next() {
			truths = append(truths, r.Truth.String())
		}
		for _, view := range worlds.Views {
			c.View = view
			i, ja4, wire, versions, headers := 0, 0, 0, map[uint8]bool{}, 0
			for r := range records(t, newSource(t, c)) {
				if i == len(truths) || r.Truth != truths[i] || len(strings.Split(r.Truth, ":")) != 6 {
					t.Fatalf("seed %d, %s: request %d has the truth %q", seed, view, i, r.Truth)
				}
				ev := &r.Event
				if i++; ev.JA4 != "" {
					ja4++
				}
				if ev.Wire != 0 {
					wire++
				}
				if ev.Facts.Has(traffic.FactHeadersKnown | traffic.FactClaimsKnown) {
					headers++
				}
				versions[ev.Version] = true
				if ev.Path == "" || ev.Method == "" || ev.Status == 0 || (ev.Host == "") != (view == worlds.Log) || r.Line != i {
					t.Fatalf("seed %d, %s: request %d: %+v", seed, view, i, ev)
				}
			}
			if i != len(truths) || (headers > 0) != (view != worlds.Log) || view == worlds.Behind && (len(versions) != 1 || !versions[11]) {
				t.Errorf("seed %d, %s: %d of %d requests, %d with header fields, versions %v", seed, view, i, len(truths), headers, versions)
			}
			if ja4 > 0 && view != worlds.JA4 && view != worlds.Wire || wire > 0 && view != worlds.Wire || view == worlds.Wire && wire < i {
				t.Errorf("seed %d, %s: %d JA4s and %d wires of %d requests", seed, view, ja4, wire, i)
			}
		}
	}
}

// The whole way from a source to an event. The time per request is measured by go test -bench
// Source.
func BenchmarkSource(b *testing.B) {
	seed := uint64(0)
	c := worlds.Config{View: worlds.Wire, Rate: 200}
	s := newSource(b, c)
	var r pipeline.Record
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Next(&r); err == io.EOF {
			b.StopTimer()
			seed++
			c.Seed = seed
			s = newSource(b, c)
			b.StartTimer()
		}
	}
}
