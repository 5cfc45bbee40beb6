package limits

import (
	"math"
	"runtime"
	"sync/atomic"
)

// exactTable counts what is in flight for the few keys that have a slot in it,
// without the error of a sketch. A key that has nothing in flight may lose its
// slot to another; a pinned key keeps it. Keys that get no slot are counted
// in the sketch.
//
// The table is divided into sets by hash; a key's slot is in its set, and a
// key has at most one slot. Counting is one compare-and-swap on the slot.
// Assigning slots takes the set's try-lock: who does not get it at once uses the
// sketch instead of waiting.
type exactTable struct {
	sets []exactSet // a power of two
}

const (
	slotsPerSet  = 8
	maxExactSets = 1 << 13 // 65,536 slots, 1.1 MiB
)

type exactSet struct {
	assigning atomic.Uint32 // 1 while somebody assigns a slot of the set
	slots     [slotsPerSet]exactSlot
}

// exactSlot is one key's counter. Only the holder of the set's try-lock changes
// hash, and only while the slot is vacant.
type exactSlot struct {
	state atomic.Uint64 // a slotState
	hash  atomic.Uint64 // whose slot it is; means nothing while vacant
}

// slotState is everything about a slot that may change while others look, in
// one word. As the generation changes with the key, a compare-and-swap that
// succeeds proves that the slot still belongs to the key that was looked up.
//
//	bits 0-31   count of open tickets
//	bit  32     assigned: the slot belongs to the key in its hash field
//	bit  33     pinned: the slot is not given to another key
//	bit  34     settled: no ticket of the key is counted in the sketch
//	bits 35-63  generation
type slotState uint64

const (
	slotAssigned slotState = 1 << (32 + iota)
	slotPinned
	slotSettled
	slotGeneration
)

func (s slotState) count() uint32           { return uint32(s) }
func (s slotState) has(flag slotState) bool { return s&flag != 0 }

// free reports whether the slot may be given to another key.
func (s slotState) free() bool { return s.count() == 0 && !s.has(slotPinned) }

// nextOwner is the state under which the slot changes hands: vacant, in a new
// generation.
func (s slotState) nextOwner() slotState {
	return (s &^ (slotGeneration - 1)) + slotGeneration
}

// newExactTable makes a table of at least the given number of slots, up to the
// largest possible.
func newExactTable(slots int) exactTable {
	sets := 1
	for sets < maxExactSets && sets*slotsPerSet < slots {
		sets *= 2
	}
	return exactTable{make([]exactSet, sets)}
}

// set is the set of a key. It takes the high bits of the hash, of which the
// sketch of default size uses none.
func (t *exactTable) set(hash uint64) int {
	return int((hash >> 32 * uint64(len(t.sets))) >> 32)
}

// place is a slot's number plus one, as noted in a ticket; 0 is the sketch.
type place = uint32

// at returns the slot at a place.
func (t *exactTable) at(p place) *exactSlot {
	i := int(p - 1)
	return &t.sets[i/slotsPerSet].slots[i%slotsPerSet]
}

// find returns the place of hash, or 0. A key that is assigned its slot while
// find looks may be missed.
func (t *exactTable) find(hash uint64) place {
	i := t.set(hash)
	set := &t.sets[i]
	for j := range set.slots {
		slot := &set.slots[j]
		if slot.hash.Load() != hash {
			continue
		}
		if _, ok := slot.load(hash); ok {
			return place(i*slotsPerSet + j + 1)
		}
	}
	return 0
}

// load returns the state of the slot if it belongs to hash. The state is read
// before the hash: if the slot had changed hands between the two, an exchange
// of that state would fail.
func (s *exactSlot) load(hash uint64) (slotState, bool) {
	state := slotState(s.state.Load())
	return state, s.hash.Load() == hash && state.has(slotAssigned)
}

func (s *exactSlot) swap(old, new slotState) bool {
	return s.state.CompareAndSwap(uint64(old), uint64(new))
}

// assign returns the place of hash and gives it a slot if it has none, or
// returns 0 if all slots of its set are in use or somebody else is assigning one.
func (t *exactTable) assign(hash uint64) place {
	set := &t.sets[t.set(hash)]
	if !set.assigning.CompareAndSwap(0, 1) {
		return 0
	}
	defer set.assigning.Store(0)
	if p := t.find(hash); p != 0 {
		return p
	}
	if j := set.take(hash); j >= 0 {
		return place(t.set(hash)*slotsPerSet + j + 1)
	}
	return 0
}

