package window

import (
	"errors"

	"github.com/headgate/headgate/featurestore"
)

// Table is what an Aggregator publishes to: a *featurestore.Publisher.
type Table interface {
	// Put changes or adds a row; Delete removes one if it exists. After an error of Put the table
	// must be built anew.
	Put(dimension int, key uint64, stamp int64, row []float32) error
	Delete(dimension int, key uint64)
	// Reset removes all rows. Readers keep the current table until Publish.
	Reset()
	// Publish makes the changes visible to readers, as of now. After an error they are kept for the
	// next attempt, or a later Put or Publish returns featurestore.ErrRebuild.
	Publish(now int64) error
}

// follower updates a table with the rows that changed since the last update. Shards mark changes
// for one follower; a new one begins with an empty table and all rows.
type follower struct {
	aggregator *Aggregator
	table      Table
	rebuild    bool  // the next round puts all rows into an empty table
	offset     int64 // of the stamps: the clock's when the present round began

	// The present round.
	all       bool // it does so
	dimension int
	shard     int
	place     uint32

	row   []float32 // of the goroutine that applies parcels
	stats FollowStats
}

// FollowStats count the changes of a table.
type FollowStats struct {
	Rows    uint64 // put
	Deleted uint64 // keys deleted
	Rebuilt uint64 // rounds that put all rows into an empty table
}

// parcelRows bounds the rows that are copied at a time, which takes about a millisecond.
const parcelRows = 2048

// parcel is a part of one shard's changes, copied.
type parcel struct {
	reset     bool  // the table begins empty
	last      bool  // of its round, which is to be published
	now       int64 // time of the publication
	dimension int
	plan      *plan
	offset    int64    // of the stamps
	gone      []uint64 // to be deleted before the cells are put
	cells     []uint32
}

func newFollower(a *Aggregator, t Table) *follower {
	return &follower{aggregator: a, table: t, rebuild: true, row: make([]float32, len(a.row))}
}

func (f *follower) begin() {
	if now := f.aggregator.clock.offset; f.offset != now { // every stamp is another one
		f.offset, f.rebuild = now, true
	}
	f.all, f.rebuild = f.rebuild, false
	f.dimension, f.shard, f.place = 0, 0, 0
	if f.all {
		f.stats.Rebuilt++
	}
}

// collect copies the next changes of this round and reports whether there were any. No goroutine
// may fold meanwhile.
func (f *follower) collect(p *parcel) (ok bool) {
	p.offset, p.gone, p.cells = f.offset, p.gone[:0], p.cells[:0]
	p.reset = f.all && f.dimension == 0 && f.shard == 0 && f.place == 0
	for f.dimension < len(f.aggregator.tables) {
		t := f.aggregator.tables[f.dimension]
		if f.shard == len(t.shards) {
			f.dimension, f.shard = f.dimension+1, 0
			continue
		}
		s := &t.shards[f.shard]
		p.dimension, p.plan = f.dimension, t.plan
		if f.collectFrom(s, p); f.place == none {
			f.shard, f.place = f.shard+1, 0
		}
		if len(p.gone) > 0 || len(p.cells) > 0 {
			return true
		}
	}
	return p.reset // there are no dimensions, or no keys
}

// collectFrom takes the deleted keys and the next changed rows of a shard, and sets f.place behind
// them.
//
// Keys that were deleted meanwhile go with every parcel, before its rows: a key may have come back
// to a later place.
func (f *follower) collectFrom(s *shard, p *parcel) {
	if f.all && f.place == 0 {
		s.markAll()
	}
	p.gone = append(p.gone, s.gone...)
	s.gone = s.gone[:0]
	f.stats.Deleted += uint64(len(p.gone))
	place, rows := s.dirty.next(f.place), 0
	for ; place != none && rows < parcelRows; place, rows = s.dirty.next(place+1), rows+1 {
		p.cells = append(p.cells, s.cell(place)...)
		s.dirty.clear(place)
		s.known.set(place)
	}
	f.place = place
	f.stats.Rows += uint64(rows)
}

// markAll marks every key as changed and none as known to the table.
func (s *shard) markAll() {
	s.gone = s.gone[:0]
	clear(s.known)
	for place := range uint32(len(s.minutes)) {
		if !s.free.has(place) {
			s.dirty.set(place)
		}
	}
}

// apply puts a parcel into the table. It reads only the parcel, and may run beside the aggregation.
func (f *follower) apply(p *parcel) error {
	if p.reset {
		f.table.Reset()
	}
	for _, key := range p.gone {
		f.table.Delete(p.dimension, key)
	}
	if len(p.cells) == 0 {
		return nil
	}
	row := f.row[:len(p.plan.columns)]
	for at := 0; at < len(p.cells); at += p.plan.words {
		cell := p.cells[at : at+p.plan.words]
		p.plan.row(row, cell)
		if err := f.table.Put(p.dimension, cellKey(cell), plus(p.plan.cellStamp(cell), p.offset),
			row); err != nil {
			return err
		}
	}
	return nil
}

// Publish updates a table with the rows that changed since the last call, and publishes it as of
// now. The first time, or with another table, it empties the table and puts all rows into it.
func (a *Aggregator) Publish(t Table, now int64) error {
	if a.follower == nil || a.follower.table != t {
		a.follower = newFollower(a, t)
	}
	a.crew.settle()
	return a.follower.publish(now)
}

// publish runs a round. After an error that may have damaged the table the next round begins anew.
func (f *follower) publish(now int64) (err error) {
	var p parcel
	f.begin()
	for err == nil && f.collect(&p) {
		err = f.apply(&p)
	}
	if err != nil {
		f.rebuild = true
		return err
	}
	return f.commit(now)
}

// commit publishes what was put.
func (f *follower) commit(now int64) error {
	err := f.table.Publish(now)
	if errors.Is(err, featurestore.ErrRebuild) {
		f.rebuild = true
	}
	return err
}
