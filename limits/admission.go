package limits

import (
	"time"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Reason says why a request was refused. Its String is a constant, fit for a header or a metric
// label.
type Reason uint8

// The reasons, in the order of their numbers.
const (
	// Admitted: not refused.
	Admitted = Reason(hostlimits.Admitted)
	// OverThreshold: the key's exact count is at its threshold.
	OverThreshold = Reason(hostlimits.OverThreshold)
	// OverEstimate: the key's estimate is at its threshold. The estimate may be too high, by keys
	// that share the cells and by attempts at the same instant.
	OverEstimate = Reason(hostlimits.OverEstimate)
	// Drained: the key's threshold is 0.
	Drained = Reason(hostlimits.Drained)
	// TicketInUse: the TicketState still belongs to an open ticket. This is a mistake of the caller
	// and says nothing about the key.
	TicketInUse = Reason(hostlimits.TicketInUse)
	// Shed: the key's threshold was not reached, but the lower one for requests of this score was.
	// Only package proxyhook refuses for this reason.
	Shed = Reason(hostlimits.Shed)
	// OverLowered: the key's threshold was not reached, but the one to which it is lowered while
	// its origin is slow was. Only package proxyhook refuses for this reason.
	OverLowered = Reason(hostlimits.OverLowered)
)

// String returns the name of the reason, for example "over_threshold".
func (r Reason) String() string { return hostlimits.Reason(r).String() }

// Admission is the answer of a [Limiter] to one request.
type Admission struct {
	// Ticket has to be released if the request was admitted. If it was refused, it is the zero
	// Ticket, whose Done does nothing.
	Ticket Ticket

	// Estimate is the number of requests in flight for the key, this one included if it was
	// admitted. It is never too low.
	Estimate uint64

	Threshold  uint32        // the key's threshold at this moment
	Reason     Reason        // Admitted, or why not
	RetryAfter time.Duration // the limiter's RetryAfter if refused, otherwise 0
}
