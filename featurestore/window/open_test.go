package window_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// observed is what an event tells.
func observed(ev traffic.Event) *traffic.Observation {
	var o traffic.Observation
	traffic.Observe(&ev, seed, &o)
	return &o
}

// openEvent is a client's request of a duration, of which some was told before.
func openEvent(duration, told time.Duration, open bool) traffic.Event {
	ev := traffic.Event{Time: noon, Method: "GET", Host: "a.example", Session: 7, UserAgent: "x", Open: open,
		Duration: uint64(duration), Reported: uint64(told), Path: "/stream"}
	ev.Client[15] = 9
	return ev
}

var openFeatures = []string{"ip/open_10s", "net/open_10s", "host/open_10s", "session/open_10s"}

// readAll reads features of a request's keys as of a time after it began.
func readAll(a *window.Aggregator, names []string, after time.Duration) []float32 {
	dst := make([]float32, len(names))
	o := observed(openEvent(0, 0, false))
	a.Select(names).Read(dst, &o.Keys, noon+int64(after))
	return dst
}

// Two hundred streams are seen after seconds, long before one of them ends, and fade when they are
// told of no more.
func TestOpenRequestsShowBeforeTheyEnd(t *testing.T) {
	a := newAggregator(t, window.Config{})
	for second := range time.Duration(3) {
		for range 200 {
			o := observed(openEvent((second+1)*time.Second, second*time.Second, true))
			a.Add(o)
		}
	}
	want := 200 * (1 - math.Exp(-0.3))
	for i, got := range readAll(a, openFeatures, 3*time.Second) {
		if math.Abs(float64(got)-want) > 0.01*want {
			t.Errorf("%s: %v, want %v", openFeatures[i], got, want)
		}
	}
	if got := readAll(a, openFeatures, 63*time.Second); got[0] > 0.5 {
		t.Errorf("a minute later: %v", got)
	}
	if n := a.Stats().Keys[traffic.DimUserAgent]; n != 0 {
		t.Errorf("reports made %d rows of a dimension that does not count open requests", n)
	}
}

// However the time that a request was open is divided into reports: the value is the same, but for
// rounding.
func TestOpenTimeMayBeToldInAnyParts(t *testing.T) {
	for _, reports := range [][]time.Duration{{}, {7}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {2, 9}} {
		a, told := newAggregator(t, window.Config{}), time.Duration(0)
		for _, at := range reports {
			a.Add(observed(openEvent(at*time.Second, told, true)))
			told = at * time.Second
		}
		a.Add(observed(openEvent(9500*time.Millisecond, told, false)))
		got := readAll(a, append(openFeatures, "ip/requests_1m"), 9500*time.Millisecond)
		want := 1 - math.Exp(-0.95)
		if math.Abs(float64(got[0])-want) > 1e-3 { // stamps are milliseconds
			t.Errorf("reports at %v: %v, want %v", reports, got[0], want)
		}
	}
}

// Requests of less than a second are told by their end alone, and count for nothing here.
func TestShortRequestsAreNotOpen(t *testing.T) {
	a := newAggregator(t, window.Config{})
	for range 100 {
		a.Add(observed(openEvent(999*time.Millisecond, 0, false)))
	}
	for i, got := range readAll(a, openFeatures, time.Second) {
		if got != 0 {
			t.Errorf("%s: %v", openFeatures[i], got)
		}
	}
}

// Reports change no other feature: what fades is the same but for rounding, and the rest has its
// bits.
func TestReportsChangeNothingElse(t *testing.T) {
	config := window.Config{Idle: 40 * time.Minute}
	with, without, s := newAggregator(t, config), newAggregator(t, config), newStream(77)
	var names []string
	var catalog []traffic.Feature
	for _, f := range traffic.Catalog() {
		if f.Fold.Kind != traffic.FoldOpen {
			names, catalog = append(names, f.FullName()), append(catalog, f)
		}
	}
	a, b := with.Select(names), without.Select(names)
	got, want := make([]float32, len(names)), make([]float32, len(names))
	for i := range 3000 {
		ev := s.event()
		ev.Duration = 0
		o := observed(ev)
		if i%3 > 0 { // the same client has something open, before its first event, too
			report := ev
			report.Open, report.Duration = true, uint64(time.Second)
			report.Time -= int64(time.Second) - int64(i%2)*int64(30*time.Second)
			with.Add(observed(report))
		}
		with.Add(o)
		without.Add(o)
		now := ev.Time + int64(2*time.Minute) // later than every event and report
		a.Read(got, &o.Keys, now)
		b.Read(want, &o.Keys, now)
		for k, f := range catalog {
			same := sameBits(got[k], want[k]) || got[k] != got[k] && want[k] != want[k]
			if f.Fade() > 0 {
				same = same || math.Abs(float64(got[k]-want[k])) <= 1e-3*math.Abs(float64(want[k]))+1e-20
			}
			if !same {
				t.Fatalf("event %d: %s is %v, without reports %v", i, names[k], got[k], want[k])
			}
		}
	}
}

// A checkpoint keeps what is open.
func TestRestoreKeepsOpenRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	a := newAggregator(t, window.Config{})
	for range 10 {
		a.Add(observed(openEvent(5*time.Second, 0, true)))
	}
	checkpoint(t, a, path)
	b := restored(t, window.Config{}, path)
	for _, c := range []*window.Aggregator{a, b} {
		c.Add(observed(openEvent(6*time.Second, 5*time.Second, true)))
	}
	want, got := readAll(a, openFeatures, 7*time.Second), readAll(b, openFeatures, 7*time.Second)
	for i := range want {
		if !sameBits(got[i], want[i]) || want[i] < 3 {
			t.Errorf("%s: %v, before the restart %v", openFeatures[i], got[i], want[i])
		}
	}
}
