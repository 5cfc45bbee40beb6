package window

import "unsafe"

// All use of unsafe in this package: memory seen as bytes, and its address.

// wordBytes returns the bytes that words lie in, in the machine's order: a checkpoint of gigabytes
// is written and read as it lies in memory.
func wordBytes(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}

// hugePage is the size of a huge page in bytes. In small ones nearly every access to a cell misses
// not only the cache but also the page tables' one.
const hugePage = 2 << 20

// wholePages returns the part of an array's capacity that whole huge pages make up.
func wholePages[T uint32 | uint64](array []T) []byte {
	var one T
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(array))),
		uintptr(cap(array))*unsafe.Sizeof(one))
	if len(all) < hugePage {
		return nil
	}
	from := -uintptr(unsafe.Pointer(&all[0])) & (hugePage - 1)
	if from >= uintptr(len(all)) {
		return nil
	}
	return all[from : uintptr(len(all))-(uintptr(len(all))-from)&(hugePage-1)]
}
