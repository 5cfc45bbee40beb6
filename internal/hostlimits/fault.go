package hostlimits

import (
	"runtime"

	"github.com/headgate/headgate/internal/mmap"
)

// guard runs what uses the memory. Where that is a file's, a file truncated under us costs the file and not the process;
// ok is false then. No more than that is promised: what f had half done stays so.
func (l *Limiter) guard(f func()) (ok bool) {
	if l.shared == nil {
		f()
		return true
	}
	if l.shared.lost.Load() {
		return false
	}
	ok = mmap.Intact(f)
	if !ok {
		l.shared.lost.Store(true)
	}
	runtime.KeepAlive(l) // the memory goes when nobody has the limiter
	return ok
}

func (l *Limiter) enterShared(e *entry, k key) (ok bool) {
	if ok = l.guard(func() { l.enter(e, k) }); !ok {
		l.tallies.of(k.hash).faults.Add(1)
	}
	return ok
}

// leaveShared tells whether what is released was there. What was in a file that is gone is gone with it.
func (l *Limiter) leaveShared(hash uint64, where Place) (whole bool) {
	whole = true
	if !l.guard(func() { whole = l.leave(hash, where) }) {
		l.tallies.of(hash).faults.Add(1)
	}
	return whole
}
