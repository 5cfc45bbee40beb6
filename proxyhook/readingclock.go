package proxyhook

import (
	"sync/atomic"
	"time"
)

// readingClock keeps the age of a publication right if the wall clock is set: an age is the time
// that has passed, by the monotonic clock, since the publication was first seen. The next
// publication has times of the clock as it is then. see is for one goroutine.
type readingClock struct {
	published int64        // time of the last publication seen; 0: none
	wall      int64        // wall clock when it was first seen, or its time if later
	running   int64        // monotonic clock at that moment
	ahead     atomic.Int64 // how far the wall clock is ahead of that
}

// leastStep is the smallest step by which a wall clock counts as set, in nanoseconds.
const leastStep = int64(time.Second)

// see records the current publication.
func (c *readingClock) see(published, wall, running int64) {
	if published != c.published {
		c.published, c.wall, c.running = published, max(wall, published), running
	}
	ahead := (wall - c.wall) - (running - c.running)
	if -leastStep < ahead && ahead < leastStep {
		ahead = 0
	}
	c.ahead.Store(ahead)
}

// at returns the time to read features for, for a request at the given time.
func (c *readingClock) at(wall int64) int64 { return wall - c.ahead.Load() }
