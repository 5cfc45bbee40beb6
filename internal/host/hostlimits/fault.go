package hostlimits

import (
	"runtime"

	"github.com/headgate/headgate/internal/base/mmap"
)

// guard runs f, which uses the memory. If a file is truncated under f, it returns false and the
// file is not used any more. What f had half done stays so.
func (l *Limiter) guard(f func()) (ok bool) {
	if l.shared == nil {
		f()
		return true
	}
	if l.shared.truncated.Load() {
		return false
	}
	ok = mmap.Intact(f)
	if !ok {
		l.shared.truncated.Store(true)
	}
	runtime.KeepAlive(l) // the memory is unmapped when the limiter is unreachable
	return ok
}

func (l *Limiter) enterShared(e *entry, k key) (ok bool) {
	if ok = l.guard(func() { l.enter(e, k) }); !ok {
		l.tallies.stripe(k.hash).faults.Add(1)
	}
	return ok
}

// leaveShared releases and reports whether the count was there. Counts in a file that is gone are
// gone with it.
func (l *Limiter) leaveShared(hash uint64, where Where) (whole bool) {
	whole = true
	if !l.guard(func() { whole = l.leave(hash, where) }) {
		l.tallies.stripe(hash).faults.Add(1)
	}
	return whole
}
