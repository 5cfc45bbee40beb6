package mmapsync

import (
	"runtime"
	"sync/atomic"
)

// slotWord is the value of a slot: how many guards of its reader hold each data file, and whether the writer has
// given up on it. All three share one word so that a reader can end the retirement of its own slot exactly when
// nobody holds it.
type slotWord uint64

const (
	slotRetired   slotWord = 1 << 63
	slotCountMask          = 1<<31 - 1
)

// oneHold is what one hold on data file i adds to a slot's word.
func oneHold(i int) uint64 { return 1 << (32 * (uint(i) & 1)) }

// holds is the number of guards that hold data file i.
func (w slotWord) holds(i int) int { return int(w >> (32 * (uint(i) & 1)) & slotCountMask) }

// retired says whether the writer ignores the slot.
func (w slotWord) retired() bool { return w&slotRetired != 0 }

// slot is one of a Reader's slots. The word is in the registry. The writer sets the retired bit, and clears the word
// only when the byte lock shows that the reader is dead. There are two kinds, which to the writer are the same:
//
//   - In a counted slot any number of guards add and subtract their holds.
//   - An own slot has one guard at a time: whoever exchanges a word of 0 for its hold has the slot to itself, and
//     ends its hold by storing 0. Where the writer has retired the slot meanwhile that ends the retirement too, as
//     reclaim does.
//
// A counted slot may be shared with Readers of other processes. Its word then counts the holds of all of them, and its crowd
// knows which are this Reader's.
type slot struct {
	word    *atomic.Uint64
	client  *client // whose slot this is; keeps the memory of the word mapped for as long as somebody has the slot
	number  int
	places  *places         // of the guards in a counted slot; nil: an own slot
	crowd   *crowd          // of a slot that is shared with other Readers; otherwise nil
	waiting [2]atomic.Int32 // goroutines in the slow path of client.mapping, each with one hold that refers to no mapping
}

// hold counts one guard in on data file i. It comes before the load of the mapping that the guard will use.
func (s *slot) hold(i int) {
	if s.crowd != nil {
		s.crowd.entering[i&1].Add(1)
	}
	s.word.Add(oneHold(i))
	runtime.KeepAlive(s) // the word is in memory that goes when nobody has the slot
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

// metSomebody is what a goroutine does about an own slot that it did not get: it says whether another goroutine has it;
// where nobody has it, but the writer has retired it, the retirement ends.
func (s *slot) metSomebody() bool {
	word := s.load()
	if word.retired() {
		s.reclaim()
	}
	return word.holds(0)+word.holds(1) > 0
}

// reclaim ends the retirement where nobody holds the slot. A goroutine that is still half-way through an Acquire with
// this slot either has a hold, and the exchange fails, or takes its first hold afterwards, on a live slot.
func (s *slot) reclaim() bool {
	done := s.word.CompareAndSwap(uint64(slotRetired), 0)
	runtime.KeepAlive(s)
	return done
}
