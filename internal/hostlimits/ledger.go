package hostlimits

import (
	"math"
	"reflect"
	"sync/atomic"

	"github.com/headgate/headgate/internal/countmin"
	"github.com/headgate/headgate/internal/keyhash"
)

// shape is the checked size of the memory that a Limiter counts in.
type shape struct {
	countmin.Geometry      // of the sketch
	sets              uint // of the exact table, a power of two
	processes         uint // ledgers
}

func (s shape) slots() int { return int(s.sets * slotsPerSet) }

// ledgers is the memory that a [Limiter] counts in. Each process that counts has a ledger: one counter for each slot of
// the exact table and for each cell of the sketch, which nobody else ever adds to. What is in flight is the sum over all
// ledgers, made when somebody asks. So there is no total that a process could leave wrong when it dies: its ledger is
// set to zero, and with it goes all that it ever counted, however far it was (see reap.go).
//
// The counters of one slot or cell lie beside each other, by process, so that up to 8 or 16 ledgers are read in one
// cache line. All words are accessed atomically. Any value of any of them is harmless: indexes never come from here.
type ledgers struct {
	shape
	hasher *keyhash.Hasher // of keys, under the memory's own secret
	own    uint            // this process's ledger
	used   *atomic.Uint64
	locks  []uint64 // sets; who assigns slots of the set: 0 nobody, else the number of its ledger and one
	tags   []uint64 // slots; a tag: whose the slot is
	names  []uint64 // slots * nameWords; the bytes of the slot's key, see name.go
	held   []uint64 // slots * processes; a heldWord
	cells  []uint32 // cells * processes; units in flight
}

// newLedgers makes the memory of a process that counts alone.
func newLedgers(s shape) ledgers {
	s.processes = 1
	used := new(atomic.Uint64)
	used.Store(1)
	return ledgers{
		shape:  s,
		hasher: keyhash.New(keyhash.NewSecret()),
		used:   used,
		locks:  make([]uint64, s.sets),
		tags:   make([]uint64, s.slots()),
		names:  make([]uint64, nameWords*s.slots()),
		held:   make([]uint64, s.slots()),
		cells:  make([]uint32, s.Geometry.Cells()),
	}
}

// inUse is how many ledgers have to be summed up: those ever taken. Whoever takes one raises the number before its first
// count. Somebody who counts, then loads the number and misses the raise, is missed himself by nobody: the other counts
// and looks later still.
func (l *ledgers) inUse() uint { return uint(min(l.used.Load(), uint64(l.processes))) }

// implausible is from where on a counter is taken for damage and read as zero: 2^30 requests of one key in one process
// are not in flight. A counter that was driven below zero is there, too.
const implausible = 1 << 30

// plausible is a counter's value, or 0 where it is damaged: damage must not refuse requests.
func plausible(n uint32) uint64 {
	if n >= implausible {
		return 0
	}
	return uint64(n)
}

// heldWord is what one process has of one slot.
//
//	bits 0-31   requests in flight
//	bits 32-63  requests admitted, modulo 2^32
type heldWord uint64

// heldOne is one more request, admitted and in flight.
const heldOne = 1<<32 | 1

func (w heldWord) inFlight() uint64 { return plausible(uint32(w)) }
func (w heldWord) admitted() uint32 { return uint32(w >> 32) }

// heldBy is the word of a process for a slot.
func (l *ledgers) heldBy(slot, process uint) *uint64 { return &l.held[slot*l.processes+process] }

// heldByAll is what all processes but one have in flight in a slot; except may be none of them.
func (l *ledgers) heldByAll(slot, except uint) (sum uint64) {
	n := l.inUse()
	words := l.held[slot*l.processes:][:n]
	for k := range words {
		if uint(k) != except {
			sum += heldWord(atomic.LoadUint64(&words[k])).inFlight()
		}
	}
	return sum
}

// none is the number of no ledger.
const none = math.MaxUint

// returnHeld takes units of heldWord back from this process's word of a slot, and tells whether they were there.
// Transiently a word that had nothing is far above what is plausible, and so counts as nothing.
func (l *ledgers) returnHeld(slot uint, units uint64) bool {
	word := l.heldBy(slot, l.own)
	if uint32(atomic.AddUint64(word, -units)) < implausible {
		return true
	}
	atomic.AddUint64(word, units)
	return false
}

// enterCells counts one unit of hash in every row.
func (l *ledgers) enterCells(hash uint64) {
	for row := range l.Rows {
		atomic.AddUint32(&l.cells[uint(l.Cell(hash, row))*l.processes+l.own], 1)
	}
}

// leaveCells takes it back, and tells whether every row had it.
func (l *ledgers) leaveCells(hash uint64) bool {
	whole := true
	for row := range l.Rows {
		word := &l.cells[uint(l.Cell(hash, row))*l.processes+l.own]
		if atomic.AddUint32(word, math.MaxUint32) >= implausible {
			atomic.AddUint32(word, 1)
			whole = false
		}
	}
	return whole
}

// estimate is what all processes have in flight of hash in the sketch: the lowest of its cells. Of all that entered a
// hash and have not left it, the one that entered last sees all of them in every row.
func (l *ledgers) estimate(hash uint64) uint64 {
	low, n := uint64(math.MaxUint64), l.inUse()
	for row := range l.Rows {
		words := l.cells[uint(l.Cell(hash, row))*l.processes:][:n]
		var sum uint64
		for k := range words {
			sum += plausible(atomic.LoadUint32(&words[k]))
		}
		low = min(low, sum)
	}
	return low
}

// inSketch is what one process has in flight in the sketch, which any one row holds.
func (l *ledgers) inSketch(process uint) (sum uint64) {
	for i := range uint(1) << l.Width {
		sum += plausible(atomic.LoadUint32(&l.cells[i*l.processes+process]))
	}
	return sum
}

// bytes is the size of the memory.
func (l *ledgers) bytes() int {
	return 8*(len(l.locks)+len(l.tags)+len(l.names)+len(l.held)) + 4*len(l.cells) + int(reflect.TypeFor[keyhash.Hasher]().Size())
}
