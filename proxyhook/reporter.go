package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/internal/ring"
)

// reporter gives events to the daemon through a ring. The request path reports to the current one; maintain is the
// supervisor's.
type reporter struct {
	log *slog.Logger

	current atomic.Pointer[ring.Producer] // nil: nobody to report to
	unread  atomic.Uint64                 // events in rings that were removed, and that no daemon will find

	mutex sync.Mutex     // guards all below
	dir   string         // where the ring is, or was to be made
	made  *ring.Producer // the last one; current, unless that was distrusted
	told  string         // the last trouble that was logged
}

// report puts ev into the ring; false: it was dropped.
func report(to *ring.Producer, ev *traffic.Event) bool {
	if to == nil || ev.Msgsize() > traffic.MaxEncoded {
		return false
	}
	slot, ok := to.Claim()
	if !ok {
		return false
	}
	b, err := ev.MarshalMsg(slot.Bytes())
	slot.Commit(b) // nothing encoded: the cell is given up and the daemon counts it
	return err == nil
}

// distrust stops writing to p, after a fault. A ring that has taken its place meanwhile stays.
func (r *reporter) distrust(p *ring.Producer) { r.current.CompareAndSwap(p, nil) }

// maintain makes a ring in the directory found where there is none, or where somebody removed or damaged the one there
// was, or the directory is another one now. The one before is closed at once, which a request that is still writing to
// it survives. Where no other can be made it stays in use while a daemon has it open.
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
			r.told, r.dir = "", dir.Events()
			r.end()
			r.made = next
			r.current.Store(next)
			return
		}
		r.tell(dir.Events(), err)
	}
	if p == nil || !p.Heard() {
		r.end()
	}
}

// end closes the ring that was made last. What is in it and is read by nobody any more counts as dropped.
func (r *reporter) end() error {
	r.current.Store(nil)
	p := r.made
	if p == nil {
		return nil
	}
	r.made = nil
	if !p.Linked() {
		r.unread.Add(p.Unread())
	}
	return p.Close()
}

// tell logs trouble once, not every second. That there is no daemon's directory yet is no trouble. What is compared
// is the innermost error, since those around it name the file, which is another one at each attempt.
func (r *reporter) tell(dir string, err error) {
	root := err
	for inner := errors.Unwrap(root); inner != nil; inner = errors.Unwrap(root) {
		root = inner
	}
	if errors.Is(err, fs.ErrNotExist) || root.Error() == r.told {
		return
	}
	r.told = root.Error()
	r.log.Warn("headgate: cannot report events to the daemon", "dir", dir, "error", err)
}

// close leaves the ring to the daemon. Requests may still be reporting.
func (r *reporter) close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.end()
}
