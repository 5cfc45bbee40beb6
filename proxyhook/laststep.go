package proxyhook

import "sync/atomic"

// lastStep remembers when and by how much the wall clock was set last, so that the durations of
// requests in progress then can be corrected. look is for one goroutine.
type lastStep struct {
	known  bool
	offset int64 // wall clock minus monotonic clock

	by, at atomic.Int64 // nanoseconds; at on the monotonic clock
}

// look compares the two clocks.
func (s *lastStep) look(wall, running int64) {
	offset := wall - running
	if by := offset - s.offset; s.known && (by <= -leastStep || by >= leastStep) {
		s.at.Store(running)
		s.by.Store(by)
	} else if s.known {
		return
	}
	s.known, s.offset = true, offset
}

// duration corrects the time passed by the wall clock. If the clock was set back during a request,
// its duration may be too short, but never too long.
func (s *lastStep) duration(passed, running int64) uint64 {
	by, since := s.by.Load(), running-s.at.Load()
	if by > 0 && passed >= since+by || by < 0 && passed < 0 {
		passed -= by
	}
	return uint64(max(0, passed))
}
