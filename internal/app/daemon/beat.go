package daemon

import "time"

// soonest is the shortest time between two publications. The publication scores a client's burst,
// and a page's own requests after it.
const soonest = 50 * time.Millisecond

// beat schedules publications: as often as a hundredth of the daemon's time allows, at most every
// soonest while there are events, and at least every interval.
type beat struct {
	interval  time.Duration
	startedAt time.Time     // start of the last publication; zero: none yet
	pause     time.Duration // from there until the next, if events come
	events    uint64        // folded when it started
}

// due reports whether to publish now, when this many events have been folded.
func (b *beat) due(now time.Time, events uint64) bool {
	since := now.Sub(b.startedAt)
	return since >= b.interval || since >= b.pause && events != b.events
}

// start records that a publication starts. Until its duration is known, or if it fails, the next
// one starts an interval later.
func (b *beat) start(now time.Time, events uint64) {
	b.startedAt, b.events, b.pause = now, events, b.interval
}

// done records the duration of the publication.
func (b *beat) done(took time.Duration) { b.pause = min(max(100*took, soonest), b.interval) }
