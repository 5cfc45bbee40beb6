// Package prefetch asks the processor for memory that will be needed soon. A load does so too, but nothing behind it is
// finished before it is, so that some three hundred instructions later everything waits; a prefetch is finished as soon as
// the address of its page is known, and the misses of loops longer than that overlap.
//
// At random in a gigabyte or more, that address is not known most of the time, and looking it up takes as long as the
// line. There Lines asks for one line of each page ahead, and Words for the rest later.
//
// It is a hint: where a processor has no such instruction nothing happens. Addresses need not be valid.
package prefetch

import "unsafe"

// Word asks for the cache line of *p.
func Word[T any](p *T) { line((*byte)(unsafe.Pointer(p))) }

// Line is the address of a cache line. It keeps nothing alive.
type Line uintptr

// LineOf returns the cache line of *p.
func LineOf[T any](p *T) Line { return Line(unsafe.Pointer(p)) }

// Lines asks for all of them, with so few instructions from one to the next that the processor looks up the addresses of
// several pages at a time.
func Lines(lines []Line) { each(unsafe.SliceData(lines), uintptr(len(lines))) }

// Words asks for all cache lines of s.
func Words[T any](s []T) {
	if len(s) == 0 {
		return
	}
	first := unsafe.Pointer(unsafe.SliceData(s))
	lines((*byte)(first), uintptr(len(s))*unsafe.Sizeof(s[0]))
}
