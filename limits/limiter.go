package limits

import (
	"math"
	"reflect"
	"time"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Unlimited is the threshold that no number of requests in flight reaches.
const Unlimited = math.MaxUint32

// ErrTooManyOverrides is returned if more than 65,536 keys would have a threshold of their own.
var ErrTooManyOverrides = hostlimits.ErrTooManyOverrides

// LimiterConfig configures a [Limiter]. The zero value counts and limits nothing, until a threshold
// is set.
type LimiterConfig struct {
	// Threshold is how many requests of a key may be in flight, for keys without an override. 0
	// means Unlimited; see [Limiter.SetDefault] for a literal 0.
	Threshold uint32

	// Overrides are thresholds by key, at most 65,536. 0 refuses every request of the key.
	Overrides map[string]uint32

	// ExactKeys is the number of keys in flight at a time that have an exact counter, rounded up to
	// a power of two and at least four times the number of Overrides, but never more than 65,536. 0
	// means 256.
	ExactKeys int

	// Sketch counts the requests of the keys that find no exact counter.
	Sketch SketchConfig

	// RetryAfter is handed on with every refusal. 0 means one second.
	RetryAfter time.Duration
}

// Limiter bounds what is in flight per key. All methods are safe for concurrent use. Admit,
// AdmitString, [Ticket.Done] and InFlight allocate nothing and wait for no lock.
//
// A small table has exact counters, for the keys that have an override and for as many others as it
// has room for while they have something in flight. All other keys share a count-min sketch.
//
// The open tickets of one key never exceed the threshold that applied when the last of them was
// admitted. For a key with an exact counter a refusal is always right, too. For a key in the sketch
// a refusal may be wrong: other keys may share its cells, and of several attempts at the same
// instant each may see the others, so that all are refused where one would have fitted. The
// [Reason] distinguishes the two kinds of refusal. A key that moves from the sketch to an exact
// counter is held to the sum of both until its last ticket in the sketch is done.
type Limiter struct {
	limiter *hostlimits.Limiter
}

// NewLimiter returns a limiter with nothing in flight. The error is a *[ConfigError] or
// [ErrTooManyOverrides].
func NewLimiter(config LimiterConfig) (*Limiter, error) {
	l, err := hostlimits.NewLimiter(hostlimits.Config{
		Threshold:  config.Threshold,
		Overrides:  config.Overrides,
		ExactKeys:  config.ExactKeys,
		Sketch:     countmin.Size(config.Sketch),
		RetryAfter: config.RetryAfter,
	})
	if err != nil {
		return nil, err
	}
	return &Limiter{l}, nil
}

// Admit admits a request of key or refuses it. If ok, the admission's ticket must be released when
// the request has ended, however it ended. If not, the admission says why, and nothing has to be
// released.
//
// state is the caller's memory for the ticket. If it still belongs to an open ticket, the request
// is refused with the reason [TicketInUse]: release the earlier one first when a retry moves to
// another key.
func (l *Limiter) Admit(state *TicketState, key []byte) (a Admission, ok bool) {
	ok = l.admit(&a, state, key)
	return a, ok
}

// AdmitString is [Limiter.Admit] for a key in a string. A key of more than 506 bytes costs an
// allocation.
func (l *Limiter) AdmitString(state *TicketState, key string) (a Admission, ok bool) {
	var b [hostlimits.MaxKey]byte
	return l.Admit(state, append(b[:0], key...))
}

// admit is separate from Admit so that Admit can be inlined: then the admission is not copied
// again.
func (l *Limiter) admit(a *Admission, state *TicketState, key []byte) bool {
	var r hostlimits.Result
	ticket := (*hostlimits.Ticket)(&a.Ticket)
	ok := l.limiter.AdmitTo(ticket, &r, (*hostlimits.TicketState)(state), key, nil)
	a.Estimate, a.Threshold = r.Estimate, r.Threshold
	a.Reason, a.RetryAfter = Reason(r.Reason), r.RetryAfter
	return ok
}

// InFlight returns the estimate of what is in flight for key.
func (l *Limiter) InFlight(key []byte) uint64 { return l.limiter.InFlight(key) }

// SetThreshold sets a threshold of key's own, and pins an exact counter for as long as it has one,
// if its part of the table has room (see PinnedKeys in [LimiterStats]). It holds for requests that
// come after it; tickets that are open stay so. 0 refuses every further request of the key, which
// drains it. Each call copies all overrides: it is not for the request path. The error is
// [ErrTooManyOverrides].
func (l *Limiter) SetThreshold(key []byte, n uint32) error { return l.limiter.SetThreshold(key, n) }

// ClearThreshold makes key follow the default threshold again.
func (l *Limiter) ClearThreshold(key []byte) { l.limiter.ClearThreshold(key) }

// SetDefault sets the threshold of all keys that have none of their own, for requests that come
// after it. n is taken literally: 0 refuses everything.
func (l *Limiter) SetDefault(n uint32) { l.limiter.SetDefault(n) }

// Threshold returns the threshold of key.
func (l *Limiter) Threshold(key []byte) uint32 { return l.limiter.Threshold(key) }

// Stats returns the counters as they are now. It goes through the whole exact table and one row of
// the sketch: it is for a scrape, not for every request.
func (l *Limiter) Stats() LimiterStats { return LimiterStats(l.limiter.Stats()) }

// Bytes returns the memory of the limiter, without its overrides.
func (l *Limiter) Bytes() int { return l.limiter.Bytes() + int(reflect.TypeFor[Limiter]().Size()) }
