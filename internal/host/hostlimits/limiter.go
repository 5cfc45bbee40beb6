package hostlimits

import (
	"cmp"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/base/countmin"
)

// Defaults and bounds of [Config].
const (
	DefaultRetryAfter = time.Second
	DefaultExactKeys  = 256
	MaxExactKeys      = maxExactSets * countersPerSet
)

// Config configures a [Limiter]. The zero value counts and limits nothing, until a threshold is
// set.
type Config struct {
	// Threshold is how many requests of a key may be in flight, for keys without an override. 0
	// means Unlimited; see [Limiter.SetDefault] for a literal 0.
	Threshold uint32

	// Overrides are thresholds by key, at most MaxOverrides. 0 refuses every request of the key.
	Overrides map[string]uint32

	// ExactKeys is the number of keys in flight at a time that have an exact counter, rounded up to
	// a power of two and at least four times the number of Overrides, but never more than
	// MaxExactKeys. 0 means DefaultExactKeys.
	ExactKeys int

	// Sketch counts the requests of the keys that find no exact counter.
	Sketch countmin.Size

	// RetryAfter is the delay that every refusal has. 0 means DefaultRetryAfter.
	RetryAfter time.Duration

	// Owners are the user ids whose file [Join] accepts. Empty means the user that the file's
	// directory belongs to.
	Owners []int
}

// Limiter bounds what is in flight per key, for one process or, if it was made by [Join], for all
// processes of a host together. All methods are safe for concurrent use. Those of the request path
// (Admit and its variants, [Ticket.Done], InFlight) allocate nothing and wait for no lock.
//
// A small table has exact counters, for the keys that have an override and for as many others as it
// has room for while they have something in flight. All other keys share a count-min sketch.
//
// The open tickets of one key never exceed the threshold that applied when the last of them was
// admitted. For a key with an exact counter a refusal is always right, too, except that of attempts
// of several processes at the same instant all may be refused where one would have fitted. For a
// key in the sketch a refusal may be wrong: other keys may share its cells, and of several attempts
// at the same instant each may see the others. The [Reason] distinguishes the two kinds of refusal.
// A key that moves from the sketch to an exact counter is held to the sum of both until its last
// ticket in the sketch is done.
type Limiter struct {
	thresholds thresholds
	retryAfter atomic.Int64 // nanoseconds
	ledgers    ledgers      // with the hasher of keys
	tallies    tallies
	parts      parts
	shared     *member              // nil: this process counts alone
	former     atomic.Pointer[dual] // not nil while the processes move from one file to the next

	configuring sync.Mutex // held while an override and its pin change; never on the request path
}

// NewLimiter returns a limiter of one process with nothing in flight. The error is a *[ConfigError]
// or [ErrTooManyOverrides].
func NewLimiter(config Config) (*Limiter, error) {
	g, err := NewGeometry(config.Sketch)
	if err != nil {
		return nil, err
	}
	counters, err := config.exactCounters()
	if err != nil {
		return nil, err
	}
	l := &Limiter{ledgers: newLedgers(shape{Geometry: g, sets: exactSets(counters)})}
	if err := l.configure(config); err != nil {
		return nil, err
	}
	return l, nil
}

// configure sets what does not depend on the memory, before l is used.
func (l *Limiter) configure(config Config) error {
	if config.RetryAfter < 0 {
		return &ConfigError{"RetryAfter", config.RetryAfter, "must not be negative"}
	}
	l.retryAfter.Store(int64(cmp.Or(config.RetryAfter, DefaultRetryAfter)))
	l.thresholds.hasher = l.ledgers.hasher
	l.SetDefault(cmp.Or(config.Threshold, Unlimited))
	if err := l.thresholds.fill(config.Overrides); err != nil {
		return err
	}
	for key := range config.Overrides {
		l.pin(key)
	}
	return nil
}

// pin keeps an exact counter for key. In shared memory only the [Keeper] pins: what a process pins
// there would stay pinned when the process is gone.
func (l *Limiter) pin(name string) {
	if l.shared == nil {
		k := l.ledgers.key([]byte(name))
		l.ledgers.pin(k)
	}
}

// exactCounters returns the size of the exact table. Four counters per override make it unlikely
// that a set of eight has to pin more than it holds.
func (c *Config) exactCounters() (int, error) {
	if c.ExactKeys < 0 || c.ExactKeys > MaxExactKeys {
		return 0, &ConfigError{"ExactKeys", c.ExactKeys,
			fmt.Sprintf("must be 0 to %d", MaxExactKeys)}
	}
	counters := c.ExactKeys
	if counters == 0 {
		counters = DefaultExactKeys
	}
	return max(counters, 4*len(c.Overrides)), nil
}

