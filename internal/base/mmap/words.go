package mmap

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Word64 returns the 8 bytes of b at offset as an atomic word. The pointer keeps b's memory
// reachable if that is heap memory, and must not outlive the mapping if it is a mapping. It panics
// if the word is not inside b or not aligned: offsets are constants of a format, never input.
func Word64(b []byte, offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(wordAt(b, offset, 8))
}

// Word32 is [Word64] for 4 bytes.
func Word32(b []byte, offset int) *atomic.Uint32 {
	return (*atomic.Uint32)(wordAt(b, offset, 4))
}

// StoreRelease stores v in a word that only its caller changes, except for single bits that others
// set. A process that loads it sees what the caller has loaded and stored before. Unlike
// [atomic.Uint64.Store] it does not order the store before loads that come later, which on amd64
// takes as long as an addition.
func StoreRelease(word *atomic.Uint64, v uint64) {
	if plainStoresRelease {
		*(*uint64)(unsafe.Pointer(word)) = v
	} else {
		word.Store(v)
	}
}

// StoreReleaseAt is [StoreRelease] for a word of a slice.
func StoreReleaseAt(word *uint64, v uint64) {
	StoreRelease((*atomic.Uint64)(unsafe.Pointer(word)), v)
}

func wordAt(b []byte, offset, size int) unsafe.Pointer {
	if offset < 0 || offset > len(b)-size {
		panic(fmt.Sprintf("mmap: word of %d bytes at %d outside of %d bytes", size, offset, len(b)))
	}
	p := unsafe.Pointer(&b[offset])
	if uintptr(p)%uintptr(size) != 0 {
		panic(fmt.Sprintf("mmap: word at offset %d is not aligned to %d bytes", offset, size))
	}
	return p
}

// view returns the memory that the system has mapped at from.
func view(from unsafe.Pointer, size int) []byte { return unsafe.Slice((*byte)(from), size) }

// start returns the address of b, which is not empty.
func start(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }

// toMultiple returns how many bytes of b come before the first whose address is a multiple of size.
func toMultiple(b []byte, size int) int {
	return int(-uintptr(unsafe.Pointer(&b[0])) % uintptr(size))
}

// Float32s views b as float32 values in the machine's byte order; b must be aligned to 4 bytes. The
// view shares b's memory and lifetime. A remainder of less than 4 bytes is left out.
func Float32s(b []byte) []float32 {
	if len(b) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(wordAt(b, 0, 4)), len(b)/4)
}

// Uint64s is [Float32s] for 64-bit words, aligned to 8 bytes.
func Uint64s(b []byte) []uint64 {
	if len(b) < 8 {
		return nil
	}
	return unsafe.Slice((*uint64)(wordAt(b, 0, 8)), len(b)/8)
}

// Uint32s is [Float32s] for 32-bit words.
func Uint32s(b []byte) []uint32 {
	if len(b) < 4 {
		return nil
	}
	return unsafe.Slice((*uint32)(wordAt(b, 0, 4)), len(b)/4)
}

// Aligned returns size zeroed bytes of heap memory whose first byte is at the start of a cache
// line, for tests that run the shared memory protocols where the race detector can see them.
func Aligned(size int) []byte {
	const line = 128
	b := make([]byte, size+line)
	skip := toMultiple(b, line)
	return b[skip : skip+size : skip+size]
}
