package mmapsync

import (
	"errors"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/mmap"
)

// system is everything the package asks of the operating system, so that tests can make any call fail and can put the
// files on the heap, where the race detector sees them.
type system interface {
	open(path string, access mmap.Access) (file, error)                    // regular files only, no symbolic link
	create(path string, size int64, permissions os.FileMode) (file, error) // new, zeroed, every block reserved
	rename(from, to string) error
	remove(path string) error
	exists(path string) (bool, error)
}

// file is an open file. Mappings and identity outlive close; locks do not.
type file interface {
	size() int64
	mapAll(access mmap.Access) ([]byte, error)
	unmap(memory []byte) error
	lock(offset int64) error // mmap.ErrLocked where another open file has the byte
	unlock(offset int64) error
	isAt(path string) (bool, error) // whether path names this very file
	close() error
}

// host is the system that is really there.
type host struct{}

func (host) open(path string, access mmap.Access) (file, error) {
	return describe(mmap.OpenRegular(path, access))
}

func (host) create(path string, size int64, permissions os.FileMode) (file, error) {
	return describe(mmap.CreateReserved(path, size, permissions))
}

func (host) rename(from, to string) error { return os.Rename(from, to) }
func (host) remove(path string) error     { return os.Remove(path) }

func (host) exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	return present(err)
}

// present turns the error of a look at a path into whether something is there.
func present(err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// hostFile keeps what was found at opening: a length that never changes afterwards, and the identity.
type hostFile struct {
	f    *os.File
	info os.FileInfo
}

func describe(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &hostFile{f: f, info: info}, nil
}

func (h *hostFile) size() int64 { return h.info.Size() }

func (h *hostFile) mapAll(access mmap.Access) ([]byte, error) {
	return mmap.Map(h.f, h.info.Size(), access)
}

func (h *hostFile) unmap(memory []byte) error { return mmap.Unmap(memory) }
func (h *hostFile) lock(offset int64) error   { return mmap.LockByte(h.f, offset) }
func (h *hostFile) unlock(offset int64) error { return mmap.UnlockByte(h.f, offset) }
func (h *hostFile) close() error              { return h.f.Close() }

func (h *hostFile) isAt(path string) (bool, error) {
	info, err := os.Lstat(path)
	if there, err := present(err); !there {
		return false, err
	}
	return os.SameFile(h.info, info), nil
}

// install makes a file under its temporary name and renames it into place, so that path never names a half-made one.
// fill writes what must be there from the first moment. Only the writer that holds the path's lock may call it: what
// it finds under the temporary name was left by one that was killed. Where fill fails or panics nothing is left.
func install(sys system, path string, size int64, permissions os.FileMode, fill func(memory []byte) error) (f file, memory []byte, err error) {
	draft := temporary(path)
	if err := sys.remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	f, err = sys.create(draft, size, permissions)
	if err != nil {
		return nil, nil, err
	}
	installed := false
	defer func() {
		if installed {
			return
		}
		if memory != nil {
			f.unmap(memory)
		}
		f.close()
		sys.remove(draft)
		f, memory = nil, nil
	}()
	if memory, err = f.mapAll(mmap.ReadWrite); err != nil {
		return f, nil, err
	}
	if err = fill(memory); err == nil {
		err = sys.rename(draft, path)
	}
	installed = err == nil
	return f, memory, err
}
