package hostlimits

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// The exact table counts what is in flight for the few keys that have a counter in it, without the
// error of a sketch. A key that has nothing in flight may lose its counter to another; a pinned key
// keeps it. Keys that get no counter are counted in the sketch.
//
// The table is divided into sets by hash. A key's counter is in its set, and a key has at most one
// counter. A process that assigns a counter takes the try-lock of the set; if it is taken, the
// process uses the sketch instead of waiting. The lock has the seat of its holder, so that it can
// be taken from a dead process.

const (
	countersPerSet = 8
	maxExactSets   = 1 << 13 // 65,536 counters
)

// tag says whose a counter may be: the key's hash, whose highest bits make room for flags. The
// counter's name decides whether it is that key's. 0: free.
type tag uint64

const (
	tagAssigned tag = 1 << (59 + iota) // the counter has a key; set in every tag but 0
	tagSettled                         // no ticket of the key is counted in the sketch
	tagPinned                          // the counter stays its key's
	// the holder of the set's lock may be assigning the counter to another key
	tagClosing
	// flips whenever closing is given up, so that the tag differs from the previous one
	tagTurn

	tagKey = tagAssigned<<1 - 1
)

func newTag(hash uint64) tag { return tag(hash)&tagKey | tagAssigned }

func (t tag) has(flag tag) bool { return t&flag != 0 }
func (t tag) key() tag          { return t & tagKey }

// sameOwner reports whether the counter was the same key's all the time between two loads of its
// tag. A tag that replaces another one differs from it at least in tagTurn.
func (t tag) sameOwner(later tag) bool { return (t^later)&^(tagSettled|tagPinned) == 0 }

// exactSets returns the number of sets for at least the given number of counters, up to
// maxExactSets.
func exactSets(counters int) uint {
	sets := uint(1)
	for sets < maxExactSets && sets*countersPerSet < uint(counters) {
		sets *= 2
	}
	return sets
}

// set returns the set of a key. It takes the high bits of the hash, of which the sketch of default
// size uses none.
func (l *ledgers) set(hash uint64) uint {
	return uint(hash >> 32 * uint64(l.sets) >> 32)
}

// Where says where a ticket is counted: the number of an exact counter plus one, or 0 for the
// sketch.
type Where = uint32

func (l *ledgers) tag(counter uint) tag { return tag(atomic.LoadUint64(&l.tags[counter])) }

func (l *ledgers) swapTag(counter uint, old, new tag) bool {
	return atomic.CompareAndSwapUint64(&l.tags[counter], uint64(old), uint64(new))
}

func (l *ledgers) storeTag(counter uint, t tag) { atomic.StoreUint64(&l.tags[counter], uint64(t)) }

// key is what a request is counted by.
type key struct {
	hash uint64 // of name, by the ledgers' hasher
	name []byte
}

// key returns the key with this name.
func (l *ledgers) key(name []byte) key { return key{l.hasher.Hash(name), name} }

// owned is a counter that was found to be a key's.
type owned struct {
	where Where // 0: none
	tag   tag   // at that time
}

// find returns the counter of k, if it has one. It may miss a counter that is assigned at the same
// time. If the key's counter is being closed, the key has none now, and held is what is in flight
// there: callers that have counted in the sketch add it.
func (l *ledgers) find(k key) (o owned, held uint64) {
	wanted, first := newTag(k.hash), l.set(k.hash)*countersPerSet
	tags := l.tags[first:][:countersPerSet]
	for j := range tags {
		t := tag(atomic.LoadUint64(&tags[j]))
		switch {
		case t.key() != wanted:
		case t.has(tagClosing):
			held += l.heldByAll(first+uint(j), noSeat)
		case l.isNamed(first+uint(j), k.name):
			return owned{Where(first + uint(j) + 1), t}, 0
		}
	}
	return owned{}, held
}

