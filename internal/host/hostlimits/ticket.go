package hostlimits

import "sync/atomic"

// TicketState is the memory of one ticket at a time, by which it is decided which call releases the
// ticket. The caller owns it, usually as a field of a pooled per-request struct, and may use it
// again as soon as its ticket is done. The zero value is ready. It must not be copied after its
// first use.
type TicketState struct {
	// Bit 0 is set while a ticket is open; the other bits count the tickets that this memory has
	// served. The count keeps a late, second Done of an earlier request from releasing the ticket
	// of the present one. 63 bits do not wrap around.
	word atomic.Uint64

	// further tickets of the request, if the ticket's where has the bit hasPart
	part   atomic.Pointer[part]
	former atomic.Uint64 // hash of the ticket's key in another limits file, see move.go
}

const ticketOpen = 1

// Begin makes t, the zero Ticket, a ticket of owner for units of the key with this hash. It returns
// false if a ticket that uses this memory has not been released.
func (s *TicketState) Begin(t *Ticket, owner Holder, hash uint64, units uint32) bool {
	serial, ok := s.take()
	if ok {
		*t = Ticket{owner: owner, state: s, serial: serial, hash: hash, units: units}
	}
	return ok
}

// Open reports whether a ticket that uses this memory has not been released.
func (s *TicketState) Open() bool { return s.word.Load()&ticketOpen != 0 }

// take begins the next ticket. If one is open, it changes nothing and returns false.
func (s *TicketState) take() (serial uint64, ok bool) {
	old := s.word.Load()
	if old&ticketOpen != 0 {
		return 0, false
	}
	serial = old + 2 | ticketOpen
	return serial, s.word.CompareAndSwap(old, serial)
}

// end closes ticket serial. It returns true for exactly one caller per ticket.
func (s *TicketState) end(serial uint64) bool {
	return s.word.CompareAndSwap(serial, serial&^ticketOpen)
}

// Ticket stands for something in flight: n units of a key, from the call that returned it until the
// first Done on it or any copy of it. A Ticket is a small value and may be copied and passed
// between goroutines. The zero Ticket holds nothing.
type Ticket struct {
	owner  Holder
	state  *TicketState
	serial uint64
	hash   uint64
	units  uint32
	where  Where // where the owner counted it
}

// Holder is a counter that hands out tickets. Tickets call its methods.
type Holder interface {
	Release(hash, former uint64, units uint32, where Where) // once per ticket
	ReleasedTwice()                                         // for every further Done
}

// Done releases the ticket and reports whether this call was the one that did. Every further Done,
// on any copy, from any goroutine, even after the TicketState has been used again for another
// ticket, changes nothing and is counted in DoubleReleases of the owner's statistics. Done on the
// zero Ticket does nothing and returns false.
func (t Ticket) Done() bool {
	if t.state == nil {
		return false
	}
	// this ticket's, if it is open; after end the memory may be another ticket's
	former := t.state.former.Load()
	if t.where&hasPart != 0 {
		return t.doneWithPart(former)
	}
	if !t.state.end(t.serial) {
		t.owner.ReleasedTwice()
		return false
	}
	t.owner.Release(t.hash, former, t.units, t.where)
	return true
}

// Valid reports whether t came from a call that counted something, whether or not it has been
// released since.
func (t Ticket) Valid() bool { return t.state != nil }

// Hash returns the hash of the key that t counts, as [Limiter.Hash] returns it or Begin got it, and
// 0 for the zero Ticket.
func (t Ticket) Hash() uint64 { return t.hash }
