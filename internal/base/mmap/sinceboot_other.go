//go:build !linux

package mmap

// SinceBoot is known on Linux only.
func SinceBoot() (ns int64, ok bool) { return 0, false }
