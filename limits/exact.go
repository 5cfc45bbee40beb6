package limits

import (
	"math"
	"runtime"
	"sync/atomic"
)

// The exact table counts what is in flight for the few keys that have a slot in it, without the error of a sketch. A key
// that has nothing in flight may lose its slot to another; a pinned key keeps it. Keys that get no slot are counted in
// the sketch.
//
// The table is divided into sets by hash; a key's slot is in its set, and a key has at most one slot. Assigning slots
// takes the set's try-lock: who does not get it at once uses the sketch instead of waiting. The lock bears the number of
// its holder's ledger, so that it can be taken from the dead.

const (
	slotsPerSet  = 8
	maxExactSets = 1 << 13 // 65,536 slots
)

// tag says whose a slot is: the key's hash, whose highest bits make room for flags. In a table of 32 sets or more the
// number of the set tells these bits, and nothing of the hash is lost. 0: nobody's.
type tag uint64

const (
	tagAssigned tag = 1 << (59 + iota) // the slot is somebody's; always set but in a tag of 0
	tagSettled                         // no ticket of the key is counted in the sketch
	tagPinned                          // the slot is not given to another key
	tagClosing                         // the holder of the set's lock may be giving the slot to another key
	tagTurn                            // changes whenever closing came to nothing, so that the tag is not the one from before

	tagKey = tagAssigned<<1 - 1
)

func tagOf(hash uint64) tag { return tag(hash)&tagKey | tagAssigned }

func (t tag) has(flag tag) bool { return t&flag != 0 }
func (t tag) key() tag          { return t & tagKey }

// is tells whether the slot is this key's to count in.
func (t tag) is(key tag) bool { return t.key() == key && !t.has(tagClosing) }

// sameOwner tells whether between two looks at a tag its slot was the same key's without a break.
func (t tag) sameOwner(later tag) bool { return (t^later)&^(tagSettled|tagPinned) == 0 }

// exactSets is the number of sets for at least the given number of slots, up to the largest possible.
func exactSets(slots int) uint {
	sets := uint(1)
	for sets < maxExactSets && sets*slotsPerSet < uint(slots) {
		sets *= 2
	}
	return sets
}

// set is the set of a key. It takes the high bits of the hash, of which the sketch of default size uses none.
func (l *ledgers) set(hash uint64) uint {
	return uint(hash >> 32 * uint64(l.sets) >> 32)
}

// place is a slot's number plus one, as noted in a ticket; 0 is the sketch.
type place = uint32

func (l *ledgers) tag(slot uint) tag { return tag(atomic.LoadUint64(&l.tags[slot])) }

func (l *ledgers) swapTag(slot uint, old, new tag) bool {
	return atomic.CompareAndSwapUint64(&l.tags[slot], uint64(old), uint64(new))
}

func (l *ledgers) storeTag(slot uint, t tag) { atomic.StoreUint64(&l.tags[slot], uint64(t)) }

// find returns the place of hash, or 0. A key that is assigned its slot while find looks may be missed. Where the key's
// slot is being closed, it has no place now, and held is what is in flight there: for whoever counts in the sketch
// meanwhile, and has counted there already.
func (l *ledgers) find(hash uint64) (p place, held uint64) {
	key, first := tagOf(hash), l.set(hash)*slotsPerSet
	tags := l.tags[first:][:slotsPerSet]
	for j := range tags {
		t := tag(atomic.LoadUint64(&tags[j]))
		switch {
		case t.key() != key:
		case t.has(tagClosing):
			held += l.heldByAll(first+uint(j), none)
		default:
			return place(first + uint(j) + 1), 0
		}
	}
	return 0, held
}

// assign returns the place of hash and gives it a slot if it has none, or returns 0 if all slots of its set are in use or
// somebody else is assigning one.
func (l *ledgers) assign(hash uint64, name []byte) place {
	set := l.set(hash)
	if !atomic.CompareAndSwapUint64(&l.locks[set], 0, uint64(l.own)+1) {
		return 0
	}
	defer atomic.CompareAndSwapUint64(&l.locks[set], uint64(l.own)+1, 0)
	if p, _ := l.find(hash); p != 0 {
		return p
	}
	return l.take(set, hash, name)
}

// take gives hash a slot of the set. Slots without a key go first; then those of idle keys, from a different one for
// each key, so that newcomers do not all push out the same key. The caller holds the lock.
func (l *ledgers) take(set uint, hash uint64, name []byte) place {
	first := set * slotsPerSet
	for j := range uint(slotsPerSet) {
		if l.tag(first+j) == 0 && l.give(first+j, hash, name) {
			return place(first + j + 1)
		}
	}
	for k := range uint(slotsPerSet) {
		slot := first + (uint(hash)+k)%slotsPerSet
		if l.give(slot, hash, name) {
			return place(slot + 1)
		}
	}
	return 0
}

// give makes hash the owner of a slot in which nothing is in flight. The caller holds the lock.
//
// Others count in a slot first and look at its tag then; here the tag is closed first and the counts are looked at then.
// So at least one side sees the other: either the count is taken back, or the slot stays its key's.
func (l *ledgers) give(slot uint, hash uint64, name []byte) bool {
	old := l.tag(slot)
	if old.has(tagClosing|tagPinned) || l.heldByAll(slot, none) != 0 || !l.swapTag(slot, old, old|tagClosing) {
		return false
	}
	if l.heldByAll(slot, none) != 0 {
		l.reopen(slot, old)
		return false
	}
	l.setName(slot, name)
	l.storeTag(slot, tagOf(hash))
	return true
}

