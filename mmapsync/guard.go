package mmapsync

import (
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/lane"
)

// guard is what one hold at a time is counted by. A Snapshot has the number of its hold, so that
// the hold ends once, however often the Snapshot is copied and released.
//
// An own slot has one guard, that of the goroutine that took the slot. A counted slot has many, so
// that the word in the registry can stay a plain count; a hold there also takes a guard.
type guard struct {
	word *atomic.Uint64 // the slot's
	slot *slot          // keeps the memory of the word mapped; nil if that is not a slot's
	// number of the hold; the next number once it has ended. In a counted slot odd while taken
	serial  atomic.Uint64
	counted bool // the word is a count that includes the hold
	// to a cache line: goroutines that share a counted slot take different guards
	_ [39]byte
}

// guards are those of a counted slot.
type guards [32]guard

func newGuards(s *slot) *guards {
	p := new(guards)
	for i := range p {
		p[i].word, p[i].slot, p[i].counted = s.word, s, true
	}
	return p
}

// snapshot returns a Snapshot for a hold on d that the caller has in s, a counted slot. If all
// guards are taken, it allocates one.
func (s *slot) snapshot(d *mapping) Snapshot {
	if s.crowd != nil {
		return s.crowd.snapshot(s, d)
	}
	if g, serial := s.guards.take(); g != nil {
		return Snapshot{data: d, guard: g, serial: serial}
	}
	return Snapshot{data: d, guard: &guard{word: s.word, slot: s, counted: true}}
}

// take takes a free guard and returns the number of the hold there; nil if none is free.
func (p *guards) take() (*guard, uint64) {
	first := lane.Hash() >> 23 // the bits next to those that have led to the slot
	for i := range uint32(len(p)) {
		g := &p[(first+i)%uint32(len(p))]
		if n := g.serial.Load(); n&1 == 0 && g.serial.CompareAndSwap(n, n+1) {
			return g, n + 1
		}
	}
	return nil, 0
}
