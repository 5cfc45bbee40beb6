package hostlimits

import "time"

// Reason says why a request was refused. Its String is a constant, fit for a header or a metric
// label.
type Reason uint8

// The reasons, in the order of their numbers, which are part of the format of the limits file.
const (
	// Admitted: not refused.
	Admitted Reason = iota
	// OverThreshold: the key's exact count is at its threshold.
	OverThreshold
	// OverEstimate: the key's estimate is at its threshold. The estimate may be too high, by keys
	// that share the cells and by attempts at the same instant.
	OverEstimate
	// Drained: the key's threshold is 0.
	Drained
	// TicketInUse: the TicketState still belongs to an open ticket. This is a mistake of the caller
	// and says nothing about the key.
	TicketInUse
	// Shed: the key's threshold was not reached, but the lower one for requests of this score was.
	Shed
	// OverLowered: the key's threshold was not reached, but the one to which an [Adaptive] has
	// lowered it was.
	OverLowered

	Reasons // the number of reasons
)

var reasonNames = [Reasons]string{"admitted", "over_threshold", "over_estimate", "drained",
	"ticket_in_use", "shed", "over_lowered"}

// String returns the name of the reason, for example "over_threshold".
func (r Reason) String() string {
	if r >= Reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// Admission is the answer to one request.
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

// Result is an admission without its ticket. Functions of the request path write both into the
// caller's memory: copies of a whole Admission cost as much as the counting.
type Result struct {
	Estimate   uint64
	Threshold  uint32
	Reason     Reason
	RetryAfter time.Duration
}

// fill sets what a has besides the ticket.
func (a *Admission) fill(r *Result) {
	a.Estimate, a.Threshold = r.Estimate, r.Threshold
	a.Reason, a.RetryAfter = r.Reason, r.RetryAfter
}
