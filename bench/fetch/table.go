package fetch

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// table is headgate's own. It is read through the files that a proxy would read, while a publisher changes one row in a hundred and publishes
// that every second; the other stores get no writes at all.
type table struct {
	publisher *featurestore.Publisher
	store     *featurestore.Store
	selection *featurestore.Selection
	stop      chan struct{}
	stopped   chan error
}

func schema() (s featurestore.Schema, names, dimensionNames []string) {
	for d := range dimensions {
		dimension := featurestore.Dimension{Name: fmt.Sprintf("d%d", d)}
		for c := range columns {
			dimension.Columns = append(dimension.Columns, featurestore.Column{Name: fmt.Sprintf("c%d", c)})
			names = append(names, fmt.Sprintf("d%d/c%d", d, c))
		}
		s.Dimensions = append(s.Dimensions, dimension)
		dimensionNames = append(dimensionNames, dimension.Name)
	}
	return s, names, dimensionNames
}

func makeTable(dir string, keys int) (store, error) {
	s, names, dimensionNames := schema()
	path := filepath.Join(dir, "features")
	publisher, err := featurestore.OpenPublisher(path, s, featurestore.PublisherConfig{Capacity: []int{keys}})
	if err != nil {
		return nil, err
	}
	t := &table{publisher: publisher, stop: make(chan struct{}), stopped: make(chan error, 1)}
	if err := t.fill(keys); err != nil {
		t.close()
		return nil, err
	}
	if t.store, err = featurestore.Open(path); err != nil {
		t.close()
		return nil, err
	}
	if err := t.settle(); err != nil {
		t.store.Close()
		publisher.Close()
		return nil, err
	}
	t.selection = t.store.Select(dimensionNames, names)
	go func() { t.stopped <- t.keepPublishing(keys) }()
	return t, nil
}

func (t *table) fill(keys int) error {
	now := time.Now().UnixNano()
	for d := range dimensions {
		for i := range keys {
			if err := t.put(d, i, now); err != nil {
				return err
			}
		}
	}
	return t.publisher.Publish(now)
}

// settle publishes into both copies and reads all of them, so that what is measured is a table that has been in use for a while.
func (t *table) settle() error {
	for range 2 {
		if err := t.publisher.Publish(time.Now().UnixNano()); err != nil {
			return err
		}
		if err := t.store.View((*featurestore.Table).Verify); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) put(d, i int, now int64) error {
	var row [columns]float32
	key := keyOf(d, i)
	for c := range row {
		row[c] = valueOf(key, c)
	}
	return t.publisher.Put(d, key, now, row[:])
}

// keepPublishing spreads the changes of a second over it, as events come.
func (t *table) keepPublishing(keys int) error {
	const beats = 100
	ticker := time.NewTicker(time.Second / beats)
	defer ticker.Stop()
	for beat := uint64(0); ; beat++ {
		select {
		case <-t.stop:
			return nil
		case <-ticker.C:
		}
		now := time.Now().UnixNano()
		for n := range uint64(dimensions * keys / (100 * beats)) {
			if err := t.put(int(n%dimensions), int(mix(beat<<32|n)%uint64(keys)), now); err != nil {
				return err
			}
		}
		if beat%beats == 0 {
			if err := t.publisher.Publish(now); err != nil {
				return err
			}
		}
	}
}

func (t *table) fetch(keys *[dimensions]uint64, dst []float32, now int64) error {
	info, err := t.selection.Read(dst, keys[:], now)
	if err == nil && info.Found != dimensions {
		err = fmt.Errorf("%d of %d keys were found", info.Found, dimensions)
	}
	return err
}

func (t *table) close() {
	if t.store != nil {
		close(t.stop)
		if err := <-t.stopped; err != nil {
			fmt.Fprintf(os.Stderr, "bench: the publisher failed: %v\n", err)
		}
		t.store.Close()
	}
	t.publisher.Close()
}
