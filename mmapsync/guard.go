package mmapsync

import (
	"sync/atomic"

	"github.com/headgate/headgate/internal/lane"
)

// guard is a place for one hold at a time. A Snapshot is a hold by its number there, so that the hold ends once, however
// often the Snapshot is copied and released.
//
// In an own slot there is one place, which belongs to who has the slot. A counted slot has many, so that the word in the
// registry can stay a plain count; who has a hold there takes a place besides.
type guard struct {
	word    *atomic.Uint64 // the slot's
	slot    *slot          // keeps the memory of the word mapped; nil where that is no slot's
	serial  atomic.Uint64  // the number of the hold; the next one from when it ends. In a counted slot odd: taken
	counted bool           // the word counts, and the hold is one of it
	_       [39]byte       // its own cache line: goroutines that share a counted slot take different places
}

// places are the guards of a counted slot.
type places [32]guard

func newPlaces(s *slot) *places {
	p := new(places)
	for i := range p {
		p[i].word, p[i].slot, p[i].counted = s.word, s, true
	}
	return p
}

// snapshot makes a Snapshot of a hold on d that the caller has in s, a counted slot. Where all places are taken it
// allocates one.
func (s *slot) snapshot(d *mapping) Snapshot {
	if s.crowd != nil {
		return s.crowd.snapshot(s, d)
	}
	if g, serial := s.places.take(); g != nil {
		return Snapshot{data: d, guard: g, serial: serial}
	}
	return Snapshot{data: d, guard: &guard{word: s.word, slot: s, counted: true}}
}

// take gives a place that was free, and the number of the hold there; nil where none is free.
func (p *places) take() (*guard, uint64) {
	first := lane.Hash() >> 23 // the bits next to those that have led to the slot
	for i := range uint32(len(p)) {
		g := &p[(first+i)%uint32(len(p))]
		if n := g.serial.Load(); n&1 == 0 && g.serial.CompareAndSwap(n, n+1) {
			return g, n + 1
		}
	}
	return nil, 0
}
