package limits

import "github.com/headgate/headgate/internal/host/hostlimits"

// TicketState is the memory of one ticket at a time. The caller owns it, usually as a field of a
// pooled per-request struct, and may use it again as soon as its ticket is done. The zero value is
// ready. It must not be copied after its first use.
type TicketState hostlimits.TicketState

// Open reports whether a ticket that uses this memory has not been released.
func (s *TicketState) Open() bool { return (*hostlimits.TicketState)(s).Open() }

// Ticket stands for something in flight: n units of a key, from the call that returned it until the
// first Done on it or any copy of it. A Ticket is a small value and may be copied and passed
// between goroutines. The zero Ticket holds nothing.
type Ticket hostlimits.Ticket

// Done releases the ticket and reports whether this call was the one that did. Every further Done,
// on any copy, from any goroutine, even after the TicketState has been used again for another
// ticket, changes nothing and is counted as DoubleReleases. Done on the zero Ticket does nothing
// and returns false.
func (t Ticket) Done() bool { return hostlimits.Ticket(t).Done() }

// Valid reports whether t came from a call that counted something, whether or not it has been
// released since.
func (t Ticket) Valid() bool { return hostlimits.Ticket(t).Valid() }