// take gives hash a slot of the set and returns its index, or -1. Slots without a
// key go first; then those of idle keys, from a different one for each key, so
// that newcomers do not all push out the same key. The caller holds the try-lock.
func (set *exactSet) take(hash uint64) int {
	for j := range set.slots {
		if !slotState(set.slots[j].state.Load()).has(slotAssigned) && set.slots[j].give(hash) {
			return j
		}
	}
	for k := range set.slots {
		j := (int(hash%slotsPerSet) + k) % slotsPerSet
		if set.slots[j].give(hash) {
			return j
		}
	}
	return -1
}

// give makes hash the owner of the slot if the slot is free. The caller holds
// the set's try-lock.
func (s *exactSlot) give(hash uint64) bool {
	old := slotState(s.state.Load())
	if !old.free() {
		return false
	}
	next := old.nextOwner()
	if !s.swap(old, next) {
		return false // the owner has begun something
	}
	s.hash.Store(hash)
	s.state.Store(uint64(next | slotAssigned))
	return true
}

// enter counts one more ticket for hash in the slot at p if that keeps the sum
// of the slot's count and the key's count in spill, the sketch, within
// threshold. found is false if the slot is no longer hash's; then nothing was
// counted. The estimate includes the ticket if it was admitted, and is exact
// if the key is settled.
//
// Only keys without a slot are counted in the sketch (Limiter.enterSketch
// is the other half of this), so once a key has a slot its tickets in the
// sketch can only become fewer, and when there are none the slot is settled for
// as long as the key has it.
func (t *exactTable) enter(p place, hash uint64, threshold uint32, spill *sketch) (r entry, found bool) {
	slot := t.at(p)
	for {
		old, ok := slot.load(hash)
		if !ok {
			return entry{}, false
		}
		var spilled uint64
		if !old.has(slotSettled) {
			if spilled = slot.settle(old, hash, spill); spilled == 0 {
				continue
			}
		}
		held := uint64(old.count()) + spilled
		if held >= uint64(threshold) || old.count() == math.MaxUint32 {
			return entry{place: p, estimate: held, exact: old.has(slotSettled)}, true
		}
		if slot.swap(old, old+1) {
			return entry{place: p, estimate: held + 1, exact: old.has(slotSettled), admitted: true}, true
		}
	}
}

// settle marks the slot as settled if the sketch has nothing for its key, and
// returns what the sketch has.
func (s *exactSlot) settle(old slotState, hash uint64, spill *sketch) (spilled uint64) {
	if spilled = spill.peek(hash); spilled == 0 {
		s.swap(old, old|slotSettled)
	}
	return spilled
}

// entry is the outcome of an attempt to count one more ticket.
type entry struct {
	place    place
	estimate uint64 // in flight after the attempt
	exact    bool
	admitted bool
}

// leave takes back an enter. The ticket is what makes this safe: while it is
// open the count is at least 1 and the slot cannot change hands.
func (t *exactTable) leave(p place) {
	t.at(p).state.Add(^uint64(0))
}

// pin keeps the slot of hash for it, assigning one first if need be, and settles
// it if that is possible now: later, the sketch may be busy with other keys. It
// reports false if all slots of the set are in use. Not for the request path: it
// waits for others that assign.
func (t *exactTable) pin(hash uint64, spill *sketch) bool {
	for {
		p := t.assign(hash)
		if p == 0 {
			if t.full(hash) {
				return false
			}
			runtime.Gosched()
			continue
		}
		slot := t.at(p)
		old, ok := slot.load(hash)
		if ok && slot.swap(old, old|slotPinned) {
			slot.settle(old|slotPinned, hash, spill)
			return true
		}
	}
}

// full reports whether no slot of the set of hash is free.
func (t *exactTable) full(hash uint64) bool {
	set := &t.sets[t.set(hash)]
	for j := range set.slots {
		if slotState(set.slots[j].state.Load()).free() {
			return false
		}
	}
	return true
}

// unpin lets the slot of hash, if it has one, go to another key again.
func (t *exactTable) unpin(hash uint64) {
	p := t.find(hash)
	if p == 0 {
		return
	}
	slot := t.at(p)
	for {
		old, ok := slot.load(hash)
		if !ok || !old.has(slotPinned) || slot.swap(old, old&^slotPinned) {
			return
		}
	}
}

// peek returns the count of hash if it has a slot.
func (t *exactTable) peek(hash uint64) (state slotState, ok bool) {
	p := t.find(hash)
	if p == 0 {
		return 0, false
	}
	return t.at(p).load(hash)
}

// tell adds up all slots.
func (t *exactTable) tell(stats *LimiterStats) {
	for i := range t.sets {
		for j := range t.sets[i].slots {
			state := slotState(t.sets[i].slots[j].state.Load())
			stats.InFlight += uint64(state.count())
			if state.has(slotAssigned) {
				stats.ExactKeys++
			}
			if state.has(slotPinned) {
				stats.PinnedKeys++
			}
		}
	}
}
