package hostlimits

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
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

// tag says whose a slot may be: the key's hash, whose highest bits make room for flags. Whether it is that key's, its name
// decides. 0: nobody's.
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

// sameOwner tells whether between two looks at a tag its slot was the same key's without a break. A tag that comes into
// the place of another one differs from it in tagTurn if in nothing else.
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

// Place is a slot's number plus one, as noted in a ticket; 0 is the sketch.
type Place = uint32

func (l *ledgers) tag(slot uint) tag { return tag(atomic.LoadUint64(&l.tags[slot])) }

func (l *ledgers) swapTag(slot uint, old, new tag) bool {
	return atomic.CompareAndSwapUint64(&l.tags[slot], uint64(old), uint64(new))
}

func (l *ledgers) storeTag(slot uint, t tag) { atomic.StoreUint64(&l.tags[slot], uint64(t)) }

// key is what a request is counted by.
type key struct {
	hash uint64 // of name, by the ledgers' hasher
	name []byte
}

// keyOf hashes a name.
func (l *ledgers) keyOf(name []byte) key { return key{l.hasher.Hash(name), name} }

// owned is a slot that was found to be a key's.
type owned struct {
	place Place // 0: none
	tag   tag   // when it was found
}

// find returns the slot of k, if it has one. A key that is assigned its slot while find looks may be missed. Where the
// key's slot is being closed, it has none now, and held is what is in flight there: for whoever counts in the sketch
// meanwhile, and has counted there already.
func (l *ledgers) find(k key) (o owned, held uint64) {
	wanted, first := tagOf(k.hash), l.set(k.hash)*slotsPerSet
	tags := l.tags[first:][:slotsPerSet]
	for j := range tags {
		t := tag(atomic.LoadUint64(&tags[j]))
		switch {
		case t.key() != wanted:
		case t.has(tagClosing):
			held += l.heldByAll(first+uint(j), none)
		case l.isNamed(first+uint(j), k.name):
			return owned{Place(first + uint(j) + 1), t}, 0
		}
	}
	return owned{}, held
}

// assign returns the slot of k and gives it one if it has none, or returns none if all slots of its set are in use or
// somebody else is assigning one.
func (l *ledgers) assign(k key) owned {
	set := l.set(k.hash)
	if !atomic.CompareAndSwapUint64(&l.locks[set], 0, uint64(l.own)+1) {
		return owned{}
	}
	o, _ := l.find(k)
	if o.place == 0 {
		o = l.take(set, k)
	}
	atomic.CompareAndSwapUint64(&l.locks[set], uint64(l.own)+1, 0)
	return o
}

// take gives k a slot of the set. Slots without a key go first; then those of idle keys, from a different one for
// each key, so that newcomers do not all push out the same key. The caller holds the lock.
func (l *ledgers) take(set uint, k key) owned {
	first := set * slotsPerSet
	for j := range uint(slotsPerSet) {
		if l.tag(first+j) == 0 {
			if t, ok := l.give(first+j, k); ok {
				return owned{Place(first + j + 1), t}
			}
		}
	}
	for j := range uint(slotsPerSet) {
		slot := first + (uint(k.hash)+j)%slotsPerSet
		if t, ok := l.give(slot, k); ok {
			return owned{Place(slot + 1), t}
		}
	}
	return owned{}
}

// give makes k the owner of a slot in which nothing is in flight, and returns its tag. The caller holds the lock.
//
// Others count in a slot first and look at its tag then; here the tag is closed first and the counts are looked at then.
// So at least one side sees the other: either the count is taken back, or the slot stays its key's.
func (l *ledgers) give(slot uint, k key) (t tag, ok bool) {
	old := l.tag(slot)
	if old.has(tagClosing|tagPinned) || l.heldByAll(slot, none) != 0 || !l.swapTag(slot, old, old|tagClosing) {
		return 0, false
	}
	if l.heldByAll(slot, none) != 0 {
		l.reopen(slot, old)
		return 0, false
	}
	l.setName(slot, k.name)
	t = tagOf(k.hash) | (old^tagTurn)&tagTurn
	mmap.StoreReleaseAt(&l.tags[slot], uint64(t)) // the exchange that unlocks the set orders it before what is looked at next
	return t, true
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
	lowered   uint32 // what the threshold of all requests of the key is lowered to
	estimate  uint64 // in flight after the attempt
	place     Place
	exact     bool
	admitted  bool
	wrapped   bool // the slot's number of admissions has come round
}

// maxAttempts bounds how often an attempt that met others at the very threshold is made again.
const maxAttempts = 4

// enter counts one more ticket for the key with this hash in the slot o if that keeps what all processes have in it, and
// of the key in the sketch, within threshold. found is false if the slot is no longer the key's; then nothing was counted.
// The estimate includes the ticket if it was admitted.
//
// The exchange orders the attempts of one process. Those of several processes each count first and look at the
// others then, so that of all the tickets that are open together the one that counted last has seen all others: never
// are there more than the threshold. Attempts that meet there take their counts back and try again.
//
// Only keys without a slot are counted in the sketch (Limiter.enterSketch is the other half of this), so once a key has
// a slot its tickets in the sketch can only become fewer, and when there are none the slot is settled.
func (l *ledgers) enter(e *entry, o owned, hash uint64) (found bool) {
	slot := uint(o.place - 1)
	words := l.held[slot*l.processes:][:l.processes]
	word := &words[l.own]
	e.place = o.place
	for attempt := 0; ; {
		t := l.tag(slot)
		if !t.sameOwner(o.tag) {
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
func (l *ledgers) leave(p Place) bool { return l.returnHeld(uint(p-1), 1) }

// pin keeps the slot of k for it, assigning one first if need be, and settles it if that is possible now: later, the
// sketch may be busy with other keys. It reports false if all slots of the set are in use, or somebody has kept the set
// locked for long. Not for the request path: it waits for others that assign.
func (l *ledgers) pin(k key) bool {
	for range 1000 {
		o := l.assign(k)
		if o.place == 0 {
			if l.full(k.hash) {
				return false
			}
			runtime.Gosched()
			continue
		}
		slot := uint(o.place - 1)
		t := l.tag(slot)
		if t.sameOwner(o.tag) && l.swapTag(slot, t, t|tagPinned) {
			l.settle(slot, t|tagPinned, k.hash)
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

// unpin lets the slot of k, if it has one, go to another key again.
func (l *ledgers) unpin(k key) {
	if o, _ := l.find(k); o.place != 0 {
		l.unpinSlot(uint(o.place - 1))
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

// inFlight is what all processes have in flight of k.
func (l *ledgers) inFlight(k key) uint64 {
	o, closing := l.find(k)
	if o.place == 0 {
		return l.estimate(k.hash) + closing
	}
	slot := uint(o.place - 1)
	sum := l.heldByAll(slot, none)
	if !l.tag(slot).has(tagSettled) {
		sum += l.estimate(k.hash)
	}
	return sum
}
