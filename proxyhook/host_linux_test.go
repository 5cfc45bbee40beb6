package proxyhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
	"github.com/headgate/headgate/proxyhook"
)

// host plays the daemon: it owns a headgate directory, publishes features and takes events.
type host struct {
	t          testing.TB
	dir        hostdir.Dir
	publisher  *featurestore.Publisher
	aggregator *window.Aggregator
	rings      *ring.Set
	reports    []traffic.Event // of requests that were still open, in the order of their coming
}

// maxKeys is enough for these tests.
const maxKeys = 4096

func newHost(t testing.TB) *host {
	t.Helper()
	h := &host{t: t, dir: hostdir.Dir(t.TempDir())}
	must(t, os.Mkdir(h.dir.Events(), 0o770))
	var err error
	h.aggregator, err = window.New(window.Config{MaxKeys: maxKeys})
	must(t, err)
	h.rings, err = ring.OpenSet(h.dir.Events())
	must(t, err)
	t.Cleanup(func() {
		h.rings.Close()
		h.stopPublisher()
	})
	return h
}

// publish folds events and publishes as of now.
func (h *host) publish(now time.Time, events ...traffic.Event) {
	h.t.Helper()
	if h.publisher == nil {
		var err error
		h.publisher, err = featurestore.OpenPublisher(h.dir.Features(), h.aggregator.Schema(),
			featurestore.PublisherConfig{Capacity: h.aggregator.Capacity()})
		must(h.t, err)
	}
	var o traffic.Observation
	for i := range events {
		traffic.Observe(&events[i], h.publisher.Seed(), &o)
		h.aggregator.Add(&o)
	}
	must(h.t, h.aggregator.Publish(h.publisher, now.UnixNano()))
}

func (h *host) stopPublisher() {
	if h.publisher != nil {
		h.publisher.Close()
		h.publisher = nil
	}
}

// events takes what waits in the rings. The reports of requests that are still open go to
// h.reports.
func (h *host) events() (events []traffic.Event) {
	h.t.Helper()
	must(h.t, h.rings.Scan())
	for h.rings.Poll(1000, func(payload []byte) {
		var ev traffic.Event
		if _, err := ev.UnmarshalMsg(payload); err != nil {
			h.t.Errorf("an event does not decode: %v", err)
		}
		if ev.Open {
			h.reports = append(h.reports, ev)
		} else {
			events = append(events, ev)
		}
	}) > 0 {
	}
	return events
}

// filter makes a filter of this host with the test's model.
func (h *host) filter(config proxyhook.Config) *proxyhook.Filter {
	h.t.Helper()
	config.Dir = string(h.dir)
	return newFilter(h.t, config)
}

// newFilter makes a filter with the test's model, and without heuristics unless the test says which
// it wants off: most tests are of what the model's score does, of requests by Go's client.
func newFilter(t testing.TB, config proxyhook.Config) *proxyhook.Filter {
	t.Helper()
	if config.HeuristicsOff == nil {
		config.HeuristicsOff = heuristics.Names()
	}
	if config.ModelFile == "" {
		config.ModelFile = writeModel(t, testModel)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	f, err := proxyhook.New(config)
	must(t, err)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

// unsupervised keeps the supervisors of filters made by this test from looking by themselves;
// Maintain and Warm have them look.
func unsupervised(t testing.TB) {
	proxyhook.SuperviseEvery(time.Hour)
	proxyhook.WarmEvery(time.Hour)
	proxyhook.ReportEvery(time.Hour)
	t.Cleanup(func() {
		proxyhook.ReportEvery(proxyhook.DefaultReportEvery)
		proxyhook.SuperviseEvery(testInterval)
		proxyhook.WarmEvery(proxyhook.DefaultWarmEvery)
	})
}

// testModel scores by the length of the query, and takes a client with many requests for a bot: see
// modelScore.
const testModel = `{"features_info":{"float_features":[
	{"flat_feature_index":0,"feature_id":"request/query_length","borders":[9.5,19.5,29.5,39.5]},
	{"flat_feature_index":1,"feature_id":"ip/requests_1m","borders":[5.5]}]},
	"oblivious_trees":[
	{"leaf_values":[0,1.35],"splits":[{"split_index":0}]},
	{"leaf_values":[0,0.93],"splits":[{"split_index":1}]},
	{"leaf_values":[0,1.19],"splits":[{"split_index":2}]},
	{"leaf_values":[0,2.21],"splits":[{"split_index":3}]},
	{"leaf_values":[0,20],"splits":[{"split_index":4}]}],
	"scale_and_bias":[1,[-2.2]]}`

// modelScore is testModel's score for tens of bytes of query, from a client about whom nothing is
// known.
var modelScore = [5]uint8{90, 70, 48, 22, 3}

// knownBot is its score for a client that was seen more than five times in the last minute.
const knownBot = 1

func writeModel(t testing.TB, document string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.json")
	must(t, os.WriteFile(path, []byte(document), 0o600))
	return path
}

// visit is a request of client number n, of the tens-th score.
func visit(n, tens int) traffic.Event {
	ev := traffic.Event{
		Method: "GET", Host: "www.example.com", Path: "/shop/item", Query: uint16(10 * tens), UserAgent: "Mozilla/5.0 (test)",
		Facts: traffic.FactHeadersKnown, Headers: 5, Version: 11, Session: uint64(n + 1), JA4: fmt.Sprint("t13d", n),
	}
	ev.Client = [16]byte{10: 0xff, 11: 0xff, 12: 10, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
	return ev
}

// visits are n requests of client 1, the last of them at now.
func visits(n int, now time.Time) (events []traffic.Event) {
	for i := range n {
		ev := visit(1, 0)
		ev.Time = now.Add(-time.Duration(n-1-i) * time.Millisecond).UnixNano()
		events = append(events, ev)
	}
	return events
}

// decide asks about client 1.
func decide(f *proxyhook.Filter) proxyhook.Decision {
	ev := visit(1, 0)
	return f.Decide(&ev)
}

// patience is how long a test waits for what must come. It is generous, since machines stall.
const patience = time.Minute

// await waits until something that another goroutine or process does has come about.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
