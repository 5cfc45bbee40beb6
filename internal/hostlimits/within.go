package hostlimits

import (
	"sync"
	"sync/atomic"
)

// part is a further ticket of one request: for the key that its own key lies within, or for a key of a former policy. It
// belongs to the first one, whose Done ends all. Only the call of Done that does so looks into it.
type part struct {
	state  TicketState
	ticket Ticket
	of     *parts
	era    *era // that counts a ticket of the request, see transition.go; most often nil
	group  uint // where
	next   *part
}

// parts count the second tickets of a limiter, so that its statistics have each request once.
type parts struct {
	admitted atomic.Uint64
	open     atomic.Uint64
}

var unusedParts = sync.Pool{New: func() any { return new(part) }}

// BelowWithin is what AdmitBelow asks of its argument, for the first key or for the one within it.
type BelowWithin func(within bool, threshold uint32) (lowered, shed uint32)

// AdmitWithin is [Limiter.AdmitBelow] for a request of a key, say an origin, that is also counted under a second one that
// lies within the first, say a host there, if that has a threshold of its own. It is admitted where there is room for it
// under both. The second threshold also holds for the first key, for requests of the second, where it is higher and the
// first key has none of its own. The admission and its ticket are the second key's then, but for a refusal by the first;
// the ticket stands for both. below, which may be nil, is asked for each key that is counted.
func (l *Limiter) AdmitWithin(state *TicketState, name, within []byte, below BelowWithin) (a Admission, ok bool) {
	first, second := l.ledgers.keyOf(name), l.ledgers.keyOf(within)
	n, ok := l.thresholds.own(second)
	if !ok {
		return l.admitOne(state, first, l.thresholds.of(first), below, false)
	}
	if n == 0 { // it is refused by the second key, whatever the first one has
		return l.admitOne(state, second, 0, below, true)
	}
	outer, ok := l.thresholds.own(first)
	if !ok {
		outer = max(n, l.thresholds.otherwise.Load())
	}
	p := unusedParts.Get().(*part)
	if a, ok = l.admitOne(&p.state, first, outer, below, false); !ok {
		unusedParts.Put(p)
		return a, false
	}
	p.begin(a.Ticket, &l.parts)
	if a, ok = l.admitOne(state, second, n, below, true); !a.Ticket.Valid() {
		p.end()
		return a, ok
	}
	state.part.Store(p)
	a.Ticket.place |= hasPart
	return a, true
}

func (l *Limiter) admitOne(state *TicketState, k key, threshold uint32, below BelowWithin, within bool) (a Admission, ok bool) {
	a.Threshold = threshold
	if below == nil {
		ok = l.admitTo(&a, state, k, nil)
	} else {
		ok = l.admitTo(&a, state, k, func(threshold uint32) (lowered, shed uint32) { return below(within, threshold) })
	}
	return a, ok
}

// hasPart is set in the place of a ticket that has a part. A place is far below.
const hasPart Place = 1 << 31

// doneWithPart is Done for a ticket that has a part, whose memory may be another ticket's once it has ended.
func (t Ticket) doneWithPart(former uint64) bool {
	p := t.state.part.Load()
	if !t.state.end(t.serial) {
		t.owner.ReleasedTwice()
		return false
	}
	p.end() // before the release, as an era wants it
	t.owner.Release(t.hash, former, t.units, t.place&^hasPart)
	return true
}

// begin takes a ticket, which is the zero Ticket where the limits file is gone.
func (p *part) begin(t Ticket, of *parts) {
	p.ticket, p.of = t, of
	if t.Valid() {
		of.admitted.Add(1)
		of.open.Add(1)
	}
}

// end releases what p and those after it hold, and gives them up.
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

// leaveOut takes second tickets out of statistics.
func (p *parts) leaveOut(s *Stats) {
	s.InFlight -= min(s.InFlight, p.open.Load())
	s.Admitted -= min(s.Admitted, p.admitted.Load())
}
