package window_test

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// Events in, features out. Time is the events' own.
func ExampleAggregator() {
	aggregator, err := window.New(window.Config{MaxKeys: 1000})
	if err != nil {
		log.Fatal(err)
	}
	const seed = 1 // of the keys' hash
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ev := traffic.Event{Method: "GET", Host: "www.example.com", Status: 404, Version: 11}
	ev.SetClient(netip.MustParseAddr("192.0.2.1"))
	var o traffic.Observation
	for i := range 30 {
		ev.Time = start.Add(time.Duration(i) * time.Second).UnixNano()
		ev.SetPath(fmt.Sprintf("/guess/%d", i))
		traffic.Observe(&ev, seed, &o)
		aggregator.Tick(ev.Time)
		aggregator.Add(&o)
	}

	selection := aggregator.Select([]string{"ip/requests_1m", "ip/distinct_paths_10m"})
	values := make([]float32, 2)
	keys := traffic.NewKeys(&ev, seed)
	selection.Read(values, &keys, ev.Time)
	fmt.Printf("%.1f requests, which fade; about %.0f paths, an estimate\n", values[0], values[1])
	// Output: 23.8 requests, which fade; about 28 paths, an estimate
}
