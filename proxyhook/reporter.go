package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
)

// reporter sends events to the daemon through a ring. The request path reports to the current ring;
// maintain is the supervisor's.
type reporter struct {
	log *slog.Logger

	current atomic.Pointer[ring.Producer] // nil: no ring
	unread  atomic.Uint64                 // events in removed rings, which no daemon will read

	mutex       sync.Mutex     // guards the fields below
	dir         string         // where the ring is, or should be
	latest      *ring.Producer // the last one; current, unless that was distrusted
	lastProblem string         // last problem logged
}

// report puts ev into the ring, and returns false if it was dropped.
func report(to *ring.Producer, ev *traffic.Event) bool {
	if to == nil || ev.Msgsize() > traffic.MaxEncoded {
		return false
	}
	slot, ok := to.Claim()
	if !ok {
		return false
	}
	b, err := ev.MarshalMsg(slot.Bytes())
	slot.Commit(b) // nothing encoded: the cell is abandoned and the daemon counts it
	return err == nil
}

// distrust stops writing to p, after a fault. A ring that has replaced it meanwhile stays.
func (r *reporter) distrust(p *ring.Producer) { r.current.CompareAndSwap(p, nil) }

// maintain makes a ring in the directory found if there is none, if the ring was removed or
// damaged, or if the directory has changed. The previous ring is closed at once, which a request
// that is still writing to it survives. If no other can be made, it stays in use while a daemon has
// it open.
func (r *reporter) maintain(dir hostdir.Dir, found bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.current.Load()
	if p != nil && p.Linked() && (!found || r.dir == dir.Events()) {
		return
	}
	if found {
		next, err := ring.Create(dir.Events(), ring.Config{})
		if err == nil {
			r.lastProblem, r.dir = "", dir.Events()
			r.end()
			r.latest = next
			r.current.Store(next)
			return
		}
		r.logProblem(dir.Events(), err)
	}
	if p == nil || !p.Heard() {
		r.end()
	}
}

// end closes the last ring. Events in it that will not be read count as dropped.
func (r *reporter) end() error {
	r.current.Store(nil)
	p := r.latest
	if p == nil {
		return nil
	}
	r.latest = nil
	if !p.Linked() {
		r.unread.Add(p.Unread())
	}
	return p.Close()
}

// logProblem logs a problem once, not every second. A missing directory of the daemon is not a
// problem. Problems are compared by their innermost error, since the errors around it name the
// file, which differs at each attempt.
func (r *reporter) logProblem(dir string, err error) {
	root := err
	for inner := errors.Unwrap(root); inner != nil; inner = errors.Unwrap(root) {
		root = inner
	}
	if errors.Is(err, fs.ErrNotExist) || root.Error() == r.lastProblem {
		return
	}
	r.lastProblem = root.Error()
	r.log.Warn("headgate: no ring could be made; events are not reported to the daemon", "dir", dir, "error", err)
}

// close leaves the ring to the daemon. Requests may still be reporting.
func (r *reporter) close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.end()
}
