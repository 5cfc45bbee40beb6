package window

import (
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
)

// Selection reads features by name straight from an Aggregator: offline, where nothing is
// published, it reads the values that a featurestore.Selection would read right after a
// publication.
type Selection struct {
	aggregator *Aggregator
	picks      []pick
	unknown    []string
	row        []float32
}

// pick is what is read from one dimension.
type pick struct {
	dimension traffic.Dimension
	columns   []pickColumn
}

type pickColumn struct {
	from, to int
	decay    time.Duration
}

// Select returns a selection of features by their full names.
func (a *Aggregator) Select(names []string) *Selection {
	s := &Selection{aggregator: a, row: make([]float32, len(a.row))}
	for to, name := range names {
		d, c, ok := a.find(name)
		if !ok {
			s.unknown = append(s.unknown, name)
			continue
		}
		p := s.pick(d)
		p.columns = append(p.columns, pickColumn{from: c.from, to: to, decay: c.decay})
	}
	return s
}

func (a *Aggregator) find(name string) (d traffic.Dimension, c pickColumn, ok bool) {
	dimension, column, _ := strings.Cut(name, "/")
	for i, sd := range a.schema.Dimensions {
		if sd.Name != dimension {
			continue
		}
		for from, sc := range sd.Columns {
			if sc.Name == column {
				return a.tables[i].dimension, pickColumn{from: from, decay: sc.Decay}, true
			}
		}
	}
	return 0, c, false
}

func (s *Selection) pick(d traffic.Dimension) *pick {
	for i := range s.picks {
		if s.picks[i].dimension == d {
			return &s.picks[i]
		}
	}
	s.picks = append(s.picks, pick{dimension: d})
	return &s.picks[len(s.picks)-1]
}

// Unknown returns the selected names that the Aggregator does not have.
func (s *Selection) Unknown() []string { return s.unknown }

// Read fills dst, which must have one value for each selected name, with the features of the given
// keys as of now; missing values are NaN. It allocates nothing.
func (s *Selection) Read(dst []float32, keys *traffic.Keys, now int64) {
	for i := range dst {
		dst[i] = nan
	}
	for i := range s.picks {
		p := &s.picks[i]
		last, ok := s.aggregator.Row(p.dimension, keys[p.dimension], s.row)
		if !ok {
			continue
		}
		elapsed := now - featurestore.Stamp(last)
		for _, c := range p.columns {
			dst[c.to] = s.row[c.from]
			if c.decay > 0 {
				dst[c.to] *= featurestore.Decay(elapsed, c.decay)
			}
		}
	}
}
