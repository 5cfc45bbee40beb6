// Package prefetch prefetches memory that will be needed soon. A load fetches memory too, but no
// later instruction retires before it does, so that some three hundred instructions later
// everything waits. A prefetch retires as soon as the address of its page is translated, and the
// cache misses of longer loops overlap.
//
// For random addresses in a gigabyte or more, that translation is mostly not cached and takes as
// long as the line itself. There, prefetch one line of each page with Lines first, and the rest
// with Words later.
//
// A prefetch is a hint: on processors without such an instruction nothing happens. Addresses need
// not be valid.
package prefetch

import "unsafe"

// Word prefetches the cache line of *p.
func Word[T any](p *T) { line((*byte)(unsafe.Pointer(p))) }

// Line is the address of a cache line. It keeps nothing alive.
type Line uintptr

// CacheLine returns the cache line of *p.
func CacheLine[T any](p *T) Line { return Line(unsafe.Pointer(p)) }

// Lines prefetches all lines, with so few instructions between them that the processor translates
// the addresses of several pages at a time.
func Lines(lines []Line) { each(unsafe.SliceData(lines), uintptr(len(lines))) }

// Words prefetches all cache lines of s.
func Words[T any](s []T) {
	if len(s) == 0 {
		return
	}
	first := unsafe.Pointer(unsafe.SliceData(s))
	lines((*byte)(first), uintptr(len(s))*unsafe.Sizeof(s[0]))
}
