package forest

import "math"

// OrderKey maps floats to integers of the same order: a > b exactly if OrderKey(a) > OrderKey(b),
// for all a and b but NaN. IEEE 754 floats are ordered by their bits, the negative ones backwards;
// adding 0 turns -0 into +0, which are equal floats with different bits.
func OrderKey(v float32) int32 {
	bits := int32(math.Float32bits(v + 0))
	return bits ^ int32(uint32(bits>>31)>>1)
}

// OrderKeyValue returns the float whose OrderKey is key.
func OrderKeyValue(key int32) float32 {
	return math.Float32frombits(uint32(key ^ int32(uint32(key>>31)>>1)))
}
