package window

import (
	"fmt"
	"math"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
)

// Aggregator folds observations into a row of features for each key of each dimension. It is for
// one goroutine.
type Aggregator struct {
	config Config
	schema featurestore.Schema
	tables []*table // of the schema's dimensions, in its order
	intake *intake
	clock  *clock
	crew   *crew

	follower *follower // of the table that is published; nil: none was

	reference reference // of the last Clock
	expired   int64     // the full minute at which idle keys were dropped last
	now       int64     // of the last Tick, steady
	ticked    bool
	newest    int64 // time of the latest event, steady
	counts    counts
	row       []float32
	sizes     []int
}

// counts are the counts of Stats that are not of a shard.
type counts struct{ ahead, backward, unrestored uint64 }

// Stats are an Aggregator's counts.
type Stats struct {
	Keys    [traffic.NumDimensions]int    // keys kept now
	Evicted [traffic.NumDimensions]uint64 // keys that were replaced by others
	Expired [traffic.NumDimensions]uint64 // keys that were idle
	// events of keys without a row, in a dimension at least half full
	Waiting [traffic.NumDimensions]uint64
	// events more than a day after the last Tick, which get its time
	Ahead      uint64
	Backward   uint64 // events more than a minute before an earlier one
	Unrestored uint64 // keys of a checkpoint for which there was no room
}

// Bounds of the times of events. The daemon already cuts times that are seconds ahead of its clock.
const (
	maxAhead    = int64(24 * time.Hour)
	maxBackward = int64(time.Minute)
)

// New returns an empty Aggregator.
func New(config Config) (*Aggregator, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	a := &Aggregator{config: config, clock: new(clock), newest: math.MinInt64}
	for d := range traffic.NumDimensions {
		if err := a.addDimension(d); err != nil {
			return nil, fmt.Errorf("window: %w", err)
		}
	}
	var err error
	if a.intake, err = newIntake(&config); err != nil {
		return nil, fmt.Errorf("window: %w", err)
	}
	if _, err := featurestore.NewBuilder(a.schema, 0); err != nil { // what is kept can be published
		return nil, fmt.Errorf("window: %w", err)
	}
	a.crew = newCrew(a.tables, a.intake, a.clock, config.Workers)
	return a, nil
}

func (a *Aggregator) addDimension(d traffic.Dimension) error {
	var features []traffic.Feature
	dimension := featurestore.Dimension{Name: d.String()}
	for _, f := range a.config.Features {
		if f.Dimension == d {
			features = append(features, f)
			dimension.Columns = append(dimension.Columns, newColumn(f))
		}
	}
	if len(features) == 0 {
		return nil
	}
	p, err := newPlan(features, a.clock)
	if err != nil {
		return err
	}
	a.tables = append(a.tables, newTable(d, p, &a.config))
	a.schema.Dimensions = append(a.schema.Dimensions, dimension)
	if len(features) > len(a.row) {
		a.row = make([]float32, len(features))
	}
	return nil
}

func newColumn(f traffic.Feature) featurestore.Column {
	return featurestore.Column{Name: f.Name, Unit: f.Unit, Decay: f.Fade()}
}

// Schema returns the schema of what the Aggregator publishes.
func (a *Aggregator) Schema() featurestore.Schema { return a.schema }

// MaxBytes returns an upper bound of the memory of all keys: the sum over the dimensions of MaxKeys
// times the bytes of a key. While a shard grows, its arrays briefly exist twice; that is not
// included.
func (a *Aggregator) MaxBytes() (n int64) {
	for _, t := range a.tables {
		n += int64(a.config.MaxKeys) * int64(t.plan.bytesPerKey())
	}
	return n + a.intake.maxBytes()
}

