package hostlimits

import (
	"errors"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// A dead process leaves its seat taken, and perhaps the lock of a set of the exact table. Both are
// freed here, by the daemon or by the next process that joins. The reaper may die at any step: all
// steps can be repeated, and the seat stays taken until the last one.

// openFile is a limits file as one open file, which owns its locks.
type openFile interface {
	lock(offset int64) error // mmap.ErrLocked if another open file has the byte
	unlock(offset int64) error
}

// reap frees the seats of dead processes, except this process's, and returns how many there were.
// It does nothing while another process reaps.
func (b *board) reap(f openFile) (reaped int, err error) { return b.reapExcept(f, b.seat) }

// reapExcept also skips a second seat of the same open file, whose lock would be granted again.
func (b *board) reapExcept(f openFile, also uint) (reaped int, err error) {
	if err := f.lock(reaperLockAt); err != nil {
		return 0, unlessLocked(err)
	}
	defer f.unlock(reaperLockAt)
	for k := range b.seats {
		if k == b.seat || k == also || b.seatWord(k).Load() == 0 {
			continue
		}
		b.raise(k) // the number may be damaged
		switch err := f.lock(seatOffset(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return reaped, err
		}
		b.free(k)
		reaped++
		if err := f.unlock(seatOffset(k)); err != nil {
			return reaped, err
		}
	}
	b.unlockAbandoned()
	return reaped, nil
}

func unlessLocked(err error) error {
	if errors.Is(err, mmap.ErrLocked) {
		return nil
	}
	return err
}

// free frees seat k, whose lock the caller holds.
func (b *board) free(k uint) {
	orphans := b.empty(k)
	tallies, past := b.tallyWords(k), b.pastTallyWords()
	for i := range tallies {
		atomic.AddUint64(&past[i], atomic.SwapUint64(&tallies[i], 0))
	}
	b.word(reapedAt).Add(1)
	b.word(orphansAt).Add(orphans)
	b.unlockSets(k)
	b.earlierWord(k).Store(0)
	b.seatWord(k).Store(0)
}

// empty sets the ledger of seat k to zero, and returns how many requests it held. The caller holds
// the lock of the seat.
func (b *board) empty(k uint) (orphans uint64) {
	for counter := range uint(b.counters()) {
		orphans += heldWord(atomic.SwapUint64(b.heldBy(counter, k), 0)).inFlight()
	}
	orphans += b.inSketch(k)
	for i := range uint(b.Geometry.Cells()) {
		atomic.StoreUint32(&b.cells[i*b.seats+k], 0)
	}
	return orphans
}

// unlockSets unlocks the sets in which the dead process of seat k was assigning counters.
func (b *board) unlockSets(k uint) {
	for set := range b.locks {
		if atomic.LoadUint64(&b.locks[set]) == uint64(k)+1 {
			b.unlockSet(uint(set), uint64(k)+1)
		}
	}
}

// unlockAbandoned unlocks the sets whose lock has no seat's number, or that of a free seat. The
// caller holds the reaper's lock, which a Keeper that pins holds, too.
func (b *board) unlockAbandoned() {
	for set := range b.locks {
		holder := atomic.LoadUint64(&b.locks[set])
		if holder != 0 && (holder > uint64(b.seats) || b.seatWord(uint(holder-1)).Load() == 0) {
			b.unlockSet(uint(set), holder)
		}
	}
}

// unlockSet unlocks a set. Counters that were being closed stay their keys' if those have something
// in flight there.
func (b *board) unlockSet(set uint, holder uint64) {
	for j := range uint(countersPerSet) {
		counter := set*countersPerSet + j
		switch t := b.tag(counter); {
		case !t.has(tagClosing):
		case b.heldByAll(counter, noSeat) == 0:
			b.storeTag(counter, 0)
		default:
			b.reopen(counter, t)
		}
	}
	atomic.CompareAndSwapUint64(&b.locks[set], holder, 0)
}