// reopen leaves a slot to the key that has it. The key may have come into the sketch meanwhile, so it is not settled.
func (l *ledgers) reopen(slot uint, t tag) {
	if t.key() == 0 {
		l.storeTag(slot, 0)
		return
	}
	l.storeTag(slot, (t^tagTurn)&^(tagSettled|tagClosing))
}

// entry is an attempt to count one more ticket and its outcome.
type entry struct {
	threshold uint64
	estimate  uint64 // in flight after the attempt
	place     place
	exact     bool
	admitted  bool
	wrapped   bool // the slot's number of admissions has come round
}

// maxAttempts bounds how often an attempt that met others at the very threshold is made again.
const maxAttempts = 4

// enter counts one more ticket for hash in the slot at p if that keeps what all processes have in it, and of the key
// in the sketch, within threshold. found is false if the slot is no longer hash's; then nothing was counted. The
// estimate includes the ticket if it was admitted.
//
// The exchange orders the attempts of one process. Those of several processes each count first and look at the
// others then, so that of all the tickets that are open together the one that counted last has seen all others: never
// are there more than the threshold. Attempts that meet there take their counts back and try again.
//
// Only keys without a slot are counted in the sketch (Limiter.enterSketch is the other half of this), so once a key has
// a slot its tickets in the sketch can only become fewer, and when there are none the slot is settled.
func (l *ledgers) enter(e *entry, p place, hash uint64) (found bool) {
	slot, key := uint(p-1), tagOf(hash)
	words := l.held[slot*l.processes:][:l.processes]
	word := &words[l.own]
	e.place = p
	for attempt := 0; ; {
		t := l.tag(slot)
		if !t.is(key) {
			return false
		}
		var spilled uint64
		if !t.has(tagSettled) {
			spilled = l.settle(slot, t, hash)
		}
		old := heldWord(atomic.LoadUint64(word))
		e.estimate = old.inFlight() + spilled + l.beside(words)
		if e.estimate >= e.threshold || uint32(old) == implausible-1 || attempt == maxAttempts {
			e.exact = spilled == 0
			return true
		}
		next := old + heldOne
		if uint32(old) >= implausible { // damaged: begin anew
			next = old&^math.MaxUint32 + heldOne
		}
		if !atomic.CompareAndSwapUint64(word, uint64(old), uint64(next)) {
			continue
		}
		e.estimate = next.inFlight() + spilled + l.beside(words)
		if e.estimate <= e.threshold && t.sameOwner(l.tag(slot)) {
			e.admitted, e.wrapped = true, next.admitted() == 0
			return true
		}
		l.returnHeld(slot, heldOne)
		attempt++
	}
}

// beside is what the other processes have of a slot.
func (l *ledgers) beside(words []uint64) (sum uint64) {
	if l.processes == 1 {
		return 0
	}
	for k := range words[:l.inUse()] {
		if uint(k) != l.own {
			sum += heldWord(atomic.LoadUint64(&words[k])).inFlight()
		}
	}
	return sum
}

// settle marks the slot as settled if the sketch has nothing for its key, and returns what the sketch has.
func (l *ledgers) settle(slot uint, t tag, hash uint64) (spilled uint64) {
	if spilled = l.estimate(hash); spilled == 0 {
		l.swapTag(slot, t, t|tagSettled)
	}
	return spilled
}

// leave takes back an enter. The ticket is what makes this safe: while it is open, its process holds something of the
// slot, and the slot cannot change hands.
func (l *ledgers) leave(p place) bool { return l.returnHeld(uint(p-1), 1) }

// pin keeps the slot of hash for it, assigning one first if need be, and settles it if that is possible now: later, the
// sketch may be busy with other keys. It reports false if all slots of the set are in use, or somebody has kept the set
// locked for long. Not for the request path: it waits for others that assign.
func (l *ledgers) pin(hash uint64, name []byte) bool {
	for range 1000 {
		p := l.assign(hash, name)
		if p == 0 {
			if l.full(hash) {
				return false
			}
			runtime.Gosched()
			continue
		}
		slot := uint(p - 1)
		t := l.tag(slot)
		if t.is(tagOf(hash)) && l.swapTag(slot, t, t|tagPinned) {
			l.settle(slot, t|tagPinned, hash)
			return true
		}
	}
	return false
}

// full reports whether no slot of the set of hash is free.
func (l *ledgers) full(hash uint64) bool {
	first := l.set(hash) * slotsPerSet
	for j := range uint(slotsPerSet) {
		if !l.tag(first+j).has(tagPinned) && l.heldByAll(first+j, none) == 0 {
			return false
		}
	}
	return true
}

// unpin lets the slot of hash, if it has one, go to another key again.
func (l *ledgers) unpin(hash uint64) {
	if p, _ := l.find(hash); p != 0 {
		l.unpinSlot(uint(p - 1))
	}
}

func (l *ledgers) unpinSlot(slot uint) {
	for {
		t := l.tag(slot)
		if !t.has(tagPinned) || l.swapTag(slot, t, t&^tagPinned) {
			return
		}
	}
}

// inFlight is what all processes have in flight of hash.
func (l *ledgers) inFlight(hash uint64) uint64 {
	p, closing := l.find(hash)
	if p == 0 {
		return l.estimate(hash) + closing
	}
	sum := l.heldByAll(uint(p-1), none)
	if !l.tag(uint(p - 1)).has(tagSettled) {
		sum += l.estimate(hash)
	}
	return sum
}
