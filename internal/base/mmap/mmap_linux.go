package mmap

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// open never blocks: a FIFO in the file's place opens at once and is refused by its type.
func open(path string, access Access) (*os.File, error) {
	flags := os.O_RDONLY
	if access == ReadWrite {
		flags = os.O_RDWR
	}
	return os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

func owner(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

func group(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Gid)
	}
	return -1
}

func reserve(f *os.File, offset, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, offset, size)
		if err != unix.EINTR {
			return err
		}
	}
}

func mapFile(f *os.File, size int, access Access) ([]byte, error) {
	protection := unix.PROT_READ
	if access == ReadWrite {
		protection |= unix.PROT_WRITE
	}
	if size >= hugeSize {
		return mapAligned(f, size, protection)
	}
	start, err := unix.MmapPtr(int(f.Fd()), 0, nil, uintptr(size), protection, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return view(start, size), nil
}

func unmapFile(b []byte) error { return unix.MunmapPtr(start(b), uintptr(len(b))) }

func lockByte(f *os.File, offset int64) error { return lockRange(f, offset, 1) }

func lockRange(f *os.File, offset, length int64) error {
	return setLock(f, unix.F_WRLCK, offset, length)
}

func lockRangeToRead(f *os.File, offset, length int64) error {
	return setLock(f, unix.F_RDLCK, offset, length)
}

func unlockByte(f *os.File, offset int64) error { return unlockRange(f, offset, 1) }

func unlockRange(f *os.File, offset, length int64) error {
	return setLock(f, unix.F_UNLCK, offset, length)
}

func setLock(f *os.File, kind int16, offset, length int64) error {
	lock := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: offset, Len: length}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return ErrLocked
	}
	return err
}

// conflict describes a lock of another open file that keeps f from locking a range.
func conflict(f *os.File, offset, length int64) (lock unix.Flock_t, ok bool) {
	lock = unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: offset, Len: length}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock)
	return lock, err == nil && lock.Type != unix.F_UNLCK
}

func locked(f *os.File, offset, length int64) (from, size int64, ok bool) {
	lock, ok := conflict(f, offset, length)
	return lock.Start, lock.Len, ok
}

func readLocked(f *os.File, offset int64) bool {
	lock, ok := conflict(f, offset, 1)
	return ok && lock.Type == unix.F_RDLCK
}
