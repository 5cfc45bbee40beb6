package hostlimits

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// When a Keeper makes a file of another size, processes move to it one after the other. Each then
// counts new requests in both files, in the previous one with a second seat, so that processes that
// have not moved see them. Its first seat there has what began before it moved. Once all processes
// have moved and all of those first seats are empty, the new file has everything, and the previous
// one is not needed any more.

// Flags of a seat, in the highest bits of the word that says when it was taken.
const (
	seatMoved     = 1 << 63 // its process has moved, and only releases what it has here
	seatSecond    = 1 << 62 // its process counts the same in a newer file
	seatFollowing = 1 << 61 // its process also counts in an older file
)

// takenNow returns the word of a seat that is taken now, without flags.
func takenNow() uint64 { return uint64(max(1, time.Now().UnixNano())) & (seatFollowing - 1) }

// dual counts in a new file and in the previous one.
type dual struct{ next, former *Limiter }

// Follow makes l, just joined, count in the file of former as well, until all processes have moved
// from there. Nothing more may be admitted through former itself; its tickets stay valid. Without
// Follow, l and the processes that have not moved yet do not see each other's requests. The error
// is [ErrNoSeat] if the previous file has no free seat. A file that its Keeper has given up is not
// counted in.
func (l *Limiter) Follow(former *Limiter) error {
	if l.shared == nil || former.shared == nil {
		return errors.New("limits: only from one file to another")
	}
	var second *Limiter
	err := former.shared.file.guard(func() (err error) {
		if former.shared.board.word(givenUpAt).Load() == 0 {
			second, err = former.secondSeat()
		}
		return err
	})
	if err == nil && second != nil {
		l.former.Store(&dual{l, second})
		l.setFlag(seatFollowing, true)
	}
	return err
}

// setFlag sets or clears a flag of this process's seat.
func (l *Limiter) setFlag(flag uint64, set bool) {
	l.guard(func() {
		word := l.shared.board.seatWord(l.ledgers.seat)
		if set {
			word.Or(flag)
		} else {
			word.And(^flag)
		}
	})
}

// secondSeat takes another seat in the same file. A lock of an open file is granted to the same
// open file again, so its own seat must be skipped.
func (l *Limiter) secondSeat() (*Limiter, error) {
	b, f := l.shared.board, l.shared.file
	word := b.seatWord(b.seat)
	word.Store(word.Load() | seatMoved)
	for k := range b.seats {
		if k == b.seat {
			continue
		}
		switch err := f.lock(seatOffset(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return nil, err
		}
		if b.seatWord(k).Load() != 0 {
			b.free(k)
		}
		second := newBoard(header{b.shape, b.generation, b.secret}, b.memory, k)
		second.earlierWord(k).Store(0)
		second.seatWord(k).Store(takenNow() | seatSecond)
		second.raise(k)
		m := &member{board: second, file: f, info: l.shared.info, parent: l}
		return &Limiter{ledgers: second.ledgers, shared: m}, nil
	}
	return nil, fmt.Errorf("%w: %d", ErrNoSeat, b.seats)
}

// SyncFormer ends counting in the previous file if that is not needed any more, and reports whether
// l still counts there. It is to be called about once a second while it returns true.
func (l *Limiter) SyncFormer() bool {
	f := l.former.Load()
	if f == nil {
		return false
	}
	needed := false
	err := f.former.shared.file.guard(func() error {
		b := f.former.shared.board
		_, err := b.reapExcept(f.former.shared.file, f.former.shared.parent.ledgers.seat)
		needed = b.needed()
		return err
	})
	if err == nil && needed {
		return true
	}
	l.former.Store(nil)
	l.setFlag(seatFollowing, false)
	return false
}

// needed reports whether something is counted in this file alone, or could be.
func (b *board) needed() bool {
	for k := range b.seats {
		switch word := b.seatWord(k).Load(); {
		case word == 0 || word&seatSecond != 0:
		case word&seatMoved == 0 || b.heldIn(k) != 0:
			return true
		}
	}
	return false
}

// moving reports whether a process also counts in an older file. The seat of one that has died is
// freed by the next reap.
func (b *board) moving() bool {
	for k := range b.seats {
		if b.seatWord(k).Load()&seatFollowing != 0 {
			return true
		}
	}
	return false
}

// heldIn returns what one process has in flight.
func (b *board) heldIn(k uint) uint64 {
	sum := b.inSketch(k)
	for counter := range uint(b.counters()) {
		sum += heldWord(atomic.LoadUint64(b.heldBy(counter, k))).inFlight()
	}
	return sum
}

// enter counts in the previous file what has been admitted to the new one. If the previous file has
// no room, the admission becomes a refusal.
func (f *dual) enter(t *Ticket, r *Result, next entry, k key) bool {
	e, former := entry{threshold: next.threshold,
		lowered: next.lowered}, f.former.ledgers.key(k.name)
	if !f.former.enterShared(&e, former) {
		return true // the previous file is gone
	}
	r.Estimate = max(r.Estimate, e.estimate)
	if !e.admitted {
		f.next.withdraw(next.where, k.hash)
		*t = Ticket{}
		f.next.refuse(r, k.hash, e.reason(r.Threshold))
		return false
	}
	t.owner, t.units = f, e.where
	t.state.former.Store(former.hash)
	return true
}

// Release implements [Holder]. A limiter's ticket always has one unit, so its field says where the
// previous file counts it.
func (f *dual) Release(hash, former uint64, formerWhere uint32, where Where) {
	f.next.Release(hash, 0, 1, where)
	f.former.Release(former, 0, 1, formerWhere)
}

// ReleasedTwice implements [Holder].
func (f *dual) ReleasedTwice() { f.next.ReleasedTwice() }
