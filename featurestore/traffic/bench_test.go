package traffic_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// benchEvents are what a site gets: other paths, few agents, some thousand clients.
func benchEvents() []traffic.Event {
	rng := rand.New(rand.NewPCG(9, 9))
	events := make([]traffic.Event, 1024)
	for i := range events {
		events[i] = traffic.Event{Time: int64(i), Method: "GET", Host: "www.example.net", Path: "/shop/item-" + string(rune('a'+rng.IntN(26))) + ".html",
			UserAgent: firefox, Headers: 14, Version: 20, Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown | traffic.FactReferer,
			JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1", Session: rng.Uint64(), Status: 200, Bytes: 9000, Duration: 12e6,
			Client: [16]byte{10: 0xff, 11: 0xff, 12: 10, 14: byte(rng.Uint32()), 15: byte(rng.Uint32())}}
	}
	return events
}

// BenchmarkDecodeAndObserve is what the daemon does with an event before it folds it.
func BenchmarkDecodeAndObserve(b *testing.B) {
	var encoded [][]byte
	for _, ev := range benchEvents() {
		encoded = append(encoded, marshal(b, &ev))
	}
	var ev traffic.Event
	var o traffic.Observation
	d := traffic.NewDecoder()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := d.Decode(encoded[i%len(encoded)], &ev); err != nil {
			b.Fatal(err)
		}
		ev.Bound()
		traffic.Observe(&ev, 1, &o)
	}
}

// BenchmarkRequestFeatures computes all of them; a model that asks for fewer pays less.
func BenchmarkRequestFeatures(b *testing.B) {
	events := benchEvents()
	var values [traffic.NumRequestFeatures]float32
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		traffic.RequestFeatures(&events[i%len(events)], &values)
	}
}
