package daemon

import (
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/ring"
)

// output is what the daemon writes beside taking in events: the table once a [beat], and checkpoints. Both are copied out
// of the aggregation bit by bit between two rounds of events, and written by goroutines of their own.
type output struct {
	feed         *window.Feed
	rings        ring.Stats   // as of the publication that is under way
	window       window.Stats // likewise
	publication  time.Time    // when it was begun
	checkpointer *window.Checkpointer
	began        time.Time // of the checkpoint that is being written
}

// beginPublication starts a publication, unless the one before is still under way or the directory is not ours.
func (d *Daemon) beginPublication() {
	now := d.look()
	d.aggregator.Tick(now)
	if !d.ours() {
		return
	}
	if !d.output.feed.Begin(now) {
		skipped := d.output.feed.Stats().Skipped
		d.count(func(s *Stats) { s.Feed.Skipped = skipped })
		return
	}
	d.output.publication = time.Now()
	d.output.rings, d.output.window = d.rings.Stats(), d.aggregator.Stats()
}

// step goes on with what is under way, for milliseconds at most, and tells whether anything still is.
func (d *Daemon) step() (busy bool) {
	if r, done := d.output.feed.Step(); done {
		d.published(r)
	}
	return d.output.feed.Running() || d.output.checkpointer != nil
}

// lastPublication is how long the end of the daemon waits for a publication: one that has to make large files takes
// longer than whoever ends a process waits. Tests change it.
var lastPublication = 5 * time.Second

// publishLast publishes what is known, and reports whether that was done in time.
func (d *Daemon) publishLast() bool {
	end := time.Now().Add(lastPublication)
	done := func() bool {
		for d.output.feed.Running() {
			if time.Now().After(end) {
				return false
			}
			if r, done := d.output.feed.Step(); done {
				d.published(r)
				return true
			}
			if !d.consume() { // rings fill up meanwhile; the checkpoint has what is taken in now
				time.Sleep(time.Millisecond)
			}
		}
		return true
	}
	if !done() {
		return false
	}
	d.beginPublication()
	return done()
}

// published tells how a publication went. The counts are those that its readers see.
func (d *Daemon) published(r window.FeedResult) {
	err := r.Err
	if err == nil && d.ours() {
		err = d.publisher.Check()
	}
	table, feed := d.publisher.Stats(), d.output.feed.Stats()
	d.noteRebuilds(table.Files)
	d.count(func(s *Stats) {
		s.Rings, s.Window, s.Feed, s.FeatureSlots = d.output.rings, d.output.window, feed, slotsOf(table.Files)
		if r.Err != nil {
			s.Failed++
			return
		}
		s.Publishes++
		d.beat.done(r.Took)
		s.Pause = d.beat.pause
		d.fresh = d.output.publication
		s.Published, s.PublishTime, s.ImageBytes = time.Unix(0, r.Now), r.Took, table.Bytes
		s.RowsEvicted = 0
		for _, dimension := range table.Dimensions {
			s.RowsEvicted += dimension.Evicted + dimension.Crowded
		}
	})
	d.report(publishing, d.dir.Features(), err)
}

// checkpointable reports whether the directory of checkpoints is ours.
func (d *Daemon) checkpointable() bool { return d.state.lock != nil || d.ours() }

// beginCheckpoint starts a checkpoint; stepCheckpoint goes on with it and tells when it is written, and how long that
// took.
func (d *Daemon) beginCheckpoint() {
	d.output.checkpointer = d.aggregator.BeginCheckpoint(d.state.Checkpoint(), d.publisher.Seed())
	d.output.began = time.Now()
}

func (d *Daemon) stepCheckpoint() (took time.Duration, done bool) {
	if d.output.checkpointer == nil || !d.output.checkpointer.Step() {
		return 0, false
	}
	return d.finishCheckpoint(), true
}

// finishCheckpoint waits for the checkpoint that is under way.
func (d *Daemon) finishCheckpoint() (took time.Duration) {
	err := d.output.checkpointer.Finish()
	d.output.checkpointer = nil
	if err != nil {
		d.count(func(s *Stats) { s.Failed++ })
	}
	d.report(checkpointing, d.state.Checkpoint(), err)
	return time.Since(d.output.began)
}

// checkpoint writes a checkpoint and waits for it.
func (d *Daemon) checkpoint() {
	if d.output.checkpointer != nil {
		d.finishCheckpoint()
	}
	if d.checkpointable() {
		d.beginCheckpoint()
		d.finishCheckpoint()
	}
}
