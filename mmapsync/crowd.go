package mmapsync

import "sync/atomic"

// crowd knows which holds in a slot that several Readers share are this Reader's, so that it can tell when none of its guards
// refers to a mapping any more: the word in the registry counts everybody's, and those of Readers that have died.
//
// A hold is counted in entering from before it is in the word until it has a place, and the place is then taken until its
// Release. So entering must be looked at before the places.
type crowd struct {
	entering [2]atomic.Int32               // by data file: holds without a place
	places   [2]*places                    // by data file
	more     [2]atomic.Pointer[morePlaces] // where all of these are taken
}

// morePlaces is one place more, which stays for as long as the slot.
type morePlaces struct {
	guard
	next *morePlaces
}

func newCrowd(s *slot) *crowd { return &crowd{places: [2]*places{newPlaces(s), newPlaces(s)}} }

// snapshot makes a Snapshot of a hold on d that the caller has.
func (c *crowd) snapshot(s *slot, d *mapping) Snapshot {
	i := d.index & 1
	g, serial := c.places[i].take()
	for m := c.more[i].Load(); g == nil && m != nil; m = m.next {
		if n := m.serial.Load(); n&1 == 0 && m.serial.CompareAndSwap(n, n+1) {
			g, serial = &m.guard, n+1
		}
	}
	if g == nil {
		m := &morePlaces{guard: guard{word: s.word, slot: s, counted: true}}
		m.serial.Store(1)
		g, serial = &m.guard, 1
		for {
			m.next = c.more[i].Load()
			if c.more[i].CompareAndSwap(m.next, m) {
				break
			}
		}
	}
	c.entering[i].Add(-1)
	return Snapshot{data: d, guard: g, serial: serial}
}

// refers says whether a guard may refer to a mapping of data file i, where so many goroutines have a hold on it that refers
// to none.
func (c *crowd) refers(i, waiting int) bool {
	if int(c.entering[i].Load()) > waiting {
		return true
	}
	for k := range c.places[i] {
		if c.places[i][k].serial.Load()&1 != 0 {
			return true
		}
	}
	for m := c.more[i].Load(); m != nil; m = m.next {
		if m.serial.Load()&1 != 0 {
			return true
		}
	}
	return false
}
