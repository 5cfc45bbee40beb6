package limits

import (
	"reflect"
	"sync/atomic"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Inflight counts what is in progress per key, in a count-min sketch: up when something begins,
// down when its ticket is done. A count is never too low, and all counts are zero when all tickets
// are done. All methods are safe for concurrent use and allocate nothing.
type Inflight struct {
	sketch  sketch
	doubles atomic.Uint64
	clipped atomic.Uint64
}

// NewInflight returns a counter with nothing in flight. The error is a *[ConfigError].
func NewInflight(config SketchConfig) (*Inflight, error) {
	g, err := geometry(config)
	if err != nil {
		return nil, err
	}
	return &Inflight{sketch: newSketch(g, make([]uint64, g.Cells()))}, nil
}

// Begin counts n units of the key with this [Hash] as in flight, until the returned ticket's Done.
// It also returns the estimate of what is in flight for the key, n included.
//
// For any set of tickets of one key that are open together, the estimate of at least one of them
// counted them all. A caller that compares the estimate with a limit, and calls Done at once if it
// is above, therefore never has more than the limit in flight, though callers that race may all be
// refused.
//
// If state still belongs to an open ticket, nothing is counted and the ticket is the zero Ticket
// ([Ticket.Valid] is false).
func (f *Inflight) Begin(state *TicketState, hash uint64, n uint32) (t Ticket, estimate uint64) {
	ticket := (*hostlimits.Ticket)(&t)
	if !(*hostlimits.TicketState)(state).Begin(ticket, (*inflightHolder)(f), hash, n) {
		return t, f.sketch.peek(hash)
	}
	return t, f.sketch.enter(hash, n)
}

// Peek returns the estimate of what is in flight for the key with this [Hash].
func (f *Inflight) Peek(hash uint64) uint64 { return f.sketch.peek(hash) }

// inflightHolder is an Inflight as its tickets see it.
type inflightHolder Inflight

// Release implements [hostlimits.Holder].
func (f *inflightHolder) Release(hash, _ uint64, units uint32, _ hostlimits.Where) {
	if !f.sketch.leave(hash, units) {
		f.clipped.Add(1)
	}
}

// ReleasedTwice implements [hostlimits.Holder].
func (f *inflightHolder) ReleasedTwice() { f.doubles.Add(1) }

// InflightStats is a snapshot of an [Inflight].
type InflightStats struct {
	DoubleReleases uint64 // Done on tickets that were done already
	// releases that found less in a cell than they had put there; 0 unless memory is damaged
	Clipped uint64
}

// Stats returns the counters as they are now.
func (f *Inflight) Stats() InflightStats {
	return InflightStats{DoubleReleases: f.doubles.Load(), Clipped: f.clipped.Load()}
}

// Bytes returns the memory of the counter.
func (f *Inflight) Bytes() int {
	return f.sketch.bytes() + int(reflect.TypeFor[Inflight]().Size())
}
