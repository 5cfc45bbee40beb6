package hostlimits

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/headgate/headgate/internal/base/mmap"
)

// hostFile is an open, mapped limits file.
type hostFile struct {
	path   string
	f      *os.File
	info   os.FileInfo
	memory []byte
}

// openHostFile opens and maps a file whose size and owner can be those of a limits file.
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

// checkFile refuses files of users that are not in owners, who could change them at any time, and
// files whose size is wrong.
func (h *hostFile) checkFile(owners []int) error {
	if len(owners) == 0 {
		folder, err := os.Stat(filepath.Dir(h.path))
		if err != nil {
			return err
		}
		owners = []int{mmap.Owner(folder)}
	}
	if got := mmap.Owner(h.info); !slices.Contains(owners, got) {
		return &FormatError{h.path, fmt.Sprintf("the file belongs to user %d, want one of %v", got,
			owners)}
	}
	if size := h.info.Size(); size < fileHeader || size > maxFileSize {
		return &FormatError{h.path, fmt.Sprintf("%d bytes, want %d to %d", size, fileHeader,
			maxFileSize)}
	}
	return nil
}

// board checks the header and returns the parts of the memory. The header is not read again.
func (h *hostFile) board() (b *board, err error) {
	err = h.guard(func() error {
		head, err := decodeHeader(h.memory, int64(len(h.memory)))
		if err != nil {
			return &FormatError{h.path, err.Error()}
		}
		b = newBoard(head, h.memory, noSeat)
		return nil
	})
	return b, err
}

// guard runs f, which reads the memory outside of the request path, and returns an error for a
// fault.
func (h *hostFile) guard(f func() error) (err error) {
	if !mmap.Intact(func() { err = f() }) {
		return &FormatError{h.path, "the file was truncated while it was in use"}
	}
	return err
}

func (h *hostFile) lock(offset int64) error   { return mmap.LockByte(h.f, offset) }
func (h *hostFile) unlock(offset int64) error { return mmap.UnlockByte(h.f, offset) }

// close unmaps the file and releases all locks.
func (h *hostFile) close() error { return errors.Join(mmap.Unmap(h.memory), h.f.Close()) }
