// Package mmap holds every system call that headgate's shared-memory packages make: mapping files,
// reserving their blocks, and locking single bytes. Nothing above it names the operating system.
//
// What it promises:
//
//   - a file made by [Create] has all its blocks reserved, so a full file system is an error there
//     and never a fault at a later store;
//   - [Open] follows no symbolic link and accepts nothing but a regular file, so a planted link or
//     FIFO is an error;
//   - a byte lock taken by [LockByte] belongs to the open file, not to the process or a pid: the
//     kernel drops it when the last descriptor is gone, however the process ended, and another file
//     opened on the same path, even in the same process, is refused.
//
// On systems other than Linux the package builds and every call that needs the system returns
// [ErrUnsupported].
package mmap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// ErrUnsupported is returned if the operating system lacks what headgate needs
// (open-file-description locks and reserved shared mappings); only Linux has both.
var ErrUnsupported = errors.New(
	"shared memory needs Linux (open-file-description locks, fallocate)")

// ErrLocked reports that another open file holds the byte.
var ErrLocked = errors.New("locked by another process")

// ErrNotRegular is returned by [OpenRegular] for a FIFO, a device, a socket or a directory.
var ErrNotRegular = errors.New("not a regular file")

// Access says what a mapping or an opened file may be used for.
type Access bool

// The two kinds of access.
const (
	ReadOnly  Access = false
	ReadWrite Access = true
)

// OpenRegular opens path without following a symbolic link and refuses anything but a regular file.
func OpenRegular(path string, access Access) (*os.File, error) {
	f, err := open(path, access)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// CreateReserved makes a new file of size bytes at path with all blocks reserved and the given
// permissions, for any umask. It fails if path exists. If it fails, nothing is left behind.
func CreateReserved(path string, size int64, perm os.FileMode) (*os.File, error) {
	f, _, err := create(path, size, perm, func(*os.File, int64) int64 { return 0 })
	return f, err
}

// CreateHuge is [CreateReserved] for memory that is used at random places: as much of the file as
// can be had without waiting long is in huge pages, which [Map] maps in every process. It returns
// how many bytes those are: all but a rest of less than 2 MiB on a tmpfs of Linux 6.1 or later with
// memory to spare, otherwise less, down to 0.
func CreateHuge(path string, size int64, perm os.FileMode) (f *os.File, huge int64, err error) {
	return create(path, size, perm, reserveHuge)
}

func create(path string, size int64, perm os.FileMode,
	first func(f *os.File, size int64) int64) (f *os.File, done int64, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, 0, err
	}
	err = f.Chmod(perm)
	if err == nil {
		done = first(f, size)
		err = reserve(f, 0, size)
	}
	if err != nil {
		f.Close()
		os.Remove(path)
		return nil, 0, &os.PathError{Op: "reserve", Path: path, Err: err}
	}
	return f, done, nil
}

// Irregular reports whether something is at path that is not a regular file.
func Irregular(path string) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && !info.Mode().IsRegular(), err
}

// SetAside renames what is at path to path + ".damaged", for an operator to look at. Of each path
// only the last is kept, so that repeated damage does not fill the file system. It is not an error
// if nothing is there.
func SetAside(path string) error {
	aside := path + ".damaged"
	err := os.Rename(path, aside)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// a directory is in the way, or is not to replace a file
		if err = os.RemoveAll(aside); err == nil {
			err = os.Rename(path, aside)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Discard removes what is at path, a directory with all that is in it, too.
func Discard(path string) error {
	if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return os.RemoveAll(path)
}

// DiscardIrregular removes what is at path unless it is a regular file. Another process may be
// making a regular file there at the same moment: it keeps its name, or gets it back. So what is
// there is checked under a name that no other process uses.
func DiscardIrregular(path string) error {
	aside := fmt.Sprintf("%s.%d-%d", path, os.Getpid(), discards.Add(1))
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	irregular, err := Irregular(aside)
	if err == nil && !irregular {
		err = os.Link(aside, path)
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return errors.Join(err, Discard(aside))
}

// discards makes the names of one process differ.
var discards atomic.Uint64

// Owner returns the id of the user that a file belongs to, -1 if the system has none.
func Owner(info os.FileInfo) int { return owner(info) }

// Group returns the id of the group that a file belongs to, -1 if the system has none.
func Group(info os.FileInfo) int { return group(info) }

// Map maps size bytes of f from its start, at a multiple of 2 MiB if it is as large as that. The
// slice stays valid until [Unmap], also after f is closed. A size that the address space cannot
// hold is an error.
func Map(f *os.File, size int64, access Access) ([]byte, error) {
	if size <= 0 || size != int64(int(size)) {
		return nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: errors.New("size out of range")}
	}
	b, err := mapFile(f, int(size), access)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return b, nil
}

// Room is the space of the file system of a directory, in bytes. If that is in memory, it is at
// most the machine's memory.
type Room struct {
	Total    uint64 // all of it, in use or not
	Free     uint64 // now, for this user
	InMemory bool
}

// FileSystemRoom returns the space of the file system of dir.
func FileSystemRoom(dir string) (Room, error) {
	r, err := room(dir)
	if err != nil {
		return Room{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return r, nil
}

// Unmap ends a mapping made by [Map]; b must be the very slice that Map returned, and must not be
// used any more.
func Unmap(b []byte) error { return unmapFile(b) }

// LockByte takes the exclusive lock on the byte of f at offset, which need not exist. It never
// waits: a byte that another open file holds is [ErrLocked]. f must be open for writing.
func LockByte(f *os.File, offset int64) error { return lockByte(f, offset) }

// LockRange is LockByte for length bytes from offset on. The system keeps ranges of one open file
// that are side by side as one lock, so that other processes skip fewer of them.
func LockRange(f *os.File, offset, length int64) error { return lockRange(f, offset, length) }

// LockRangeToRead is LockRange for a lock that any number of open files can have at a time. It
// replaces a lock that f has there already, without a moment in which f has none.
func LockRangeToRead(f *os.File, offset, length int64) error {
	return lockRangeToRead(f, offset, length)
}

// UnlockRange releases what LockRange or LockRangeToRead took.
func UnlockRange(f *os.File, offset, length int64) error { return unlockRange(f, offset, length) }

// Locked returns a range that another open file has locked, if any, and that has bytes in common
// with the given one. There may be more. A range that extends to the end of the file has a length
// of 0.
func Locked(f *os.File, offset, length int64) (from, size int64, ok bool) {
	return locked(f, offset, length)
}

// ReadLocked reports whether a byte that [LockByte] did not get is locked by other open files to
// read only. Every process that may read the file can do that; a lock that LockByte has taken is
// not of this kind.
func ReadLocked(f *os.File, offset int64) bool { return readLocked(f, offset) }

// UnlockByte releases a byte taken by [LockByte].
func UnlockByte(f *os.File, offset int64) error { return unlockByte(f, offset) }
