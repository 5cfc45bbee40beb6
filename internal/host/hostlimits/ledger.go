package hostlimits

import (
	"math"
	"reflect"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/base/keyhash"
)

// shape is the checked size of the memory that a Limiter counts in.
type shape struct {
	countmin.Geometry      // of the sketch
	sets              uint // of the exact table, a power of two
	seats             uint // one for each process
}

func (s shape) counters() int { return int(s.sets * countersPerSet) }

// ledgers is the memory that a [Limiter] counts in. Each process has a seat there and with it a
// ledger: its own words of each exact counter and of each cell of the sketch, which no other
// process adds to. What is in flight is the sum over all ledgers, which is made on reading. So
// there is no total that a process could leave wrong when it dies: setting its ledger to zero takes
// out all that it ever counted (see reap.go).
//
// The words of one counter or cell are beside each other, by seat, so that up to 8 or 16 ledgers
// are read in one cache line. All words are accessed atomically. Any value of any of them is
// harmless: no index comes from here.
type ledgers struct {
	shape
	hasher *keyhash.Hasher // of keys, under the memory's own secret
	seat   uint            // this process's
	used   *atomic.Uint64
	locks  []uint64 // sets; 0 if free, else one more than the seat of the holder
	tags   []uint64 // counters; a tag
	names  []uint64 // counters * nameWords; the bytes of the counter's key, see name.go
	held   []uint64 // counters * seats; a heldWord
	cells  []uint32 // cells * seats; units in flight
}

// newLedgers returns the memory of a process that counts alone.
func newLedgers(s shape) ledgers {
	s.seats = 1
	used := new(atomic.Uint64)
	used.Store(1)
	return ledgers{
		shape:  s,
		hasher: keyhash.New(keyhash.NewSecret()),
		used:   used,
		locks:  make([]uint64, s.sets),
		tags:   make([]uint64, s.counters()),
		names:  make([]uint64, nameWords*s.counters()),
		held:   make([]uint64, s.counters()),
		cells:  make([]uint32, s.Geometry.Cells()),
	}
}

// inUse returns how many seats sums include: those ever taken. A process that takes a seat raises
// the number before its first count. Even if another process misses the update, the new process
// still sees the other's count, which came first.
func (l *ledgers) inUse() uint { return uint(min(l.used.Load(), uint64(l.seats))) }

// implausible is the value from which on a counter is considered damaged and read as zero: one
// process never has 2^30 requests of one key in flight. A counter that went below zero is there,
// too.
const implausible = 1 << 30

// plausible returns the value of a counter, or 0 if it is damaged: damage must not refuse requests.
func plausible(n uint32) uint64 {
	if n >= implausible {
		return 0
	}
	return uint64(n)
}

// heldWord is what one process has in one exact counter.
//
//	bits 0-31   requests in flight
//	bits 32-63  requests admitted, modulo 2^32
type heldWord uint64

// heldOne is one more request, admitted and in flight.
const heldOne = 1<<32 | 1

func (w heldWord) inFlight() uint64 { return plausible(uint32(w)) }
func (w heldWord) admitted() uint32 { return uint32(w >> 32) }

// heldBy returns the word of a seat in a counter.
func (l *ledgers) heldBy(counter, process uint) *uint64 { return &l.held[counter*l.seats+process] }

// heldByAll returns what all processes but one have in flight in a counter; except may be noSeat.
func (l *ledgers) heldByAll(counter, except uint) (sum uint64) {
	n := l.inUse()
	words := l.held[counter*l.seats:][:n]
	for k := range words {
		if uint(k) != except {
			sum += heldWord(atomic.LoadUint64(&words[k])).inFlight()
		}
	}
	return sum
}

// noSeat is above the number of every seat.
const noSeat = math.MaxUint

// returnHeld takes units of heldWord back from this process's word of a counter, and reports
// whether they were there. For a moment a word that had nothing is implausible, and so counts as
// nothing.
func (l *ledgers) returnHeld(counter uint, units uint64) bool {
	word := l.heldBy(counter, l.seat)
	if uint32(atomic.AddUint64(word, -units)) < implausible {
		return true
	}
	atomic.AddUint64(word, units)
	return false
}

// enterCells counts one unit of hash in every row.
func (l *ledgers) enterCells(hash uint64) {
	for row := range l.Rows {
		atomic.AddUint32(&l.cells[uint(l.Cell(hash, row))*l.seats+l.seat], 1)
	}
}

// leaveCells takes one unit of hash back in every row, and reports whether every row had it.
func (l *ledgers) leaveCells(hash uint64) bool {
	whole := true
	for row := range l.Rows {
		word := &l.cells[uint(l.Cell(hash, row))*l.seats+l.seat]
		if atomic.AddUint32(word, math.MaxUint32) >= implausible {
			atomic.AddUint32(word, 1)
			whole = false
		}
	}
	return whole
}

// estimate returns what all processes have in flight of hash in the sketch: the lowest of its
// cells. Of all entries of a hash that have not been left, the last one sees all of them in every
// row.
func (l *ledgers) estimate(hash uint64) uint64 {
	low, n := uint64(math.MaxUint64), l.inUse()
	for row := range l.Rows {
		words := l.cells[uint(l.Cell(hash, row))*l.seats:][:n]
		var sum uint64
		for k := range words {
			sum += plausible(atomic.LoadUint32(&words[k]))
		}
		low = min(low, sum)
	}
	return low
}

// inSketch returns what one process has in flight in the sketch. Any row has all of it.
func (l *ledgers) inSketch(process uint) (sum uint64) {
	for i := range uint(1) << l.Width {
		sum += plausible(atomic.LoadUint32(&l.cells[i*l.seats+process]))
	}
	return sum
}

// bytes returns the size of the memory.
func (l *ledgers) bytes() int {
	return 8*(len(l.locks)+len(l.tags)+len(l.names)+len(l.held)) + 4*len(l.cells) +
		int(reflect.TypeFor[keyhash.Hasher]().Size())
}
