package fetch

import (
	"encoding/binary"
	"math"
)

const (
	dimensions = 5
	columns    = 32
	rowSize    = 4 * columns
)

// mix is the finalizer of splitmix64: the keys look like hashes. The LMDB driver makes the same.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// keyOf is the key of the i-th row of a dimension.
func keyOf(dimension, i int) uint64 { return mix(uint64(dimension)<<40|uint64(i)) | 1 }

// valueOf is what stands in a column of a key's row: small whole numbers, which every side keeps exactly.
func valueOf(key uint64, column int) float32 { return float32(key>>40) + float32(column) }

func appendRow(b []byte, key uint64) []byte {
	for c := range columns {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(valueOf(key, c)))
	}
	return b
}

// decodeRow is the client's work at the end of a fetch from a store of bytes.
func decodeRow(dst []float32, row []byte) {
	for c := range dst {
		dst[c] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*c:]))
	}
}
