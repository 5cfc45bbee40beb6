package fetch

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/mmapsync"
)

// table is headgate's own: published by this process, read through the same files that a proxy would read.
type table struct {
	publisher *featurestore.Publisher
	store     *featurestore.Store
	selection *featurestore.Selection
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
	publisher, err := featurestore.OpenPublisher(path, s, mmapsync.WriterOptions{})
	if err != nil {
		return nil, err
	}
	t := &table{publisher: publisher}
	if err := t.fill(keys); err != nil {
		t.close()
		return nil, err
	}
	if t.store, err = featurestore.Open(path); err != nil {
		t.close()
		return nil, err
	}
	t.selection = t.store.Select(dimensionNames, names)
	return t, nil
}

func (t *table) fill(keys int) error {
	now := time.Now().UnixNano()
	if err := t.publisher.Begin(now, []int{keys, keys, keys, keys, keys}); err != nil {
		return err
	}
	var row [columns]float32
	for d := range dimensions {
		for i := range keys {
			key := keyOf(d, i)
			for c := range row {
				row[c] = valueOf(key, c)
			}
			if err := t.publisher.Put(d, key, now, row[:]); err != nil {
				return err
			}
		}
	}
	return t.publisher.Publish()
}

func (t *table) fetch(keys *[dimensions]uint64, dst []float32) error {
	info, err := t.selection.Read(dst, keys[:], time.Now().UnixNano())
	if err == nil && info.Found != dimensions {
		err = fmt.Errorf("%d of %d keys were found", info.Found, dimensions)
	}
	return err
}

func (t *table) close() {
	if t.store != nil {
		t.store.Close()
	}
	t.publisher.Close()
}
