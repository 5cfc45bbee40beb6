package mmapsync

import (
	"runtime"

	"github.com/headgate/headgate/internal/mmap"
)

// Snapshot is a guard on one publication: while it is held its bytes do not change. It is a small value; copies are the same
// guard, and the Release of one is that of all. It is used by one goroutine at a time. The zero Snapshot is a released
// one. A variable that keeps a released Snapshot keeps the memory of its Reader if that is closed.
type Snapshot struct {
	data   *mapping
	guard  *guard
	serial uint64 // number of the hold in guard
}

// held says whether the snapshot has not been released.
func (s Snapshot) held() bool { return s.guard != nil && s.guard.serial.Load() == s.serial }

// Bytes is the snapshot's content, valid until Release and nil afterwards. It is mapped read-only: writing to it is a
// fault.
func (s Snapshot) Bytes() []byte {
	if !s.held() {
		return nil
	}
	size := s.data.size.Load() // Acquire has checked it against the capacity
	return s.data.content[:size:size]
}

// Version is the version word that announced the snapshot; 0 once that is released.
func (s Snapshot) Version() Version {
	if !s.held() {
		return 0
	}
	return Version(s.data.announced.Load())
}

// Verify recomputes the hash of the content, which takes time in proportion to its size, and returns a [*FormatError]
// where it is not what was published. Only damage from outside the protocol can be the cause. A snapshot made by Update
// has no hash: where nothing else is wrong with it, that is [ErrNotHashed]. A released snapshot is [ErrClosed].
func (s Snapshot) Verify() error {
	if !s.held() {
		return ErrClosed
	}
	err := checked(func() error { return s.data.verify(s.Version()) })
	return explain(s.data.paths, s.data.paths.data(s.data.index), err)
}

// Release lets go of the snapshot; slices that Bytes gave must not be used any more. Releasing again, or a copy, does
// nothing.
//
// It is small enough to be inlined, and calls nothing. Nor does it have a pointer to the Snapshot, which would keep that in
// memory, not in registers: together this is half the time of an Acquire and its Release.
func (s Snapshot) Release() {
	if !s.held() {
		return
	}
	g := s.guard
	mmap.StoreRelease(&g.serial, s.serial+1) // first: once the word of an own slot is 0, somebody else can have the place
	if g.counted {
		g.word.Add(-s.data.hold)
	} else {
		mmap.StoreRelease(g.word, 0)
	}
	runtime.KeepAlive(g) // the word is in memory that goes when nobody has the slot
}
