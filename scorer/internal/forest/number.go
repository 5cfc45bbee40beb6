package forest

import (
	"math"
	"strconv"

	"github.com/headgate/headgate/scorer/internal/city"
)

// IntegerHash returns the hash of the decimal digits of an integer.
func IntegerHash(v int64) uint64 {
	var digits [20]byte
	return city.Hash64(strconv.AppendInt(digits[:0], v, 10))
}

// NumberHash returns the hash of the text of a number: its decimal digits if it has no fraction, as
// for IntegerHash.
func NumberHash(v float64) uint64 {
	if IsWhole(v) {
		return IntegerHash(int64(v))
	}
	var text [32]byte
	return city.Hash64(strconv.AppendFloat(text[:0], v, 'g', -1, 64))
}

// IsWhole reports whether a number is an integer of 64 bits.
func IsWhole(v float64) bool { return v == math.Trunc(v) && math.Abs(v) < 1<<63 }
