package daemon

import (
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/ring"
)

// output is what the daemon writes while it consumes events: the table once a [beat], and
// checkpoints. Both are copied from the aggregation in steps between rounds of events, and written
// by their own goroutines.
type output struct {
	feed         *window.Feed
	rings        ring.Stats   // as of the publication in progress
	window       window.Stats // as of the publication in progress
	publication  time.Time    // its start
	checkpointer *window.Checkpointer
	began        time.Time // start of the checkpoint in progress
}

// beginPublication starts a publication, unless one is in progress or the directory does not belong
// to this daemon.
func (d *Daemon) beginPublication() {
	now := d.readClock()
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

// step continues the work in progress, for at most some milliseconds, and reports whether any is
// left.
func (d *Daemon) step() (busy bool) {
	if r, done := d.output.feed.Step(); done {
		d.published(r)
	}
	return d.output.feed.Running() || d.output.checkpointer != nil
}

// lastPublication is how long a stopping daemon waits for a publication: making large files takes
// longer than operators wait for a process to end. Tests change it.
var lastPublication = 5 * time.Second

// publishLast publishes a last time, and reports whether it finished in time.
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
			if !d.consume() { // rings fill up meanwhile; the checkpoint includes events folded now
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

// published records the result of a publication. The counts are those that its readers see.
func (d *Daemon) published(r window.FeedResult) {
	err := r.Err
	if err == nil && d.ours() {
		err = d.publisher.Check()
	}
	table, feed := d.publisher.Stats(), d.output.feed.Stats()
	d.noteRebuilds(table.Files)
	d.count(func(s *Stats) {
		s.Rings, s.Window, s.Feed, s.FeatureSlots = d.output.rings, d.output.window, feed, newSlots(table.Files)
		if r.Err != nil {
			s.Failed++
			return
		}
		s.Publishes++
		d.beat.done(r.Took)
		s.Pause = d.beat.pause
		d.lastPublished = d.output.publication
		s.Published, s.PublishTime, s.ImageBytes = time.Unix(0, r.Now), r.Took, table.Bytes
		s.RowsEvicted = 0
		for _, dimension := range table.Dimensions {
			s.RowsEvicted += dimension.Evicted + dimension.Crowded
		}
	})
	d.report(publishing, d.dir.Features(), err)
}

// checkpointable reports whether the directory of checkpoints belongs to this daemon.
func (d *Daemon) checkpointable() bool { return d.state.lock != nil || d.ours() }

// beginCheckpoint starts a checkpoint; stepCheckpoint continues it and returns its duration when it
// is written.
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

// finishCheckpoint waits for the checkpoint in progress.
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