// Add folds an observation into the rows of its keys. It copies the observation, and may fold it
// later, but before any other method returns a result.
func (a *Aggregator) Add(o *traffic.Observation) {
	next := a.crew.next()
	*next = *o
	next.Time = a.steady(o.Time)
	next.OpenFrom, next.OpenTo = a.steady(o.OpenFrom), a.steady(o.OpenTo)
	if a.ticked && next.Time > a.now && between(a.now, next.Time) > maxAhead {
		next.Time = a.now
		a.counts.ahead++
	}
	if a.ticked && between(a.now, next.OpenTo) > maxAhead && next.OpenTo > a.now {
		next.OpenTo = a.now
	}
	if next.Time < a.newest && between(next.Time, a.newest) > maxBackward {
		a.counts.backward++
	}
	a.newest = max(a.newest, next.Time)
}

// Tick sets the time. Call it before every publication. It drops idle keys at full minutes, so that
// a replay that ticks at other instants drops the same keys. A time a minute or more before the
// last Tick means that the clock was set back; one that is closer counts as the time of the last
// Tick.
func (a *Aggregator) Tick(now int64) {
	a.shift(a.behind(now, maxBackward))
	now = a.steady(now)
	if a.ticked {
		now = max(now, a.now)
	}
	a.now, a.ticked = now, true
	minute := now - now%int64(time.Minute)
	if minute == a.expired {
		return
	}
	a.expired = minute
	before := minute - int64(a.config.Idle)
	if before >= minute { // before the first time of an int64
		return
	}
	a.crew.settle()
	for _, t := range a.tables {
		t.expire(before, a.config.Idle)
	}
	a.intake.expire(before, &a.config)
}

// table returns the table of a dimension, nil if it has no features.
func (a *Aggregator) table(d traffic.Dimension) *table {
	for _, t := range a.tables {
		if t.dimension == d {
			return t
		}
	}
	return nil
}

// Row writes the features of a key to dst, which must have room for one value for each column of
// the dimension, and returns the time of the key's last event, or of a later report of an open
// request. The features are as of that time. It returns false for a key that is not kept.
func (a *Aggregator) Row(d traffic.Dimension, key uint64, dst []float32) (last int64, ok bool) {
	t := a.table(d)
	if t == nil || key == 0 {
		return 0, false
	}
	a.crew.settle()
	h := mix(key)
	s := t.shard(h)
	place := s.find(key, h)
	if place == none {
		return 0, false
	}
	cell := s.cell(place)
	t.plan.row(dst, cell)
	return a.wall(t.plan.cellStamp(cell)), true
}

// Capacity returns for each dimension of the schema how many keys a Publisher must have room for.
func (a *Aggregator) Capacity() []int {
	capacity := make([]int, len(a.tables))
	for i := range capacity {
		capacity[i] = a.config.MaxKeys
	}
	return capacity
}

// Build adds all rows to an image that is published at now.
func (a *Aggregator) Build(b *featurestore.Builder, now int64) error {
	a.crew.settle()
	a.sizes = a.sizes[:0]
	for _, t := range a.tables {
		a.sizes = append(a.sizes, t.keys())
	}
	if err := b.Begin(now, a.sizes); err != nil {
		return err
	}
	return a.putAll(b.Put)
}

func (a *Aggregator) putAll(put func(dimension int, key uint64, stamp int64,
	row []float32) error) error {
	for i, t := range a.tables {
		row := a.row[:len(t.plan.columns)]
		for j := range t.shards {
			s := &t.shards[j]
			for place := range uint32(len(s.minutes)) {
				cell := s.cell(place)
				if cellKey(cell) == 0 {
					continue
				}
				t.plan.row(row, cell)
				if err := put(i, cellKey(cell), a.wall(t.plan.cellStamp(cell)), row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Stats returns the counts.
func (a *Aggregator) Stats() Stats {
	a.crew.settle()
	s := Stats{Ahead: a.counts.ahead, Backward: a.counts.backward, Unrestored: a.counts.unrestored}
	for _, t := range a.tables {
		d := t.dimension
		s.Keys[d] = t.keys()
		for i := range t.shards {
			c := &t.shards[i].counts
			s.Evicted[d] += c.evicted
			s.Expired[d] += c.expired
			s.Waiting[d] += c.waiting
		}
	}
	return s
}
