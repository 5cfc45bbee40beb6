package featurestore_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// One process publishes a table, others read features by name. A feature that fades does so as time
// passes, without another publication.
func Example() {
	dir, err := os.MkdirTemp("", "featurestore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "features")
	schema := featurestore.Schema{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{
		{Name: "requests", Decay: time.Minute}, {Name: "errors"},
	}}}}

	publisher, err := featurestore.OpenPublisher(path, schema, featurestore.PublisherConfig{Capacity: []int{1000}})
	if err != nil {
		log.Fatal(err)
	}
	defer publisher.Close()
	const client = 0x5eed // the hash of an address, with publisher.Seed
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	if err := publisher.Put(0, client, now.UnixNano(), []float32{120, 7}); err != nil {
		log.Fatal(err)
	}
	if err := publisher.Publish(now.UnixNano()); err != nil {
		log.Fatal(err)
	}

	store, err := featurestore.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	selection := store.Select([]string{"ip"}, []string{"ip/requests", "ip/errors", "ip/color"})
	values := make([]float32, 3)
	for _, later := range []time.Duration{0, time.Minute} {
		info, err := selection.Read(values, []uint64{client}, now.Add(later).UnixNano())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("after %v: %.1f, %d unknown\n", later, values, info.Unknown)
	}
	// Output:
	// after 0s: [120.0 7.0 NaN], 1 unknown
	// after 1m0s: [44.1 7.0 NaN], 1 unknown
}