// assign returns the counter of k and assigns one if it has none. The result is zero if all
// counters of the set are in use or another process or goroutine is assigning one.
func (l *ledgers) assign(k key) owned {
	set := l.set(k.hash)
	if !atomic.CompareAndSwapUint64(&l.locks[set], 0, uint64(l.seat)+1) {
		return owned{}
	}
	o, _ := l.find(k)
	if o.where == 0 {
		o = l.take(set, k)
	}
	atomic.CompareAndSwapUint64(&l.locks[set], uint64(l.seat)+1, 0)
	return o
}

// take assigns k a counter of the set. Counters without a key go first; then those of idle keys,
// beginning at one that depends on the key, so that newcomers do not all push out the same key. The
// caller holds the lock.
func (l *ledgers) take(set uint, k key) owned {
	first := set * countersPerSet
	for j := range uint(countersPerSet) {
		if l.tag(first+j) == 0 {
			if t, ok := l.give(first+j, k); ok {
				return owned{Where(first + j + 1), t}
			}
		}
	}
	for j := range uint(countersPerSet) {
		counter := first + (uint(k.hash)+j)%countersPerSet
		if t, ok := l.give(counter, k); ok {
			return owned{Where(counter + 1), t}
		}
	}
	return owned{}
}

// give makes k the owner of a counter in which nothing is in flight, and returns its tag. The
// caller holds the lock.
//
// Other processes count in a counter first and load its tag then; here the tag is closed first and
// the counts are loaded then. So at least one side sees the other: either the count is taken back,
// or the counter stays its key's.
func (l *ledgers) give(counter uint, k key) (t tag, ok bool) {
	old := l.tag(counter)
	if old.has(tagClosing|tagPinned) || l.heldByAll(counter, noSeat) != 0 ||
		!l.swapTag(counter, old, old|tagClosing) {
		return 0, false
	}
	if l.heldByAll(counter, noSeat) != 0 {
		l.reopen(counter, old)
		return 0, false
	}
	l.setName(counter, k.name)
	t = newTag(k.hash) | (old^tagTurn)&tagTurn
	// ordered before later loads by the exchange that unlocks the set
	mmap.StoreReleaseAt(&l.tags[counter], uint64(t))
	return t, true
}

// reopen leaves a counter to its key. The key may have been counted in the sketch meanwhile, so it
// is not settled.
func (l *ledgers) reopen(counter uint, t tag) {
	if t.key() == 0 {
		l.storeTag(counter, 0)
		return
	}
	l.storeTag(counter, (t^tagTurn)&^(tagSettled|tagClosing))
}

// entry is an attempt to count one more ticket and its outcome.
type entry struct {
	threshold uint64
	lowered   uint32 // the lowered threshold of all requests of the key
	estimate  uint64 // in flight after the attempt
	where     Where
	exact     bool
	admitted  bool
	wrapped   bool // the counter's number of admissions has wrapped around
}

// maxAttempts bounds how often an attempt is repeated that met others at the threshold.
const maxAttempts = 4

