package scorer

import "unsafe"

// vectorBytes is the width of the widest vector register.
const vectorBytes = 64

// aligned returns size zero bytes that begin at a multiple of vectorBytes, so that no vector load
// touches two cache lines. The garbage collector does not move what it allocates.
func aligned(size int) []byte {
	b := make([]byte, size+vectorBytes)
	gap := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % vectorBytes
	return b[gap : int(gap)+size : int(gap)+size]
}

// realigned copies bytes to aligned memory.
func realigned(b []byte) []byte {
	to := aligned(len(b))
	copy(to, b)
	return to
}

// stringBytes returns the bytes of a string without copying them. They must be neither written to
// nor kept.
func stringBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
