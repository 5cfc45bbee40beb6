package hostlimits

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/mmap"
)

// When a Keeper makes a file of another size, processes move to it one after the other. Each counts new requests in both
// files then, the former one under a second ledger, so that those who have not moved see them. The ledger that it had
// holds what began before it moved. Once everybody has moved and all of those are empty, the new file has everything,
// and the former one is needed no more.

// State of a ledger, in the highest bits of the word that tells when it was taken.
const (
	ledgerMoved     = 1 << 63 // its process has moved on, and only ends what it has here
	ledgerSecond    = 1 << 62 // what is counted here is counted in a newer file, too
	ledgerFollowing = 1 << 61 // its process still counts in an older file, too
)

// takenNow is the word of a ledger that is taken now, without flags.
func takenNow() uint64 { return uint64(max(1, time.Now().UnixNano())) & (ledgerFollowing - 1) }

// both counts in a new file and in the one before.
type both struct{ next, former *Limiter }

// Follow makes l, just joined, count in the file of former as well, until all processes have moved from there. Nothing
// more may be admitted through former itself; its tickets stay as they are. Without Follow, processes that have not moved
// yet do not know of those of l, and l not of theirs. [ErrNoLedger]: there is no second ledger in the former file. A file
// that its Keeper has given up as damaged is not counted in.
func (l *Limiter) Follow(former *Limiter) error {
	if l.shared == nil || former.shared == nil {
		return errors.New("limits: only from one file to another")
	}
	var second *Limiter
	err := former.shared.file.guard(func() (err error) {
		if former.shared.board.word(givenUpAt).Load() == 0 {
			second, err = former.secondLedger()
		}
		return err
	})
	if err == nil && second != nil {
		l.former.Store(&both{l, second})
		l.flag(ledgerFollowing, true)
	}
	return err
}

// flag sets or clears a flag of this process's ledger.
func (l *Limiter) flag(flag uint64, set bool) {
	l.guard(func() {
		word := l.shared.board.taken(l.ledgers.own)
		if set {
			word.Or(flag)
		} else {
			word.And(^flag)
		}
	})
}

// secondLedger takes another ledger in the same file. Locks of one open file are granted to itself again and again, so
// its own ledger must be left out.
func (l *Limiter) secondLedger() (*Limiter, error) {
	b, f := l.shared.board, l.shared.file
	word := b.taken(b.own)
	word.Store(word.Load() | ledgerMoved)
	for k := range b.processes {
		if k == b.own {
			continue
		}
		switch err := f.lock(ledgerAt(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return nil, err
		}
		if b.taken(k).Load() != 0 {
			b.free(k)
		}
		second := newBoard(header{b.shape, b.generation, b.secret}, b.memory, k)
		second.earlier(k).Store(0)
		second.taken(k).Store(takenNow() | ledgerSecond)
		second.raise(k)
		m := &member{board: second, file: f, info: l.shared.info, origin: l}
		return &Limiter{ledgers: second.ledgers, shared: m}, nil
	}
	return nil, fmt.Errorf("%w: %d", ErrNoLedger, b.processes)
}

// Following tells whether l still counts in the former file, after looking whether it has to. To be called about once a
// second while it is true.
func (l *Limiter) SyncFormer() bool {
	f := l.former.Load()
	if f == nil {
		return false
	}
	needed := false
	err := f.former.shared.file.guard(func() error {
		b := f.former.shared.board
		_, err := b.reapExcept(f.former.shared.file, f.former.shared.origin.ledgers.own)
		needed = b.needed()
		return err
	})
	if err == nil && needed {
		return true
	}
	l.former.Store(nil)
	l.flag(ledgerFollowing, false)
	return false
}

// needed tells whether something is counted in this file alone, or could be.
func (b *board) needed() bool {
	for k := range b.processes {
		switch word := b.taken(k).Load(); {
		case word == 0 || word&ledgerSecond != 0:
		case word&ledgerMoved == 0 || b.heldIn(k) != 0:
			return true
		}
	}
	return false
}

// moving tells whether a process still counts in an older file, too. One that has died is freed by the next reap.
func (b *board) moving() bool {
	for k := range b.processes {
		if b.taken(k).Load()&ledgerFollowing != 0 {
			return true
		}
	}
	return false
}

// heldIn is what one process has in flight.
func (b *board) heldIn(k uint) uint64 {
	sum := b.inSketch(k)
	for slot := range uint(b.slots()) {
		sum += heldWord(atomic.LoadUint64(b.heldBy(slot, k))).inFlight()
	}
	return sum
}

// enter counts what has been admitted to the new file in the former one, if that admits it, too. Otherwise it becomes a
// refusal.
func (f *both) enter(a *Admission, next entry, k key) bool {
	e, former := entry{threshold: next.threshold, lowered: next.lowered}, f.former.ledgers.keyOf(k.name)
	if !f.former.enterShared(&e, former) {
		return true // the former file is gone
	}
	a.Estimate = max(a.Estimate, e.estimate)
	if !e.admitted {
		f.next.withdraw(next.place, k.hash)
		a.Ticket = Ticket{}
		f.next.refuse(a, k.hash, e.reason(a.Threshold))
		return false
	}
	a.Ticket.owner, a.Ticket.units = f, e.place
	a.Ticket.state.former.Store(former.hash)
	return true
}

// Release implements [Holder]. The units of a limiter's ticket are always 1, so the field has the former file's place.
func (f *both) Release(hash, former uint64, formerPlace uint32, where Place) {
	f.next.Release(hash, 0, 1, where)
	f.former.Release(former, 0, 1, formerPlace)
}

// ReleasedTwice implements [Holder].
func (f *both) ReleasedTwice() { f.next.ReleasedTwice() }
