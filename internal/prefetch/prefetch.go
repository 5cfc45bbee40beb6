// Package prefetch asks the processor for memory that will be needed soon. A load does so too, but nothing behind it is
// finished before it is, so that some three hundred instructions later everything waits; a prefetch is finished at once, and
// the misses of loops longer than that overlap.
//
// It is a hint: where a processor has no such instruction nothing happens. Addresses need not be valid.
package prefetch

import "unsafe"

// lineSize is the distance of what Words asks for, in bytes: a cache line of most processors.
const lineSize = 64

// Word asks for the cache line of *p.
func Word[T any](p *T) { lines((*byte)(unsafe.Pointer(p)), 1) }

// Words asks for all cache lines of s.
func Words[T any](s []T) {
	if len(s) == 0 {
		return
	}
	first := unsafe.Pointer(unsafe.SliceData(s))
	skipped := uintptr(first) % lineSize
	bytes := skipped + uintptr(len(s))*unsafe.Sizeof(s[0])
	lines((*byte)(first), (bytes+lineSize-1)/lineSize)
}
