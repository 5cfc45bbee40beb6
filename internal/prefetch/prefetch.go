// Package prefetch asks the processor for memory that will be needed soon. A load does so too, but nothing behind it is
// finished before it is, so that some three hundred instructions later everything waits; a prefetch is finished at once, and
// the misses of loops longer than that overlap.
//
// It is a hint: where a processor has no such instruction nothing happens. Addresses need not be valid.
package prefetch

import "unsafe"

// Word asks for the cache line of *p.
func Word[T any](p *T) { line((*byte)(unsafe.Pointer(p))) }

// Words asks for all cache lines of s.
func Words[T any](s []T) {
	if len(s) == 0 {
		return
	}
	first := unsafe.Pointer(unsafe.SliceData(s))
	lines((*byte)(first), uintptr(len(s))*unsafe.Sizeof(s[0]))
}
