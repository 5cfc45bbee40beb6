package hostlimits

import "sync/atomic"

// Stats is a snapshot of a [Limiter]. The counters are read one after the other while others may
// change them; they agree with each other when nothing else runs.
type Stats struct {
	Admitted       uint64
	Refused        [Reasons]uint64 // by Reason; Refused[Admitted] is 0
	InFlight       uint64          // tickets of this process open now
	DoubleReleases uint64          // Done on tickets that were done already
	// releases that found less in the sketch than they had put there; 0 unless memory is damaged
	Clipped uint64

	Shared    bool   // counted together with the host's other processes, in a file
	Faults    uint64 // calls that found the file truncated: they counted and refused nothing
	Overrides int    // keys with a threshold of their own
	ExactKeys int    // keys with an exact counter
	// of these, the ones that keep it; below Overrides if those crowd in one part of the table
	PinnedKeys int
}

// RefusedTotal returns the number of refusals for any reason.
func (s Stats) RefusedTotal() uint64 {
	var total uint64
	for _, n := range s.Refused {
		total += n
	}
	return total
}

// tallies are the event counts of a limiter, in stripes by key, so that requests of different keys
// seldom write the same cache line.
type tallies [16]tally

type tally struct {
	admitted atomic.Uint64
	refused  [Reasons]atomic.Uint64
	doubles  atomic.Uint64
	clipped  atomic.Uint64
	faults   atomic.Uint64
	// to 128 bytes: two cache lines, as some processors fetch them in pairs
	_ [128 - 8*(4+int(Reasons))]byte
}

// stripe returns the stripe of a key.
func (t *tallies) stripe(hash uint64) *tally { return &t[hash%uint64(len(t))] }

// sum returns the sums of the stripes.
func (t *tallies) sum() Stats {
	var s Stats
	for i := range t {
		s.Admitted += t[i].admitted.Load()
		for r := range s.Refused {
			s.Refused[r] += t[i].refused[r].Load()
		}
		s.DoubleReleases += t[i].doubles.Load()
		s.Clipped += t[i].clipped.Load()
		s.Faults += t[i].faults.Load()
	}
	return s
}

// addTo adds what this process has in the memory to s.
func (l *ledgers) addTo(s *Stats) {
	for counter := range uint(l.counters()) {
		w := heldWord(atomic.LoadUint64(l.heldBy(counter, l.seat)))
		s.InFlight += w.inFlight()
		s.Admitted += uint64(w.admitted())
		if t := l.tag(counter); t != 0 {
			s.ExactKeys++
			if t.has(tagPinned) {
				s.PinnedKeys++
			}
		}
	}
	s.InFlight += l.inSketch(l.seat)
}
