package mmap

import "golang.org/x/sys/unix"

func room(dir string) (r Room, err error) {
	var fs unix.Statfs_t
	for {
		if err = unix.Statfs(dir, &fs); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return Room{}, err
	}
	r.Total, r.Free = uint64(fs.Blocks)*uint64(fs.Bsize), uint64(fs.Bavail)*uint64(fs.Bsize)
	if kind := uint32(fs.Type); kind != unix.TMPFS_MAGIC && kind != unix.RAMFS_MAGIC {
		return r, nil
	}
	r.InMemory = true
	var machine unix.Sysinfo_t
	if err := unix.Sysinfo(&machine); err != nil {
		return Room{}, err
	}
	memory := (uint64(machine.Totalram) + uint64(machine.Totalswap)) * uint64(machine.Unit)
	if r.Total == 0 || memory < r.Total { // ramfs has no size of its own
		r.Total = memory
	}
	r.Free = min(r.Free, r.Total)
	return r, nil
}
