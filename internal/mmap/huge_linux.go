package mmap

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// hugeSize is the size of a huge page on amd64, and on arm64 with pages of 4 KiB. Where the system's are larger, it says
// that it cannot make them, and small ones are used.
const hugeSize = 2 << 20

// mapAligned maps f at a multiple of hugeSize, so that each huge page of the file can take one entry of the page tables. The
// system does this of itself only for files on a tmpfs that is mounted for huge pages. The place is found by reserving
// more addresses than needed; what lies beside the file is given back.
func mapAligned(f *os.File, size, protection int) ([]byte, error) {
	length := (size + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	reserved := length + hugeSize
	from, err := unix.MmapPtr(-1, 0, nil, uintptr(reserved), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	room := view(from, reserved)
	skip := toMultiple(room, hugeSize)
	_, err = unix.MmapPtr(int(f.Fd()), 0, start(room[skip:]), uintptr(size), protection, unix.MAP_SHARED|unix.MAP_FIXED)
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

// reserveHuge reserves for f, which is empty, huge pages for as much of size bytes as the system lets it have at once, and says
// how many bytes those are. Only a tmpfs can: there it needs one page in place of each huge one to be, and neither a
// mount option nor a setting of the system (Linux 6.1). That one page is all that has to be copied, so this
// takes less time than to fill as many small pages takes later.
//
// Whatever goes wrong here leaves small pages to be reserved as usual, and so does memory in which the system has to look
// for huge pages for long.
func reserveHuge(f *os.File, size int64) (huge int64) {
	var system unix.Statfs_t
	if size < hugeSize || size != int64(int(size)) || unix.Fstatfs(int(f.Fd()), &system) != nil || system.Type != unix.TMPFS_MAGIC {
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