// Admit admits a request of the key of this name or refuses it. If ok, the admission's ticket must
// be released when the request has ended, however it ended. If not, the admission says why, and
// nothing has to be released.
//
// state is the caller's memory for the ticket. If it still belongs to an open ticket, the request
// is refused with the reason [TicketInUse]: release the earlier one first when a retry moves to
// another key.
func (l *Limiter) Admit(state *TicketState, name []byte) (a Admission, ok bool) {
	var r Result
	ok = l.AdmitTo(&a.Ticket, &r, state, name, nil)
	a.fill(&r)
	return a, ok
}

// AdmitString is [Limiter.Admit] for a key in a string. A key of more than MaxKey bytes costs an
// allocation.
func (l *Limiter) AdmitString(state *TicketState, name string) (a Admission, ok bool) {
	var b [MaxKey]byte
	return l.Admit(state, append(b[:0], name...))
}

// AdmitBelow is [Limiter.Admit] with lower thresholds. below gets the key's threshold and returns
// two: lowered holds for all requests of the key now, shed for this one. A request that is refused
// only because of lowered has the reason [OverLowered], one that is refused only because of shed
// has [Shed].
func (l *Limiter) AdmitBelow(state *TicketState, name []byte,
	below func(threshold uint32) (lowered, shed uint32)) (a Admission, ok bool) {
	var r Result
	ok = l.AdmitTo(&a.Ticket, &r, state, name, below)
	a.fill(&r)
	return a, ok
}

// AdmitTo is [Limiter.AdmitBelow] with the result in t and r, which must be zero. below may be nil.
func (l *Limiter) AdmitTo(t *Ticket, r *Result, state *TicketState, name []byte,
	below func(uint32) (lowered, shed uint32)) bool {
	k := l.ledgers.key(name)
	r.Threshold = l.thresholds.get(k)
	return l.admitTo(t, r, state, k, below)
}

// Hash returns the hash by which l counts a key, which is that of its tickets ([Ticket.Hash]). It
// is secret, and differs from that of another limiter or another limits file.
func (l *Limiter) Hash(name []byte) uint64 { return l.ledgers.hasher.Hash(name) }

// admitTo fills in t and r, of which all but the threshold is zero.
func (l *Limiter) admitTo(t *Ticket, r *Result, state *TicketState, k key,
	below func(uint32) (lowered, shed uint32)) bool {
	serial, ok := state.take()
	if !ok {
		r.Estimate = l.inFlight(k)
		l.refuse(r, k.hash, TicketInUse)
		return false
	}
	e := entry{threshold: uint64(r.Threshold), lowered: r.Threshold}
	if below != nil {
		lowered, shed := below(r.Threshold)
		e.threshold, e.lowered = uint64(min(r.Threshold, lowered, shed)), lowered
	}
	if l.shared == nil {
		l.enter(&e, k)
	} else if !l.enterShared(&e, k) { // the file is gone: nothing is counted and nothing refused
		state.end(serial)
		return true
	}
	r.Estimate = e.estimate
	if !e.admitted {
		state.end(serial)
		l.refuse(r, k.hash, e.reason(r.Threshold))
		return false
	}
	*t = Ticket{owner: l, state: state, serial: serial, hash: k.hash, units: 1,
		where: e.where}
	if f := l.former.Load(); f != nil && !f.enter(t, r, e, k) {
		state.end(serial)
		return false
	}
	if e.where == 0 || e.wrapped {
		l.tally(&e, k.hash)
	}
	return true
}

// tally counts an admission that the exact counter does not.
func (l *Limiter) tally(e *entry, hash uint64) {
	n := uint64(1)
	if e.wrapped {
		n = 1 << 32
	}
	l.tallies.stripe(hash).admitted.Add(n)
}

// withdraw takes back an entry, as if it had not been admitted.
func (l *Limiter) withdraw(where Where, hash uint64) {
	l.guard(func() {
		if where != 0 {
			l.ledgers.returnHeld(uint(where-1), heldOne)
		} else {
			l.ledgers.leaveCells(hash)
		}
	})
}

// refuse counts a refusal and fills in the reason.
func (l *Limiter) refuse(r *Result, hash uint64, why Reason) {
	l.tallies.stripe(hash).refused[why].Add(1)
	r.Reason, r.RetryAfter = why, l.RetryAfter()
}

// reason returns why an attempt was refused.
func (e *entry) reason(threshold uint32) Reason {
	switch {
	case threshold == 0:
		return Drained
	case e.threshold < uint64(threshold) && e.estimate < uint64(threshold):
		if e.estimate >= uint64(e.lowered) {
			return OverLowered
		}
		return Shed
	case e.exact:
		return OverThreshold
	}
	return OverEstimate
}

// enter counts one more ticket of k, in its exact counter if it has one or one can be assigned, and
// otherwise in the sketch, unless that would exceed the threshold. It repeats only if the key's
// counter was assigned or lost meanwhile.
func (l *Limiter) enter(e *entry, k key) {
	for {
		o, _ := l.ledgers.find(k)
		if o.where == 0 {
			o = l.ledgers.assign(k)
		}
		if o.where == 0 {
			if l.enterSketch(e, k) {
				return
			}
			continue
		}
		if l.ledgers.enter(e, o, k.hash) {
			return
		}
	}
}

