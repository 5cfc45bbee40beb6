package mmapsync

import (
	"runtime"
	"sync/atomic"
)

// slotWord is the value of a slot: how many guards of its reader hold each data file, and whether
// the writer has retired the slot. All three share one word so that a reader can end the retirement
// of its own slot exactly when it has no holds.
type slotWord uint64

const (
	slotRetired   slotWord = 1 << 63
	slotCountMask          = 1<<31 - 1
)

// oneHold returns what one hold on data file i adds to a slot's word.
func oneHold(i int) uint64 { return 1 << (32 * (uint(i) & 1)) }

// holds returns the number of guards that hold data file i.
func (w slotWord) holds(i int) int { return int(w >> (32 * (uint(i) & 1)) & slotCountMask) }

// retired reports whether the writer ignores the slot.
func (w slotWord) retired() bool { return w&slotRetired != 0 }

// slot is one of a Reader's slots. The word is in the registry. The writer sets the retired bit,
// and clears the word only when the byte lock shows that the reader is dead. There are two kinds,
// which to the writer are the same:
//
//   - In a counted slot any number of guards add and subtract their holds.
//   - An own slot has one guard at a time: the goroutine that exchanges a word of 0 for its hold
//     has the slot to itself, and ends its hold by storing 0. If the writer has retired the slot
//     meanwhile, that also ends the retirement, as reclaim does.
//
// A counted slot may be shared with Readers of other processes. Its word then counts the holds of
// all of them, and its crowd counts this Reader's.
type slot struct {
	word   *atomic.Uint64
	client *client // the slot's; keeps the memory of the word mapped while the slot is reachable
	number int
	guards *guards // of a counted slot; nil in an own slot
	crowd  *crowd  // of a slot that is shared with other Readers; otherwise nil
	// goroutines in the slow path of client.mapping, each with one hold that refers to no mapping
	waiting [2]atomic.Int32
}

// hold adds one hold on data file i. It comes before the load of the mapping that the guard will
// use.
func (s *slot) hold(i int) {
	if s.crowd != nil {
		s.crowd.entering[i&1].Add(1)
	}
	s.word.Add(oneHold(i))
	runtime.KeepAlive(s) // the word is unmapped when the slot is unreachable
}

// drop ends one hold that is not yet a Snapshot's.
func (s *slot) drop(i int) {
	s.word.Add(-oneHold(i))
	if s.crowd != nil {
		s.crowd.entering[i&1].Add(-1)
	}
	runtime.KeepAlive(s)
}

func (s *slot) load() slotWord {
	w := slotWord(s.word.Load())
	runtime.KeepAlive(s)
	return w
}

// contended is called by a goroutine that did not get an own slot. It reports whether another
// goroutine has the slot; if none has it, but the writer has retired it, the retirement ends.
func (s *slot) contended() bool {
	word := s.load()
	if word.retired() {
		s.reclaim()
	}
	return word.holds(0)+word.holds(1) > 0
}

// reclaim ends the retirement if the slot has no holds. A goroutine that is inside Acquire with
// this slot either has a hold, and the exchange fails, or takes its first hold afterwards, on a
// live slot.
func (s *slot) reclaim() bool {
	done := s.word.CompareAndSwap(uint64(slotRetired), 0)
	runtime.KeepAlive(s)
	return done
}
