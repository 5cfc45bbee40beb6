package limits

import (
	"fmt"
	"reflect"
	"sync"
	"time"
)

// Defaults and bounds of [LimiterConfig].
const (
	DefaultRetryAfter = time.Second
	DefaultExactKeys  = 256
	MaxExactKeys      = maxExactSets * slotsPerSet
)

// LimiterConfig configures a [Limiter]. The zero value counts and limits
// nothing, until a threshold is set.
type LimiterConfig struct {
	// Threshold is how many requests of a key may be in flight, for keys without
	// an override. 0 means Unlimited; see [Limiter.SetDefault] for a literal 0.
	Threshold uint32

	// Overrides are thresholds by key, at most MaxOverrides. 0 refuses every
	// request of the key.
	Overrides map[string]uint32

	// ExactKeys is for how many keys in flight at a time there is an exact
	// counter, rounded up to a power of two and at least four times the number of
	// Overrides, but never more than MaxExactKeys. 0 means DefaultExactKeys.
	ExactKeys int

	// Sketch counts the requests of the keys that find no exact counter.
	Sketch SketchConfig

	// RetryAfter is handed on with every refusal. 0 means DefaultRetryAfter.
	RetryAfter time.Duration
}

// Limiter bounds what is in flight per key. All methods are safe for concurrent
// use. Those of the request path (Admit and its variants, [Ticket.Done],
// InFlight) allocate nothing and wait for no lock.
//
// How it counts. A small table has exact counters, for the keys that have an
// override and for as many others as it has room for while they have something
// in flight. All other keys share a count-min sketch.
//
// How it errs. The open tickets of one key never exceed the threshold that
// applied when the last of them was admitted. For a key with an exact counter a
// refusal is always right, too. For a key in the sketch a refusal may be wrong:
// other keys may share its cells, and of several attempts at the same instant
// each may see the others, so that all are refused where one would have fitted.
// The [Reason] tells the two kinds of refusal apart. A key that moves from the
// sketch to an exact counter is held to the sum of both until its last ticket
// in the sketch is done.
type Limiter struct {
	thresholds thresholds
	retryAfter time.Duration
	exact      exactTable
	sketch     sketch
	tallies    tallies

	configuring sync.Mutex // held while an override and its pin change; never on the request path
}

// NewLimiter makes a limiter with nothing in flight. The error is a
// *[ConfigError] or [ErrTooManyOverrides].
func NewLimiter(config LimiterConfig) (*Limiter, error) {
	g, err := config.Sketch.geometry()
	if err != nil {
		return nil, err
	}
	slots, err := config.exactSlots()
	if err != nil {
		return nil, err
	}
	if config.RetryAfter < 0 {
		return nil, &ConfigError{"RetryAfter", config.RetryAfter, "must not be negative"}
	}
	l := &Limiter{
		retryAfter: config.RetryAfter,
		exact:      newExactTable(slots),
		sketch:     newSketch(g, make([]uint64, g.cells())),
	}
	if l.retryAfter == 0 {
		l.retryAfter = DefaultRetryAfter
	}
	if config.Threshold == 0 {
		config.Threshold = Unlimited
	}
	l.SetDefault(config.Threshold)
	if err := l.thresholds.fill(config.Overrides); err != nil {
		return nil, err
	}
	for key := range config.Overrides {
		l.exact.pin(HashString(key), &l.sketch)
	}
	return l, nil
}

// exactSlots is the size of the exact table. Four slots per override make it
// unlikely that a set of eight has to pin more than it holds.
func (c *LimiterConfig) exactSlots() (int, error) {
	if c.ExactKeys < 0 || c.ExactKeys > MaxExactKeys {
		return 0, &ConfigError{"ExactKeys", c.ExactKeys, fmt.Sprintf("must be 0 to %d", MaxExactKeys)}
	}
	slots := c.ExactKeys
	if slots == 0 {
		slots = DefaultExactKeys
	}
	return max(slots, 4*len(c.Overrides)), nil
}

// Admit asks for one request of key to go ahead. If it may, ok is true and the
// admission's ticket must be released when the request has ended, however it
// ended. If not, the admission says why, and nothing has to be released.
//
// state is the caller's memory for the ticket. If it still belongs to an open
// ticket, the request is refused with the reason [TicketInUse]: release the
// earlier one first when a retry moves to another key.
func (l *Limiter) Admit(state *TicketState, key []byte) (a Admission, ok bool) {
	return l.AdmitHash(state, Hash(key))
}

// AdmitString is [Limiter.Admit] for a key in a string.
func (l *Limiter) AdmitString(state *TicketState, key string) (a Admission, ok bool) {
	return l.AdmitHash(state, HashString(key))
}

// AdmitHash is [Limiter.Admit] for a key whose [Hash] is at hand.
func (l *Limiter) AdmitHash(state *TicketState, hash uint64) (Admission, bool) {
	threshold := l.thresholds.of(hash)
	serial, ok := state.take()
	if !ok {
		return l.refuse(hash, threshold, l.InFlightHash(hash), TicketInUse), false
	}
	e := l.enter(hash, threshold)
	if !e.admitted {
		state.end(serial)
		return l.refuse(hash, threshold, e.estimate, e.reason(threshold)), false
	}
	l.tallies.of(hash).admitted.Add(1)
	return Admission{
		Ticket:    Ticket{owner: l, state: state, serial: serial, hash: hash, units: 1, place: e.place},
		Estimate:  e.estimate,
		Threshold: threshold,
	}, true
}

