package window

import (
	"errors"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// Feed publishes beside the aggregation. The Aggregator's goroutine copies changed rows, in parcels
// of a millisecond, and never waits; a goroutine of the Feed computes the features of the copies,
// puts them into the table and publishes it. Its methods are for the Aggregator's goroutine.
//
// A Feed holds at most feedParcels parcels. If a publication is slower than the beat, beats are
// skipped and counted, but no rows: they are in the next publication.
type Feed struct {
	follower *follower
	running  bool // a round is
	copied   bool // all of it is
	now      int64
	skipped  uint64

	free  chan *parcel
	full  chan *parcel
	ended chan FeedResult // of one round; closed when the goroutine is gone
}

// FeedResult is the result of a publication.
type FeedResult struct {
	Now  int64         // its time, the argument of Begin
	Took time.Duration // from the first row put until the readers had it
	// featurestore.ErrRebuild and errors of Put make the next one begin with an empty table
	Err error

	rebuild bool
}

// FeedStats are a Feed's counts.
type FeedStats struct {
	FollowStats
	Skipped uint64 // beats without a publication, since the previous one was not done
}

const feedParcels = 4

// NewFeed returns a feed of a table. Its first publication empties the table and puts all rows into
// it. An Aggregator has one feed at a time; Publish must not be called until that is closed.
func (a *Aggregator) NewFeed(t Table) *Feed {
	a.follower = newFollower(a, t)
	f := &Feed{follower: a.follower, free: make(chan *parcel, feedParcels),
		full:  make(chan *parcel, feedParcels),
		ended: make(chan FeedResult, 1)}
	for range feedParcels {
		f.free <- &parcel{}
	}
	go f.apply()
	return f
}

// apply is the Feed's goroutine.
func (f *Feed) apply() {
	defer close(f.ended)
	var r FeedResult
	var start time.Time
	for p := range f.full {
		if start.IsZero() {
			start = time.Now()
		}
		if r.Err == nil {
			r.Err = f.follower.apply(p)
			r.rebuild = r.Err != nil
		}
		last, now := p.last, p.now
		f.free <- p
		if !last {
			continue
		}
		if r.Err == nil {
			r.Err = f.follower.table.Publish(now)
			r.rebuild = errors.Is(r.Err, featurestore.ErrRebuild)
		}
		r.Now, r.Took = now, time.Since(start)
		f.ended <- r
		r, start = FeedResult{}, time.Time{}
	}
}

// Begin starts a publication as of now. If the previous one is not done, it counts a skipped beat
// instead.
func (f *Feed) Begin(now int64) (began bool) {
	if f.running {
		f.skipped++
		return false
	}
	f.running, f.copied, f.now = true, false, now
	f.follower.begin()
	return true
}

// Step copies rows while the goroutine takes them, for at most a few milliseconds, and returns the
// result of the publication when it is done.
func (f *Feed) Step() (r FeedResult, done bool) {
	for f.running && !f.copied {
		select {
		case p := <-f.free:
			f.copyTo(p)
			continue
		default:
		}
		break
	}
	select {
	case r = <-f.ended:
		return f.end(r), true
	default:
		return r, false
	}
}

func (f *Feed) copyTo(p *parcel) {
	f.follower.aggregator.crew.settle()
	p.last, p.now = !f.follower.collect(p), f.now
	f.copied = p.last
	f.full <- p
}

func (f *Feed) end(r FeedResult) FeedResult {
	f.running = false
	f.follower.rebuild = f.follower.rebuild || r.rebuild
	return r
}

// Running reports whether a publication is running.
func (f *Feed) Running() bool { return f.running }

// Finish waits for the publication that is running and returns its result.
func (f *Feed) Finish() FeedResult {
	for f.running && !f.copied {
		f.copyTo(<-f.free)
	}
	if !f.running {
		return FeedResult{}
	}
	return f.end(<-f.ended)
}

// Stats returns the counts.
func (f *Feed) Stats() FeedStats { return FeedStats{f.follower.stats, f.skipped} }

// Close ends the Feed's goroutine after the parcels that it has. Later changes are not published.
func (f *Feed) Close() {
	close(f.full)
	for range f.ended {
	}
	f.follower.aggregator.follower = nil
}