// enterSketch counts one more ticket in the sketch and then looks whether the key has an exact
// counter after all. If so it takes the ticket back, and ok is false.
//
// The order keeps the two counts of a key together. The sketch is added to before the table is
// searched; an exact counter is published before its owner reads the sketch. So of a ticket in the
// sketch and one in the table at least one side sees the other. If it is this side, the ticket
// moves; if it is the other, it adds this ticket to its own count. A ticket admitted here therefore
// has no open one in the table beside it that does not know of it.
func (l *Limiter) enterSketch(e *entry, k key) (ok bool) {
	l.ledgers.enterCells(k.hash)
	e.estimate = l.ledgers.estimate(k.hash)
	o, closing := l.ledgers.find(k)
	if o.where != 0 {
		l.ledgers.leaveCells(k.hash)
		return false
	}
	e.where, e.exact = 0, false
	e.estimate += closing
	if e.admitted = e.estimate <= e.threshold; !e.admitted {
		l.ledgers.leaveCells(k.hash)
		e.estimate--
	}
	return true
}

// Release implements [Holder].
func (l *Limiter) Release(hash, _ uint64, _ uint32, where Where) {
	whole := false
	if l.shared == nil {
		whole = l.leave(hash, where)
	} else {
		whole = l.leaveShared(hash, where)
	}
	if !whole {
		l.tallies.stripe(hash).clipped.Add(1)
	}
}

func (l *Limiter) leave(hash uint64, where Where) bool {
	if where != 0 {
		return l.ledgers.leave(where)
	}
	return l.ledgers.leaveCells(hash)
}

// ReleasedTwice implements [Holder].
func (l *Limiter) ReleasedTwice() { l.tallies.stripe(0).doubles.Add(1) }

// InFlight returns the estimate of what is in flight for the key of this name.
func (l *Limiter) InFlight(name []byte) uint64 {
	k := l.ledgers.key(name)
	return l.inFlight(k)
}

func (l *Limiter) inFlight(k key) (n uint64) {
	l.guard(func() { n = l.ledgers.inFlight(k) })
	return n
}

// SetThreshold sets a threshold of key's own, and pins an exact counter for as long as the key has
// one, if its set has room (see PinnedKeys in [Stats]). It holds for requests that come after it;
// tickets that are open stay so. 0 refuses every further request of the key, which drains it. Each
// call copies all overrides: it is not for the request path.
func (l *Limiter) SetThreshold(key []byte, n uint32) error {
	name := string(key)
	l.configuring.Lock()
	defer l.configuring.Unlock()
	if err := l.thresholds.set(name, n); err != nil {
		return fmt.Errorf("%w: %d", err, MaxOverrides)
	}
	l.pin(name)
	return nil
}

// ClearThreshold makes key follow the default threshold again.
func (l *Limiter) ClearThreshold(key []byte) {
	name := string(key)
	l.configuring.Lock()
	defer l.configuring.Unlock()
	l.thresholds.clear(name)
	l.unpin(name)
}

func (l *Limiter) unpin(name string) {
	if l.shared == nil {
		k := l.ledgers.key([]byte(name))
		l.ledgers.unpin(k)
	}
}

// SetDefault sets the threshold of all keys that have none of their own, for requests that come
// after it. n is taken literally: 0 refuses everything.
func (l *Limiter) SetDefault(n uint32) { l.thresholds.fallback.Store(n) }

// Threshold returns the threshold of key.
func (l *Limiter) Threshold(key []byte) uint32 { return l.thresholds.get(l.ledgers.key(key)) }

// SetRetryAfter sets the delay that refusals have; 0 means DefaultRetryAfter.
func (l *Limiter) SetRetryAfter(d time.Duration) {
	l.retryAfter.Store(int64(cmp.Or(max(d, 0), DefaultRetryAfter)))
}

// RetryAfter returns the delay that refusals have.
func (l *Limiter) RetryAfter() time.Duration { return time.Duration(l.retryAfter.Load()) }

// Stats returns the counters as they are now. It reads the whole exact table and one row of the
// sketch: it is for a scrape, not for every request.
func (l *Limiter) Stats() Stats {
	s := l.tallies.sum()
	s.Overrides = l.thresholds.len()
	s.Shared = l.shared != nil && !l.shared.truncated.Load()
	l.guard(func() { l.ledgers.addTo(&s) })
	l.parts.leaveOut(&s)
	return s
}

// Bytes returns the memory of the limiter, without its overrides.
func (l *Limiter) Bytes() int {
	return l.ledgers.bytes() + int(reflect.TypeFor[Limiter]().Size())
}
