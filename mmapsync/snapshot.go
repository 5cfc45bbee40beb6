package mmapsync

import (
	"runtime"

	"github.com/headgate/headgate/internal/mmap"
)

// Snapshot is a guard on one publication: while it is held its bytes do not change. It is used by one goroutine at a
// time and is not to be copied, since the copy would be released twice; go vet reports that. The zero Snapshot is a
// released one.
type Snapshot struct {
	_    noCopy
	data *mapping
	slot *slot // nil once released
}

// noCopy makes go vet report copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Bytes is the snapshot's content, valid until Release and nil afterwards. It is mapped read-only: writing to it is a
// fault.
func (s *Snapshot) Bytes() []byte {
	if s.slot == nil {
		return nil
	}
	size := Version(s.data.announced.Load()).Size() // Acquire has checked it against the capacity
	return s.data.content[:size:size]
}

// Version is the version word that announced the snapshot; 0 once that is released.
func (s *Snapshot) Version() Version {
	if s.slot == nil {
		return 0
	}
	return Version(s.data.announced.Load())
}

// Verify recomputes the hash of the content, which takes time in proportion to its size, and returns a [*FormatError]
// where it is not what was published. Only damage from outside the protocol can be the cause. A snapshot made by Update
// has no hash: where nothing else is wrong with it, that is [ErrNotHashed]. A released snapshot is [ErrClosed].
func (s *Snapshot) Verify() error {
	if s.slot == nil {
		return ErrClosed
	}
	err := checked(func() error { return s.data.verify(s.Version()) })
	return explain(s.data.paths, s.data.paths.data(s.data.index), err)
}

// Release lets go of the snapshot; slices that Bytes gave must not be used any more. Releasing again does nothing.
//
// It is small enough to be inlined, and calls nothing: half the time of an Acquire and its Release is calls.
func (s *Snapshot) Release() {
	held, data := s.slot, s.data
	if held == nil {
		return
	}
	s.slot, s.data = nil, nil // which would keep a closed Reader's slots
	if held.counted {
		held.word.Add(-data.hold)
	} else {
		mmap.StoreRelease(held.word, 0)
	}
	runtime.KeepAlive(held)
}
