package limits

import "github.com/headgate/headgate/internal/host/hostlimits"

// LimiterStats is a snapshot of a [Limiter]. The counters are read one after the other while others
// may change them; they agree with each other when nothing else runs.
type LimiterStats struct {
	Admitted       uint64
	Refused        [7]uint64 // by Reason; Refused[Admitted] is 0
	InFlight       uint64    // tickets of this process open now
	DoubleReleases uint64    // Done on tickets that were done already
	// releases that found less in the sketch than they had put there; 0 unless memory is damaged
	Clipped uint64

	// counted together with the host's other processes, as package proxyhook does beside a daemon
	Shared bool
	// calls that found the shared file truncated: nothing was counted and nothing refused
	Faults    uint64
	Overrides int // keys with a threshold of their own
	ExactKeys int // keys with an exact counter
	// of these, the ones that keep it; below Overrides if those crowd in one part of the table
	PinnedKeys int
}

// RefusedTotal returns the number of refusals for any reason.
func (s LimiterStats) RefusedTotal() uint64 { return hostlimits.Stats(s).RefusedTotal() }
