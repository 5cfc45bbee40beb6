package window

import (
	"fmt"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
)

// Config says what an Aggregator keeps. The zero value is ready for use.
type Config struct {
	Features []traffic.Feature // default: traffic.Catalog()
	MaxKeys  int               // keys kept per dimension; default 131,072
	Idle     time.Duration     // a key idle for longer is dropped; default 3 h
}

// Aggregator folds observations into a row of features for each key of each dimension. It is for one goroutine.
type Aggregator struct {
	features   []traffic.Feature
	schema     featurestore.Schema
	dimensions []traffic.Dimension // of the schema, in its order
	tables     [traffic.NumDimensions]*table
	idle       int64
	expired    int64 // the full minute at which idle keys were dropped last
	row        []float32
	sizes      []int
}

// Stats are an Aggregator's counts.
type Stats struct {
	Keys    [traffic.NumDimensions]int    // keys kept now
	Evicted [traffic.NumDimensions]uint64 // keys that made place for others
	Expired [traffic.NumDimensions]uint64 // keys dropped for idleness
}

// New makes an empty Aggregator.
func New(config Config) (*Aggregator, error) {
	if config.Features == nil {
		config.Features = traffic.Catalog()
	}
	if config.MaxKeys == 0 {
		config.MaxKeys = 1 << 17
	}
	if config.Idle == 0 {
		config.Idle = 3 * time.Hour
	}
	if config.MaxKeys < 0 || config.MaxKeys > 1<<31-1 || config.Idle < 0 {
		return nil, fmt.Errorf("window: %d keys idle for %v: both must be positive", config.MaxKeys, config.Idle)
	}
	a := &Aggregator{features: config.Features, idle: int64(config.Idle)}
	for _, f := range a.features {
		if f.Dimension >= traffic.NumDimensions {
			return nil, fmt.Errorf("window: feature %s is of the unknown dimension %d", f.Name, uint8(f.Dimension))
		}
	}
	for d := range traffic.NumDimensions {
		if err := a.addDimension(d, config.MaxKeys); err != nil {
			return nil, fmt.Errorf("window: %w", err)
		}
	}
	if _, err := featurestore.NewBuilder(a.schema, 0); err != nil { // what is kept can be published
		return nil, fmt.Errorf("window: %w", err)
	}
	return a, nil
}

func (a *Aggregator) addDimension(d traffic.Dimension, maxKeys int) error {
	var features []traffic.Feature
	dimension := featurestore.Dimension{Name: d.String()}
	for _, f := range a.features {
		if f.Dimension == d {
			features = append(features, f)
			dimension.Columns = append(dimension.Columns, columnOf(f))
		}
	}
	if len(features) == 0 {
		return nil
	}
	p, err := newPlan(features)
	if err != nil {
		return err
	}
	a.tables[d] = newTable(p, maxKeys)
	a.dimensions = append(a.dimensions, d)
	a.schema.Dimensions = append(a.schema.Dimensions, dimension)
	if len(features) > len(a.row) {
		a.row = make([]float32, len(features))
	}
	return nil
}

func columnOf(f traffic.Feature) featurestore.Column {
	c := featurestore.Column{Name: f.Name, Unit: f.Unit}
	if f.Decays() {
		c.Decay = f.Fold.Window
	}
	return c
}

// Schema names what the Aggregator publishes.
func (a *Aggregator) Schema() featurestore.Schema { return a.schema }

// Add folds an observation into the rows of its keys.
func (a *Aggregator) Add(o *traffic.Observation) {
	for _, d := range a.dimensions {
		if key := o.Keys[d]; key != 0 {
			a.tables[d].add(key, o)
		}
	}
}

// Tick drops idle keys; it is to be called before every publication, with its time. It looks through the tables once
// a minute, at full minutes, so that a replay that ticks at other instants drops the same keys. A clock that was set
// back starts a new minute.
func (a *Aggregator) Tick(now int64) {
	minute := now - now%int64(time.Minute)
	if minute == a.expired {
		return
	}
	a.expired = minute
	if before := minute - a.idle; before < minute { // else it is before anything that an int64 can tell
		for _, d := range a.dimensions {
			a.tables[d].expire(before)
		}
	}
}

// Row writes the features of a key to dst, which must have room for one value for each column of the dimension, as of
// the key's last event, whose time it gives. A key that is not kept is not ok.
func (a *Aggregator) Row(d traffic.Dimension, key uint64, dst []float32) (last int64, ok bool) {
	if d >= traffic.NumDimensions || a.tables[d] == nil || key == 0 {
		return 0, false
	}
	t := a.tables[d]
	place, ok := t.index[key]
	if !ok {
		return 0, false
	}
	t.plan.row(dst, t.cell(place), t.last[place])
	return t.last[place], true
}

// Capacity is what a Publisher has to have room for: the number of keys kept in each dimension of the schema.
func (a *Aggregator) Capacity() []int {
	var capacity []int
	for _, d := range a.dimensions {
		capacity = append(capacity, a.tables[d].maxKeys)
	}
	return capacity
}

// Publish builds a table of all rows and publishes it as of now.
func (a *Aggregator) Publish(p *featurestore.Publisher, now int64) error {
	p.Reset()
	if err := a.putAll(p.Put); err != nil {
		return err
	}
	return p.Publish(now)
}

// Build puts all rows into an image that is published at now.
func (a *Aggregator) Build(b *featurestore.Builder, now int64) error {
	a.sizes = a.sizes[:0]
	for _, d := range a.dimensions {
		a.sizes = append(a.sizes, len(a.tables[d].index))
	}
	if err := b.Begin(now, a.sizes); err != nil {
		return err
	}
	return a.putAll(b.Put)
}

func (a *Aggregator) putAll(put func(dimension int, key uint64, stamp int64, row []float32) error) error {
	for i, d := range a.dimensions {
		t := a.tables[d]
		row := a.row[:len(t.plan.columns)]
		for place, key := range t.keys {
			if key == 0 {
				continue
			}
			t.plan.row(row, t.cell(uint32(place)), t.last[place])
			if err := put(i, key, t.last[place], row); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stats gives the counts.
func (a *Aggregator) Stats() Stats {
	var s Stats
	for _, d := range a.dimensions {
		t := a.tables[d]
		s.Keys[d], s.Evicted[d], s.Expired[d] = len(t.index), t.evicted, t.expired
	}
	return s
}
