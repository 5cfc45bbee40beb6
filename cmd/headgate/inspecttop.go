package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// heaviest is the output of inspect --top: the keys with the largest values of one feature.
type heaviest struct {
	Feature string        `json:"feature"`
	Unit    string        `json:"unit"`
	Keys    int           `json:"keys"`  // of the dimension
	Known   int           `json:"known"` // of those, the keys with a value
	Top     []weightedKey `json:"top"`
}

// weightedKey is one of these keys. Its value has faded until now.
type weightedKey struct {
	key        uint64   // in the table
	Key        shownKey `json:"key"`
	Value      float32  `json:"value"`
	AgeSeconds float64  `json:"age_seconds"` // since the key's last event
}

func (c *inspectCommand) printTop(w io.Writer, table *featurestore.Table) error {
	d, column, err := findColumn(table.Schema, c.Top)
	if err != nil {
		return usageError{fmt.Errorf("inspect: --top %s: %w; the features are listed by: headgate inspect %s", c.Top, err, c.Dir)}
	}
	found := findHeaviest(table, d, column, c.Count, time.Now().UnixNano())
	if c.JSON {
		return json.NewEncoder(w).Encode(found)
	}
	fmt.Fprintf(w, "%s, in %s: %d of %d keys with a value, of %d\n", found.Feature, found.Unit, len(found.Top), found.Known, found.Keys)
	for i, k := range found.Top {
		fmt.Fprintf(w, "%6d  %v  %12.5g  last event %s\n", i+1, k.Key, k.Value, ago(k.AgeSeconds))
	}
	return nil
}

// findColumn resolves dimension/feature.
func findColumn(s featurestore.Schema, name string) (dimension, column int, err error) {
	first, second, _ := strings.Cut(name, "/")
	var known []string
	for i, d := range s.Dimensions {
		if d.Name != first {
			known = append(known, d.Name)
			continue
		}
		for j, c := range d.Columns {
			if c.Name == second {
				return i, j, nil
			}
		}
		return 0, 0, fmt.Errorf("dimension %s has no feature %q", first, second)
	}
	return 0, 0, fmt.Errorf("no dimension %q is published, there are %s", first, strings.Join(known, ", "))
}

// findHeaviest reads all keys of a dimension. It keeps at most twice as many as needed.
func findHeaviest(table *featurestore.Table, dimension, column, count int, now int64) heaviest {
	d := table.Schema.Dimensions[dimension]
	c := d.Columns[column]
	found := heaviest{Feature: d.Name + "/" + c.Name, Unit: c.Unit, Keys: table.Keys(dimension), Top: []weightedKey{}}
	table.Each(dimension, func(key uint64, stamp int64, row []float32) {
		value := row[column] * featurestore.Decay(now-stamp, c.Decay)
		if value != value {
			return
		}
		found.Known++
		found.Top = append(found.Top, weightedKey{key: key, Value: value, AgeSeconds: time.Duration(now - stamp).Seconds()})
		if len(found.Top) >= 2*count {
			found.keep(count)
		}
	})
	found.keep(count)
	found.show(newKeyShower(table, dimension))
	return found
}

// show sets the shown keys, and sorts keys of equal values by them, so that the table's own keys do
// not show in the order.
func (h *heaviest) show(shower *keyShower) {
	for i := range h.Top {
		h.Top[i].Key = shower.show(h.Top[i].key)
	}
	slices.SortFunc(h.Top, func(a, b weightedKey) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Key, b.Key))
	})
}

// keep keeps the heaviest keys; of equal ones those with the lower keys, so that the result is
// always the same.
func (h *heaviest) keep(count int) {
	slices.SortFunc(h.Top, func(a, b weightedKey) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.key, b.key))
	})
	h.Top = h.Top[:min(count, len(h.Top))]
}
