package mmap

import "golang.org/x/sys/unix"

// SinceBoot returns the nanoseconds since this machine was booted, also those in which it slept, by
// a clock that cannot be set. ok is false if there is no such clock.
func SinceBoot() (ns int64, ok bool) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0, false
	}
	return t.Nano(), true
}
