package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/base/mmap"
)

// system is what the package calls in the operating system, so that tests can make any call fail
// and can put the files on the heap, where the race detector sees them.
type system interface {
	// regular files only, no symbolic link
	open(path string, access mmap.Access) (file, error)
	// new, zeroed, every block reserved
	create(path string, size int64, permissions os.FileMode) (file, error)
	rename(from, to string) error
	remove(path string) error
	discard(path string) error          // what is there, if anything
	discardIrregular(path string) error // what is there unless it is a regular file
	setAside(path string) error         // renames what is there, if anything, to path + ".damaged"
	exists(path string) (bool, error)
	irregular(path string) (bool, error) // whether something is there that is not a regular file
	user() int                           // the user that files made here belong to
}

// file is an open file. Mappings and identity outlive close; locks do not.
type file interface {
	size() int64
	owner() int  // the user that the file belongs to
	huge() int64 // number of bytes in huge pages; only known of files made here
	mapAll(access mmap.Access) ([]byte, error)
	unmap(memory []byte) error
	// mmap.ErrLocked if another open file has any of the bytes
	lock(offset, length int64) error
	// any number of open files can have it; replaces a lock of this one
	lockToRead(offset, length int64) error
	unlock(offset, length int64) error
	// a range that another open file has locked and that meets this one
	locked(offset, length int64) (from, size int64, ok bool)
	// whether other open files have the byte, but only locked to read
	readLocked(offset int64) bool
	// whether path is this very file's name
	isAt(path string) (bool, error)
	// the same, and the file has its length
	wholeAt(path string) (bool, error)
	close() error
}

// host is the real system. Files are made for group, unless that is 0.
type host struct{ group int }

func (host) open(path string, access mmap.Access) (file, error) {
	f, err := mmap.OpenRegular(path, access)
	return describe(f, 0, err)
}

func (h host) create(path string, size int64, permissions os.FileMode) (file, error) {
	f, huge, err := mmap.CreateHuge(path, size, permissions)
	if err == nil && h.group != 0 {
		if err = f.Chown(-1, h.group); err != nil {
			f.Close()
			os.Remove(path)
		}
	}
	return describe(f, huge, err)
}

func (host) rename(from, to string) error { return os.Rename(from, to) }
func (host) remove(path string) error     { return os.Remove(path) }
func (host) discard(path string) error    { return mmap.Discard(path) }
func (host) setAside(path string) error   { return mmap.SetAside(path) }

func (host) discardIrregular(path string) error { return mmap.DiscardIrregular(path) }

func (host) user() int { return os.Geteuid() }

func (host) exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	return present(err)
}

func (host) irregular(path string) (bool, error) { return mmap.Irregular(path) }

// present returns from the error of a lookup of a path whether something is there.
func present(err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// hostFile has what was found at opening: a length that never changes afterwards, and the identity.
type hostFile struct {
	f         *os.File
	info      os.FileInfo
	hugeBytes int64
}

func describe(f *os.File, huge int64, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &hostFile{f: f, info: info, hugeBytes: huge}, nil
}

func (h *hostFile) size() int64 { return h.info.Size() }
func (h *hostFile) owner() int  { return mmap.Owner(h.info) }
func (h *hostFile) huge() int64 { return h.hugeBytes }

func (h *hostFile) mapAll(access mmap.Access) ([]byte, error) {
	return mmap.Map(h.f, h.info.Size(), access)
}

func (h *hostFile) unmap(memory []byte) error       { return mmap.Unmap(memory) }
func (h *hostFile) lock(offset, length int64) error { return mmap.LockRange(h.f, offset, length) }
func (h *hostFile) lockToRead(offset, length int64) error {
	return mmap.LockRangeToRead(h.f, offset, length)
}
func (h *hostFile) unlock(offset, length int64) error {
	return mmap.UnlockRange(h.f, offset,
		length)
}
func (h *hostFile) locked(offset, length int64) (from, size int64, ok bool) {
	return mmap.Locked(h.f, offset, length)
}
func (h *hostFile) close() error { return h.f.Close() }

func (h *hostFile) readLocked(offset int64) bool { return mmap.ReadLocked(h.f, offset) }

func (h *hostFile) isAt(path string) (bool, error) {
	info, err := os.Lstat(path)
	there, err := present(err)
	return there && os.SameFile(h.info, info), err
}

func (h *hostFile) wholeAt(path string) (bool, error) {
	info, err := os.Lstat(path)
	there, err := present(err)
	return there && os.SameFile(h.info, info) && info.Size() == h.info.Size(), err
}

// belongs refuses a file that does not belong to the user who should have made it: another user,
// who may write to the folder, has put it there, and could change it at any time.
func belongs(f file, owner int) error {
	if got := f.owner(); got != owner {
		return formatReason(fmt.Sprintf("the file belongs to user %d, want user %d", got, owner))
	}
	return nil
}

// install makes a file under its temporary name and renames it, so that path never names a
// half-made one. fill writes what must be there from the first moment. Only the writer that holds
// the path's lock may call it: what it finds under the temporary name was left by a writer that was
// killed. If fill fails or panics, nothing is left.
func install(sys system, path string, size int64, permissions os.FileMode,
	fill func(memory []byte) error) (f file, memory []byte, err error) {
	draft := temporary(path)
	if err := sys.discard(draft); err != nil {
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