// enter counts one more ticket for the key with this hash in the counter o, if what all processes
// have in it, and of the key in the sketch, stays within threshold. found is false if the counter
// is no longer the key's; then nothing was counted. The estimate includes the ticket if it was
// admitted.
//
// The exchange orders the attempts of one process. Attempts of several processes each count first
// and load the counts of the others then. Of all tickets that are open together, the one that
// counted last has seen all others, so there are never more than the threshold. Attempts that meet
// there take their counts back and try again.
//
// Only keys without a counter are counted in the sketch (see Limiter.enterSketch), so once a key
// has a counter, its tickets in the sketch can only become fewer, and when there are none the
// counter is settled.
func (l *ledgers) enter(e *entry, o owned, hash uint64) (found bool) {
	counter := uint(o.where - 1)
	words := l.held[counter*l.seats:][:l.seats]
	word := &words[l.seat]
	e.where = o.where
	for attempt := 0; ; {
		t := l.tag(counter)
		if !t.sameOwner(o.tag) {
			return false
		}
		var spilled uint64
		if !t.has(tagSettled) {
			spilled = l.settle(counter, t, hash)
		}
		old := heldWord(atomic.LoadUint64(word))
		e.estimate = old.inFlight() + spilled + l.others(words)
		if e.estimate >= e.threshold || uint32(old) == implausible-1 || attempt == maxAttempts {
			e.exact = spilled == 0
			return true
		}
		next := old + heldOne
		if uint32(old) >= implausible { // damaged: start again at one
			next = old&^math.MaxUint32 + heldOne
		}
		if !atomic.CompareAndSwapUint64(word, uint64(old), uint64(next)) {
			continue
		}
		e.estimate = next.inFlight() + spilled + l.others(words)
		if e.estimate <= e.threshold && t.sameOwner(l.tag(counter)) {
			e.admitted, e.wrapped = true, next.admitted() == 0
			return true
		}
		l.returnHeld(counter, heldOne)
		attempt++
	}
}

// others returns what the other processes have in a counter.
func (l *ledgers) others(words []uint64) (sum uint64) {
	if l.seats == 1 {
		return 0
	}
	for k := range words[:l.inUse()] {
		if uint(k) != l.seat {
			sum += heldWord(atomic.LoadUint64(&words[k])).inFlight()
		}
	}
	return sum
}

// settle marks the counter as settled if the sketch has nothing for its key, and returns what the
// sketch has.
func (l *ledgers) settle(counter uint, t tag, hash uint64) (spilled uint64) {
	if spilled = l.estimate(hash); spilled == 0 {
		l.swapTag(counter, t, t|tagSettled)
	}
	return spilled
}

// leave takes back an enter. While the ticket is open, its process holds something of the counter,
// so the counter cannot have been assigned to another key.
func (l *ledgers) leave(p Where) bool { return l.returnHeld(uint(p-1), 1) }

// pin pins the counter of k, assigning one first if it has none, and settles it if that is possible
// now: later, the sketch may be busy with other keys. It returns false if all counters of the set
// are in use, or the set stays locked for long. It is not for the request path: it waits for others
// that assign.
func (l *ledgers) pin(k key) bool {
	for range 1000 {
		o := l.assign(k)
		if o.where == 0 {
			if l.full(k.hash) {
				return false
			}
			runtime.Gosched()
			continue
		}
		counter := uint(o.where - 1)
		t := l.tag(counter)
		if t.sameOwner(o.tag) && l.swapTag(counter, t, t|tagPinned) {
			l.settle(counter, t|tagPinned, k.hash)
			return true
		}
	}
	return false
}

// full reports whether no counter of the set of hash is free.
func (l *ledgers) full(hash uint64) bool {
	first := l.set(hash) * countersPerSet
	for j := range uint(countersPerSet) {
		if !l.tag(first+j).has(tagPinned) && l.heldByAll(first+j, noSeat) == 0 {
			return false
		}
	}
	return true
}

// unpin lets the counter of k, if it has one, be assigned to another key again.
func (l *ledgers) unpin(k key) {
	if o, _ := l.find(k); o.where != 0 {
		l.unpinCounter(uint(o.where - 1))
	}
}

func (l *ledgers) unpinCounter(counter uint) {
	for {
		t := l.tag(counter)
		if !t.has(tagPinned) || l.swapTag(counter, t, t&^tagPinned) {
			return
		}
	}
}

// inFlight returns what all processes have in flight of k.
func (l *ledgers) inFlight(k key) uint64 {
	o, closing := l.find(k)
	if o.where == 0 {
		return l.estimate(k.hash) + closing
	}
	counter := uint(o.where - 1)
	sum := l.heldByAll(counter, noSeat)
	if !l.tag(counter).has(tagSettled) {
		sum += l.estimate(k.hash)
	}
	return sum
}
