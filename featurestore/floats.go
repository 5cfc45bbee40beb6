package featurestore

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian reports whether float32 have the same byte order in memory as in an image.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// getFloats fills dst from src, a part of a row, which must hold as many values. It views dst as
// bytes, not src as float32: that needs no alignment of the image.
func getFloats(dst []float32, src []byte) {
	src = src[:4*len(dst)]
	if len(dst) == 0 {
		return
	}
	if littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), len(src)), src)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
	}
}

// putFloats copies all of src to dst; it inverts getFloats.
func putFloats(dst []byte, src []float32) {
	dst = dst[:4*len(src)]
	if len(src) == 0 {
		return
	}
	if littleEndian {
		copy(dst, unsafe.Slice((*byte)(unsafe.Pointer(&src[0])), len(dst)))
		return
	}
	for i, v := range src {
		le.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}
