package hostlimits

import "sync/atomic"

// DropCounters takes counters that are not pinned and have nothing in flight away from their keys,
// as a flood of other keys would, if no counter is being assigned.
func (l *Limiter) DropCounters() {
	for set := range l.ledgers.locks {
		if !atomic.CompareAndSwapUint64(&l.ledgers.locks[set], 0, 1) {
			continue
		}
		for counter := uint(set) * countersPerSet; counter < uint(set+1)*countersPerSet; counter++ {
			if _, ok := l.ledgers.give(counter, key{}); ok {
				l.ledgers.storeTag(counter, 0)
			}
		}
		atomic.StoreUint64(&l.ledgers.locks[set], 0)
	}
}

// HoldAssignments makes the whole table look busy, so that keys without a counter go to the sketch,
// until the returned function is called.
func (l *Limiter) HoldAssignments() (release func()) {
	for set := range l.ledgers.locks {
		for !atomic.CompareAndSwapUint64(&l.ledgers.locks[set], 0, 1) {
		}
	}
	return func() {
		for set := range l.ledgers.locks {
			atomic.StoreUint64(&l.ledgers.locks[set], 0)
		}
	}
}

// AdmitHash admits a key of which only the hash is given, and no name: tests choose hashes that
// meet in sets and cells.
func (l *Limiter) AdmitHash(state *TicketState, hash uint64) (a Admission, ok bool) {
	return l.admitKey(state, key{hash: hash})
}

// InFlightHash is InFlight for such a key.
func (l *Limiter) InFlightHash(hash uint64) uint64 { return l.inFlight(key{hash: hash}) }

// AdmitHashed is Admit for a key that has another hash than its own, as if two keys had the same.
func (l *Limiter) AdmitHashed(state *TicketState, hash uint64, name []byte) (a Admission, ok bool) {
	return l.admitKey(state, key{hash, name})
}

func (l *Limiter) admitKey(state *TicketState, k key) (a Admission, ok bool) {
	r := Result{Threshold: l.thresholds.get(k)}
	ok = l.admitTo(&a.Ticket, &r, state, k, nil)
	a.fill(&r)
	return a, ok
}
