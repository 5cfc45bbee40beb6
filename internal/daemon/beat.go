package daemon

import "time"

// soonest is the shortest time between two publications. A client's burst, and a page's own requests
// after it, are judged by what was published before them.
const soonest = 50 * time.Millisecond

// beat says when the table is published: as often as a hundredth of the daemon's time allows, every
// soonest at most while there are events, and every interval at least.
type beat struct {
	interval time.Duration
	began    time.Time     // of the last publication; zero: none
	pause    time.Duration // from there until the next, if there are events by then
	events   uint64        // folded when it began
}

// due reports whether to publish now, when so many events have been folded.
func (b *beat) due(now time.Time, events uint64) bool {
	since := now.Sub(b.began)
	return since >= b.interval || since >= b.pause && events != b.events
}

// start notes that a publication begins. Until it is known how long that takes, or where it fails, the
// next one begins an interval later.
func (b *beat) start(now time.Time, events uint64) {
	b.began, b.events, b.pause = now, events, b.interval
}

// done notes how long the publication took.
func (b *beat) done(took time.Duration) { b.pause = min(max(100*took, soonest), b.interval) }
