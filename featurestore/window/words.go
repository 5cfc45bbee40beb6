package window

import "unsafe"

// bytesOf gives the bytes that words lie in, in the machine's order. It is the one use of unsafe in this package: a
// checkpoint of gigabytes is written and read as it lies in memory.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}