// refuse counts a refusal and says so.
func (l *Limiter) refuse(hash uint64, threshold uint32, estimate uint64, why Reason) Admission {
	l.tallies.of(hash).refused[why].Add(1)
	return Admission{Estimate: estimate, Threshold: threshold, Reason: why, RetryAfter: l.retryAfter}
}

// reason is why an attempt that was not admitted was refused.
func (e *entry) reason(threshold uint32) Reason {
	switch {
	case threshold == 0:
		return Drained
	case e.exact:
		return OverThreshold
	}
	return OverEstimate
}

// enter counts one more ticket of hash, in its exact counter if it has or gets
// one and otherwise in the sketch, unless that would exceed threshold. It goes
// round again only if the key's slot was assigned or lost in the meantime.
func (l *Limiter) enter(hash uint64, threshold uint32) entry {
	for {
		p := l.exact.find(hash)
		if p == 0 {
			p = l.exact.assign(hash)
		}
		if p == 0 {
			if e, ok := l.enterSketch(hash, threshold); ok {
				return e
			}
			continue
		}
		if e, ok := l.exact.enter(p, hash, threshold, &l.sketch); ok {
			return e
		}
	}
}

// enterSketch counts one more ticket in the sketch and then looks whether the
// key has an exact counter after all. If so it takes the ticket back, and ok is
// false.
//
// The order is what keeps the two counts of a key together. The sketch is added
// to before the table is searched; a slot is published before its owner looks at
// the sketch. So of a ticket here and a ticket there at least one side sees
// the other. If it is this side, the ticket moves; if it is the other, it
// adds this ticket to its own count. A ticket admitted here therefore has no open
// one in the table beside it that does not know of it.
func (l *Limiter) enterSketch(hash uint64, threshold uint32) (e entry, ok bool) {
	estimate := l.sketch.enter(hash, 1)
	if l.exact.find(hash) != 0 {
		l.sketch.leave(hash, 1)
		return entry{}, false
	}
	if estimate > uint64(threshold) {
		l.sketch.leave(hash, 1)
		return entry{estimate: estimate - 1}, true
	}
	return entry{estimate: estimate, admitted: true}, true
}

// release implements holder.
func (l *Limiter) release(hash uint64, units uint32, where place) {
	if where != 0 {
		l.exact.leave(where)
		return
	}
	if !l.sketch.leave(hash, units) {
		l.tallies.of(hash).clipped.Add(1)
	}
}

// releasedTwice implements holder.
func (l *Limiter) releasedTwice() { l.tallies.of(0).doubles.Add(1) }

// InFlight returns the estimate of what is in flight for key.
func (l *Limiter) InFlight(key []byte) uint64 { return l.InFlightHash(Hash(key)) }

// InFlightHash is [Limiter.InFlight] for a key whose [Hash] is at hand.
func (l *Limiter) InFlightHash(hash uint64) uint64 {
	state, ok := l.exact.peek(hash)
	if !ok {
		return l.sketch.peek(hash)
	}
	if state.has(slotSettled) {
		return uint64(state.count())
	}
	return uint64(state.count()) + l.sketch.peek(hash)
}

// SetThreshold gives key a threshold of its own, and an exact counter for as
// long as it has one, if its part of the table has room (see PinnedKeys in
// [LimiterStats]). It holds for requests that come after it; tickets that are
// open stay so. 0 refuses every further request of the key, which drains it.
// Each call copies all overrides: not for the request path.
func (l *Limiter) SetThreshold(key []byte, n uint32) error {
	hash := Hash(key)
	l.configuring.Lock()
	defer l.configuring.Unlock()
	if err := l.thresholds.set(hash, n); err != nil {
		return fmt.Errorf("%w: %d", err, MaxOverrides)
	}
	l.exact.pin(hash, &l.sketch)
	return nil
}

// ClearThreshold makes key follow the default threshold again.
func (l *Limiter) ClearThreshold(key []byte) {
	hash := Hash(key)
	l.configuring.Lock()
	defer l.configuring.Unlock()
	l.thresholds.clear(hash)
	l.exact.unpin(hash)
}

// SetDefault sets the threshold of all keys that have none of their own, for
// requests that come after it. n is taken literally: 0 refuses everything.
func (l *Limiter) SetDefault(n uint32) { l.thresholds.otherwise.Store(n) }

// Threshold returns the threshold of key.
func (l *Limiter) Threshold(key []byte) uint32 { return l.thresholds.of(Hash(key)) }

// Stats returns the counters as they are now. It goes through the whole exact
// table and one row of the sketch: for a scrape, not for every request.
func (l *Limiter) Stats() LimiterStats {
	s := l.tallies.sum()
	s.Overrides = l.thresholds.len()
	l.exact.tell(&s)
	s.InFlight += l.sketch.total()
	return s
}

// Bytes returns the memory of the limiter, its overrides not included.
func (l *Limiter) Bytes() int {
	table := len(l.exact.sets) * int(reflect.TypeFor[exactSet]().Size())
	return l.sketch.bytes() + table + int(reflect.TypeFor[Limiter]().Size())
}
