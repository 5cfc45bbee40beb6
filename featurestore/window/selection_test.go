package window_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// allNames are all features, in an order of their own, with some that there are not.
func allNames(rng *rand.Rand) []string {
	names := []string{"none/age", "ip/none", "request/method", "", "ip"}
	for _, f := range traffic.Catalog() {
		names = append(names, f.FullName())
	}
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return append(names, names[:5]...)
}

// Offline and online are one: straight from the Aggregator come the very bits that a reader of the
// publication gets, for every key, at the time of the publication and later, and also for a reader
// whose clock is behind.
func TestSelectionEqualsPublication(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 14))
	path := filepath.Join(t.TempDir(), "features")
	a, s := newAggregator(t, window.Config{Idle: 24 * time.Hour}), newStream(14)
	p, err := featurestore.OpenPublisher(path, a.Schema(), featurestore.PublisherConfig{Capacity: a.Capacity()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	store, err := featurestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var dimensions []string
	for d := range traffic.NumDimensions {
		dimensions = append(dimensions, d.String())
	}
	names := allNames(rng)
	online, offline := store.Select(dimensions, names), a.Select(names)
	got, want := make([]float32, len(names)), make([]float32, len(names))
	for range 20 {
		observations := s.take(300)
		for _, o := range observations {
			a.Add(o)
		}
		a.Tick(s.now)
		if err := a.Publish(p, s.now); err != nil {
			t.Fatal(err)
		}
		observations = append(observations, &traffic.Observation{}, &traffic.Observation{Keys: traffic.Keys{1, 2, 3, 4, 5, 6, 7}})
		for _, o := range observations {
			now := s.now + []int64{0, 1, 1e6, 1e9, 1e12, 1e15, -1e9, -1e15}[rng.IntN(8)]
			info, err := online.Read(got, o.Keys[:], now)
			offline.Read(want, &o.Keys, now)
			if err != nil || info.Published != s.now || !sameValues(got, want) {
				t.Fatalf("%v at %d:\n%v, published\n%v", err, now-s.now, want, got)
			}
		}
	}
	if !slices.Equal(online.Unknown(), offline.Unknown()) || len(offline.Unknown()) < 5 {
		t.Errorf("unknown: %q and %q", online.Unknown(), offline.Unknown())
	}
}
