package mmapsync

// Snapshot is a guard on one publication: while it is held its bytes do not change. It is used by one goroutine at a
// time and is not to be copied, since the copy would be released twice; go vet reports that. The zero Snapshot is a
// released one.
type Snapshot struct {
	_       noCopy
	version Version
	data    *dataFile
	slot    *slot // nil once released
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
	size := s.version.Size() // Acquire has checked it against the capacity
	return s.data.memory[:size:size]
}

// Version is the version word that announced the snapshot.
func (s *Snapshot) Version() Version { return s.version }

// Verify recomputes the hash of the content, which takes time in proportion to its size, and returns a [*FormatError]
// where it is not what was published. Only damage from outside the protocol can be the cause. A snapshot made by Update
// has no hash: where nothing else is wrong with it, that is [ErrNotHashed]. A released snapshot is [ErrClosed].
func (s *Snapshot) Verify() error {
	if s.slot == nil {
		return ErrClosed
	}
	err := checked(func() error { return s.data.verify(s.version) })
	return explain(s.data.paths, s.data.paths.data(s.data.index), err)
}

// Release lets go of the snapshot; slices that Bytes gave must not be used any more. Releasing again does nothing.
func (s *Snapshot) Release() {
	if s.slot != nil {
		s.slot.drop(s.version.Index())
		s.slot = nil
	}
}
