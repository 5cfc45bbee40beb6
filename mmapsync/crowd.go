package mmapsync

import "sync/atomic"

// crowd counts which holds in a slot that several Readers share are this Reader's, so that it can
// tell when none of its guards refers to a mapping any more: the word in the registry counts the
// holds of all, also of Readers that have died.
//
// A hold counts in entering from before it is in the word until it has a guard, and the guard is
// then taken until its Release. So entering must be read before the guards.
type crowd struct {
	entering [2]atomic.Int32               // by data file: holds without a guard
	guards   [2]*guards                    // by data file
	extra    [2]atomic.Pointer[extraGuard] // used while all of guards are taken
}

// extraGuard is a guard beyond the fixed ones. It stays for as long as the slot.
type extraGuard struct {
	guard
	next *extraGuard
}

func newCrowd(s *slot) *crowd { return &crowd{guards: [2]*guards{newGuards(s), newGuards(s)}} }

// snapshot returns a Snapshot for a hold on d that the caller has.
func (c *crowd) snapshot(s *slot, d *mapping) Snapshot {
	i := d.index & 1
	g, serial := c.guards[i].take()
	for m := c.extra[i].Load(); g == nil && m != nil; m = m.next {
		if n := m.serial.Load(); n&1 == 0 && m.serial.CompareAndSwap(n, n+1) {
			g, serial = &m.guard, n+1
		}
	}
	if g == nil {
		m := &extraGuard{guard: guard{word: s.word, slot: s, counted: true}}
		m.serial.Store(1)
		g, serial = &m.guard, 1
		for {
			m.next = c.extra[i].Load()
			if c.extra[i].CompareAndSwap(m.next, m) {
				break
			}
		}
	}
	c.entering[i].Add(-1)
	return Snapshot{data: d, guard: g, serial: serial}
}

// refers reports whether a guard may refer to a mapping of data file i. waiting is the number of
// goroutines that have a hold on it but no guard.
func (c *crowd) refers(i, waiting int) bool {
	if int(c.entering[i].Load()) > waiting {
		return true
	}
	for k := range c.guards[i] {
		if c.guards[i][k].serial.Load()&1 != 0 {
			return true
		}
	}
	for m := c.extra[i].Load(); m != nil; m = m.next {
		if m.serial.Load()&1 != 0 {
			return true
		}
	}
	return false
}
