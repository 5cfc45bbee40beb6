package mmapsync

import (
	"runtime"

	"github.com/headgate/headgate/internal/base/mmap"
)

// Snapshot is one publication: until Release its bytes do not change. It is a small value; copies
// are the same snapshot, and the Release of one releases all. It is used by one goroutine at a
// time. The zero Snapshot is a released one. A variable that keeps a released Snapshot keeps the
// memory of its Reader if that is closed.
type Snapshot struct {
	data   *mapping
	guard  *guard
	serial uint64 // number of the hold in guard
}

// held reports whether the snapshot has not been released.
func (s Snapshot) held() bool { return s.guard != nil && s.guard.serial.Load() == s.serial }

// Bytes returns the snapshot's content, valid until Release, and nil afterwards. It is mapped
// read-only: writing to it is a fault.
func (s Snapshot) Bytes() []byte {
	if !s.held() {
		return nil
	}
	size := s.data.size.Load() // Acquire has checked it against the capacity
	return s.data.content[:size:size]
}

// Version returns the version word that announced the snapshot, and 0 once that is released.
func (s Snapshot) Version() Version {
	if !s.held() {
		return 0
	}
	return Version(s.data.announced.Load())
}

// Verify recomputes the hash of the content, which takes time in proportion to its size, and
// returns a [*FormatError] if it is not what was published. Only damage from outside the protocol
// can be the cause. A snapshot made by Update has no hash: if nothing else is wrong with it, Verify
// returns [ErrNotHashed]. For a released snapshot it returns [ErrClosed].
func (s Snapshot) Verify() error {
	if !s.held() {
		return ErrClosed
	}
	err := checked(func() error { return s.data.verify(s.Version()) })
	return explain(s.data.paths, s.data.paths.data(s.data.index), err)
}

// Release is small enough to be inlined, and calls nothing. It has no pointer to the Snapshot,
// which would keep that in memory, not in registers: together this is half the time of an Acquire
// and its Release.

// Release releases the snapshot; slices that Bytes returned must not be used any more. Releasing
// again, or a copy, does nothing.
func (s Snapshot) Release() {
	if !s.held() {
		return
	}
	g := s.guard
	// first: once the word of an own slot is 0, another goroutine can have the guard
	mmap.StoreRelease(&g.serial, s.serial+1)
	if g.counted {
		g.word.Add(-s.data.hold)
	} else {
		mmap.StoreRelease(g.word, 0)
	}
	runtime.KeepAlive(g) // the word is unmapped when the slot is unreachable
}
