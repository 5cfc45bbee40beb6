package hostlimits

import (
	"errors"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// What a dead process leaves is a ledger, and perhaps the lock of a set of the exact table. Both are put in order
// here, by the daemon or by the next process that joins. Every step may be the reaper's last, too: all of them can be
// done again, and what has been taken stays so until the end.

// openFile is a limits file as one open file, whose locks are its own.
type openFile interface {
	lock(offset int64) error // mmap.ErrLocked where another open file has the byte
	unlock(offset int64) error
}

// reap frees the ledgers of dead processes, except for own, and tells how many there were. Where somebody else is at
// it, nothing is done.
func (b *board) reap(f openFile) (reaped int, err error) { return b.reapExcept(f, b.own) }

// reapExcept also leaves out a second ledger of the same open file, whose lock would be granted again.
func (b *board) reapExcept(f openFile, also uint) (reaped int, err error) {
	if err := f.lock(reaperLockAt); err != nil {
		return 0, unlessLocked(err)
	}
	defer f.unlock(reaperLockAt)
	for k := range b.processes {
		if k == b.own || k == also || b.taken(k).Load() == 0 {
			continue
		}
		b.raise(k) // the number may be damaged
		switch err := f.lock(ledgerAt(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return reaped, err
		}
		b.free(k)
		reaped++
		if err := f.unlock(ledgerAt(k)); err != nil {
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

// free empties ledger k, whose lock the caller holds.
func (b *board) free(k uint) {
	orphans := b.empty(k)
	told, past := b.told(k), b.past()
	for i := range told {
		atomic.AddUint64(&past[i], atomic.SwapUint64(&told[i], 0))
	}
	b.word(reapedAt).Add(1)
	b.word(orphansAt).Add(orphans)
	b.unlockSets(k)
	b.earlier(k).Store(0)
	b.taken(k).Store(0)
}

// empty sets all counters of ledger k to zero, and returns how many requests they held. The caller holds the ledger's
// lock.
func (b *board) empty(k uint) (orphans uint64) {
	for slot := range uint(b.slots()) {
		orphans += heldWord(atomic.SwapUint64(b.heldBy(slot, k), 0)).inFlight()
	}
	orphans += b.inSketch(k)
	for i := range uint(b.Geometry.Cells()) {
		atomic.StoreUint32(&b.cells[i*b.processes+k], 0)
	}
	return orphans
}

// unlockSets unlocks the sets that the dead process of ledger k was assigning slots of.
func (b *board) unlockSets(k uint) {
	for set := range b.locks {
		if atomic.LoadUint64(&b.locks[set]) == uint64(k)+1 {
			b.unlockSet(uint(set), uint64(k)+1)
		}
	}
}

// unlockAbandoned unlocks the sets whose lock bears the number of no ledger, or of one that nobody has. The caller holds
// the reaper's lock, and a Keeper that pins holds it, too.
func (b *board) unlockAbandoned() {
	for set := range b.locks {
		holder := atomic.LoadUint64(&b.locks[set])
		if holder != 0 && (holder > uint64(b.processes) || b.taken(uint(holder-1)).Load() == 0) {
			b.unlockSet(uint(set), holder)
		}
	}
}

// unlockSet leaves slots that were being closed to the keys that have something in flight there.
func (b *board) unlockSet(set uint, holder uint64) {
	for j := range uint(slotsPerSet) {
		slot := set*slotsPerSet + j
		switch t := b.tag(slot); {
		case !t.has(tagClosing):
		case b.heldByAll(slot, none) == 0:
			b.storeTag(slot, 0)
		default:
			b.reopen(slot, t)
		}
	}
	atomic.CompareAndSwapUint64(&b.locks[set], holder, 0)
}
