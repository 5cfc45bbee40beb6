package proxyhook

import "sync/atomic"

// lastStep remembers when the wall clock was set last and by how much, so that the duration of a request that was under way,
// by the wall clock, can be put right. look is for one goroutine.
type lastStep struct {
	known  bool
	offset int64 // wall clock less monotonic one

	by, at atomic.Int64 // nanoseconds; at on the monotonic clock
}

// look notes what both clocks show.
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

// duration puts right what the wall clock says has passed until now. A request that the clock was set back under may
// come out too short, but none too long.
func (s *lastStep) duration(passed, running int64) uint64 {
	by, since := s.by.Load(), running-s.at.Load()
	if by > 0 && passed >= since+by || by < 0 && passed < 0 {
		passed -= by
	}
	return uint64(max(0, passed))
}
