package suites

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/featurestore"
)

// Publish measures what a publication costs by the share of rows that changed and by the size of the table.
var Publish = harness.Suite{Name: "publish", About: "publication by changed rows and table size, against a full rewrite and a serialised map", Run: runPublish}

const publishedColumns = 32

func runPublish(r *harness.Run) error {
	peerDir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(peerDir)
	peer, err := startBuilt("mmap_sync_peer", filepath.Join(peerDir, "crate"))
	if err := r.Miss(err); err != nil {
		return err
	}
	if peer != nil {
		defer peer.Close()
	}
	sizes := []int{100_000, 1_000_000}
	if !r.Quick {
		sizes = append(sizes, 10_000_000)
	}
	for _, keys := range sizes {
		if err := comparePublish(r, peer, keys); err != nil {
			return err
		}
	}
	return nil
}

// maxSerialised bounds what the crate is asked to serialise: a map of ten million rows takes it some ten gigabytes.
const maxSerialised = 1_000_000

func comparePublish(r *harness.Run, peer *harness.Driver, keys int) error {
	dir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t, err := newPublishing(filepath.Join(dir, "changes"), keys)
	if err != nil {
		return err
	}
	defer t.publisher.Close()
	whole, err := newPublishing(filepath.Join(dir, "whole"), keys)
	if err != nil {
		return err
	}
	defer whole.publisher.Close()
	name := fmt.Sprintf("%s keys x %d", thousands(keys), publishedColumns)
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.1} {
		rows := int(share * float64(keys))
		implementations := []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) { return t.publish(rows) }}}
		if share == 0.01 {
			implementations = append(implementations, harness.Implementation{Name: harness.Headgate + ", full rewrite", Measure: whole.rewrite})
			if peer != nil && keys <= maxSerialised {
				implementations = append(implementations, asked("mmap-sync, a serialised map", peer, fmt.Sprintf("serialise %d 1", keys)))
			}
		}
		if err := r.Compare(fmt.Sprintf("%s, %g %% changed", name, 100*share), implementations); err != nil {
			return err
		}
	}
	return nil
}

// publishing is a table in which rows keep changing.
type publishing struct {
	publisher *featurestore.Publisher
	keys      int
	changed   uint64 // so far, for the choice of the next
}

func newPublishing(path string, keys int) (*publishing, error) {
	dimension := featurestore.Dimension{Name: "ip"}
	for c := range publishedColumns {
		dimension.Columns = append(dimension.Columns, featurestore.Column{Name: fmt.Sprintf("c%d", c)})
	}
	publisher, err := featurestore.OpenPublisher(path, featurestore.Schema{Dimensions: []featurestore.Dimension{dimension}},
		featurestore.PublisherConfig{Capacity: []int{keys}})
	if err != nil {
		return nil, err
	}
	t := &publishing{publisher: publisher, keys: keys}
	if _, err := t.rewrite(); err != nil {
		publisher.Close()
		return nil, err
	}
	if _, err := t.publish(keys / 100); err != nil { // the second copy is complete from here on
		publisher.Close()
		return nil, err
	}
	return t, nil
}

// publish changes rows at random and publishes them. What is measured is both, since putting a row is part of its publication.
func (t *publishing) publish(rows int) ([]harness.Measurement, error) {
	start := time.Now()
	now := start.UnixNano()
	var row [publishedColumns]float32
	for range rows {
		t.changed++
		row[0] = float32(t.changed)
		if err := t.publisher.Put(0, hashed(hashed(t.changed)%uint64(t.keys)), now, row[:]); err != nil {
			return nil, err
		}
	}
	err := t.publisher.Publish(now)
	return took(start, rows), err
}

// rewrite builds the table anew, as one without in-place updates is published.
func (t *publishing) rewrite() ([]harness.Measurement, error) {
	start := time.Now()
	now := start.UnixNano()
	t.publisher.Reset()
	var row [publishedColumns]float32
	for i := range t.keys {
		if err := t.publisher.Put(0, hashed(uint64(i)), now, row[:]); err != nil {
			return nil, err
		}
	}
	err := t.publisher.Publish(now)
	return took(start, t.keys), err
}

func took(start time.Time, rows int) []harness.Measurement {
	return []harness.Measurement{{Metric: "time", Unit: "ns/op", Value: float64(time.Since(start)), N: int64(rows)}}
}

// hashed makes a number look like a key. It is never 0.
func hashed(n uint64) uint64 {
	k := keys(n)
	return k.next64() | 1
}

func thousands(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d million", n/1_000_000)
	}
	return fmt.Sprintf("%d thousand", n/1_000)
}
