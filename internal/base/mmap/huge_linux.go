package mmap

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// hugeSize is the size of a huge page on amd64, and on arm64 with pages of 4 KiB. If the system's
// are larger, it refuses to make them, and small ones are used.
const hugeSize = 2 << 20

// mapAligned maps f at a multiple of hugeSize, so that each huge page of the file can take one
// entry of the page tables. The system does this itself only for files on a tmpfs that is mounted
// for huge pages. mapAligned reserves more addresses than needed, and releases what is beside the
// file.
func mapAligned(f *os.File, size, protection int) ([]byte, error) {
	length := (size + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	reserved := length + hugeSize
	from, err := unix.MmapPtr(-1, 0, nil, uintptr(reserved), unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	room := view(from, reserved)
	skip := toMultiple(room, hugeSize)
	_, err = unix.MmapPtr(int(f.Fd()), 0, start(room[skip:]), uintptr(size), protection,
		unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		unmapFile(room)
		return nil, err
	}
	for _, beside := range [][]byte{room[:skip], room[skip+length:]} {
		if len(beside) > 0 {
			unmapFile(beside)
		}
	}
	return room[skip : skip+size : skip+size], nil
}

// reserveHuge reserves huge pages for f, which is empty: for as much of size bytes as the system
// allows at once. It returns how many bytes those are. Only a tmpfs can do this: it needs one page
// in each future huge one, and neither a mount option nor a setting of the system (Linux 6.1). Only
// that one page has to be copied, so this takes less time than filling as many small pages later.
//
// If anything fails here, small pages are reserved as usual; so they are if the system has to
// search long for huge pages.
func reserveHuge(f *os.File, size int64) (huge int64) {
	var system unix.Statfs_t
	if size < hugeSize || size != int64(int(size)) || unix.Fstatfs(int(f.Fd()), &system) != nil ||
		system.Type != unix.TMPFS_MAGIC {
		return 0
	}
	if f.Truncate(size) != nil {
		return 0
	}
	memory, err := mapFile(f, int(size), ReadWrite)
	if err != nil {
		return 0
	}
	defer unmapFile(memory)
	pages := size / hugeSize
	end := time.Now().Add(20*time.Millisecond + time.Duration(pages)*2*time.Millisecond)
	for k := range pages {
		at := k * hugeSize
		if reserve(f, at, 1) != nil {
			break
		}
		err := unix.Madvise(memory[at:at+hugeSize], unix.MADV_COLLAPSE)
		if err == nil {
			huge += hugeSize
		}
		if err == unix.EINVAL || err == unix.ENOMEM || time.Now().After(end) {
			break // it never can, or has none
		}
	}
	return huge
}
