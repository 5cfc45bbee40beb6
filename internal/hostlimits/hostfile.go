package hostlimits

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/headgate/headgate/internal/mmap"
)

// hostFile is an open, mapped limits file.
type hostFile struct {
	path   string
	f      *os.File
	info   os.FileInfo
	memory []byte
}

// openHostFile opens and maps a file that may be one of ours, as far as its size goes.
func openHostFile(path string, access mmap.Access, owners []int) (*hostFile, error) {
	f, err := mmap.OpenRegular(path, access)
	if err != nil {
		return nil, err
	}
	h := &hostFile{path: path, f: f}
	if h.info, err = f.Stat(); err == nil {
		err = h.checkFile(owners)
	}
	if err == nil {
		h.memory, err = mmap.Map(f, h.info.Size(), access)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return h, nil
}

// checkFile refuses what somebody else has put there, who could change it at any time, and what cannot be one of ours.
func (h *hostFile) checkFile(owners []int) error {
	if len(owners) == 0 {
		folder, err := os.Stat(folderOf(h.path))
		if err != nil {
			return err
		}
		owners = []int{mmap.Owner(folder)}
	}
	if got := mmap.Owner(h.info); !slices.Contains(owners, got) {
		return &FormatError{h.path, fmt.Sprintf("the file belongs to user %d, want one of %v", got, owners)}
	}
	if size := h.info.Size(); size < fileHeader || size > maxFileSize {
		return &FormatError{h.path, fmt.Sprintf("%d bytes, want %d to %d", size, fileHeader, maxFileSize)}
	}
	return nil
}

// board checks the header and lays the parts over the memory. Nothing in the file is asked for its size again.
func (h *hostFile) board() (b *board, err error) {
	err = h.guard(func() error {
		head, err := decodeHeader(h.memory, int64(len(h.memory)))
		if err != nil {
			return &FormatError{h.path, err.Error()}
		}
		b = newBoard(head, h.memory, none)
		return nil
	})
	return b, err
}

// guard runs what reads the memory, outside of the request path, and makes a fault an error.
func (h *hostFile) guard(f func() error) (err error) {
	if !mmap.Intact(func() { err = f() }) {
		return &FormatError{h.path, "the file was truncated while it was in use"}
	}
	return err
}

func (h *hostFile) lock(offset int64) error   { return mmap.LockByte(h.f, offset) }
func (h *hostFile) unlock(offset int64) error { return mmap.UnlockByte(h.f, offset) }

// close ends the mapping and lets go of all locks.
func (h *hostFile) close() error { return errors.Join(mmap.Unmap(h.memory), h.f.Close()) }
