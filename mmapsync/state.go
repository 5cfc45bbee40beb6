package mmapsync

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// The state file, frozen by mmap-sync 2.x. Words are in the machine's byte order, which is little
// endian wherever the crate's files are found.
//
//	offset  size  content
//	0       8     version word; 0 while nothing is published. Its lock byte is byte 0 of the file
//	8       4     number of mmap-sync readers that hold data file 0
//	12      4     number of mmap-sync readers that hold data file 1
const (
	stateSize     = 16
	stateVersion  = 0
	stateForeign  = 8
	stateLockByte = 0
)

const statePermissions os.FileMode = 0o640

// state is a mapped state file. Only the writer stores the version; our readers map the file
// read-only. The foreign counts belong to mmap-sync readers, and the writer only reads them.
type state struct {
	file    file
	memory  []byte
	version *atomic.Uint64
	foreign [2]*atomic.Uint32
}

// mapState maps f. If it returns an error, f stays open.
func mapState(f file, access mmap.Access) (*state, error) {
	if f.size() != stateSize {
		return nil, formatReason(fmt.Sprintf("the state file has %d bytes, want %d", f.size(),
			stateSize))
	}
	memory, err := f.mapAll(access)
	if err != nil {
		return nil, err
	}
	return newState(f, memory), nil
}

func newState(f file, memory []byte) *state {
	return &state{
		file:    f,
		memory:  memory,
		version: mmap.Word64(memory, stateVersion),
		foreign: [2]*atomic.Uint32{mmap.Word32(memory, stateForeign),
			mmap.Word32(memory, stateForeign+4)},
	}
}

func (s *state) unmap() error { return s.file.unmap(s.memory) }

// close also releases the writer's lock.
func (s *state) close() error { return errors.Join(s.unmap(), s.file.close()) }
