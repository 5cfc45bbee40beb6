package window

import "math"

// A cell begins with its key and the time of its last event; the plan of its dimension says what
// follows.
//
//	words 0-1  key, low half first
//	words 2-3  time of the last event, nanoseconds since 1970 UTC, likewise
const headWords = 4

func cellKey(cell []uint32) uint64 { return uint64(cell[0]) | uint64(cell[1])<<32 }

func setKey(cell []uint32, key uint64) { cell[0], cell[1] = uint32(key), uint32(key>>32) }

func cellLast(cell []uint32) int64 { return int64(uint64(cell[2]) | uint64(cell[3])<<32) }

func setLast(cell []uint32, last int64) {
	cell[2], cell[3] = uint32(last), uint32(uint64(last)>>32)
}

func float(word uint32) float32 { return math.Float32frombits(word) }
