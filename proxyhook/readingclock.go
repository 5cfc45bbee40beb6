package proxyhook

import (
	"sync/atomic"
	"time"
)

// readingClock keeps a wall clock that is set from changing how old a publication is: an age is what the monotonic clock
// says has passed since the publication was first seen. What is published next bears times of the clock as it is then.
// see is for one goroutine.
type readingClock struct {
	published int64        // of the publication that was seen last; 0: none
	wall      int64        // what the wall clock showed when it was first seen, or the publication's time where that is later
	running   int64        // likewise the monotonic clock
	ahead     atomic.Int64 // by how much the wall clock is ahead of that
}

// leastStep is the least by which a wall clock counts as set, nanoseconds.
const leastStep = int64(time.Second)

// see notes which publication is the current one.
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

// at is the time to read features for, for a request at the given time.
func (c *readingClock) at(wall int64) int64 { return wall - c.ahead.Load() }
