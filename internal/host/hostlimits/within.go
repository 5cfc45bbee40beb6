package hostlimits

import (
	"sync"
	"sync/atomic"
)

// part is a further ticket of one request: for the key that its own key is within, or for a key of
// a former policy. It belongs to the first ticket, whose Done ends all. Only the call of Done that
// does so reads it.
type part struct {
	state  TicketState
	ticket Ticket
	of     *parts
	era    *era // counts a ticket of the request, see transition.go; most often nil
	group  uint // of era
	next   *part
}

// parts counts the further tickets of a limiter, so that its statistics count each request once.
type parts struct {
	admitted atomic.Uint64
	open     atomic.Uint64
}

var unusedParts = sync.Pool{New: func() any { return new(part) }}

// BelowWithin is below of [Limiter.AdmitBelow] for AdmitWithin: within says which of the two keys
// it is called for.
type BelowWithin func(within bool, threshold uint32) (lowered, shed uint32)

// AdmitWithin is [Limiter.AdmitBelow] for a request of a key, say an origin, that also counts under
// a second key, say a host there, if that has a threshold of its own. It is admitted if there is
// room for it under both. If the first key has no threshold of its own, the second's also holds for
// the first if it is higher. The admission and its ticket are those of the second key, unless the
// first refuses; the ticket releases both. below may be nil, and is called for each key that
// counts.
func (l *Limiter) AdmitWithin(state *TicketState, name, within []byte,
	below BelowWithin) (a Admission, ok bool) {
	var r Result
	ok = l.admitWithin(&a.Ticket, &r, state, name, within, below)
	a.fill(&r)
	return a, ok
}

// admitWithin is AdmitWithin with the result in t and r, which must be zero.
func (l *Limiter) admitWithin(t *Ticket, r *Result, state *TicketState, name, within []byte,
	below BelowWithin) bool {
	first, second := l.ledgers.key(name), l.ledgers.key(within)
	n, ok := l.thresholds.own(second)
	if !ok {
		return l.admitOne(t, r, state, first, l.thresholds.get(first), below, false)
	}
	if n == 0 { // the second key refuses it in any case
		return l.admitOne(t, r, state, second, 0, below, true)
	}
	outer, ok := l.thresholds.own(first)
	if !ok {
		outer = max(n, l.thresholds.fallback.Load())
	}
	p := unusedParts.Get().(*part)
	if !l.admitOne(t, r, &p.state, first, outer, below, false) {
		unusedParts.Put(p)
		return false
	}
	p.begin(*t, &l.parts)
	*t, *r = Ticket{}, Result{}
	if ok := l.admitOne(t, r, state, second, n, below, true); !t.Valid() {
		p.end()
		return ok
	}
	state.part.Store(p)
	t.where |= hasPart
	return true
}

func (l *Limiter) admitOne(t *Ticket, r *Result, state *TicketState, k key, threshold uint32,
	below BelowWithin, within bool) bool {
	r.Threshold = threshold
	if below == nil {
		return l.admitTo(t, r, state, k, nil)
	}
	return l.admitTo(t, r, state, k, func(threshold uint32) (lowered, shed uint32) {
		return below(within, threshold)
	})
}

// hasPart is set in where of a ticket that has a part. The values of where are far below.
const hasPart Where = 1 << 31

// doneWithPart is Done for a ticket that has a part. Once it has ended, its memory may be another
// ticket's.
func (t Ticket) doneWithPart(former uint64) bool {
	p := t.state.part.Load()
	if !t.state.end(t.serial) {
		t.owner.ReleasedTwice()
		return false
	}
	p.end() // before the release, see era
	t.owner.Release(t.hash, former, t.units, t.where&^hasPart)
	return true
}

// begin takes a ticket, which is the zero Ticket if the limits file is gone.
func (p *part) begin(t Ticket, of *parts) {
	p.ticket, p.of = t, of
	if t.Valid() {
		of.admitted.Add(1)
		of.open.Add(1)
	}
}

// end releases what p and those after it hold, and puts them back into the pool.
func (p *part) end() {
	for p != nil {
		next := p.next
		if p.era != nil {
			p.leaveEra()
		}
		if p.ticket.Done() {
			p.of.open.Add(^uint64(0))
		}
		p.ticket, p.of = Ticket{}, nil
		if next != nil {
			p.next = nil
		}
		unusedParts.Put(p)
		p = next
	}
}

// leaveOut subtracts further tickets from statistics.
func (p *parts) leaveOut(s *Stats) {
	s.InFlight -= min(s.InFlight, p.open.Load())
	s.Admitted -= min(s.Admitted, p.admitted.Load())
}
