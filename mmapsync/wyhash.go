package mmapsync

import (
	"encoding/binary"
	"math/bits"
)

// foreignHash returns the hash whose low 24 bits mmap-sync 2.x announces with a publication: wyhash
// with seed 0, in the version of the crate wyhash 0.5 (the algorithm's "final version 1",
// github.com/wangyi-fudan/wyhash). It protects from mistakes, not from attackers.
func foreignHash(content []byte) uint64 {
	seed, rest := uint64(0), content
	for ; len(rest) >= 32; rest = rest[32:] {
		seed = fold(seed^wy0,
			fold(word64(rest)^wy1, word64(rest[8:])^wy2)^fold(word64(rest[16:])^wy3,
				word64(rest[24:])^wy4))
	}
	seed ^= wy0
	switch n := len(rest); {
	case n == 0:
	case n <= 8:
		seed = fold(seed, last(rest)^wy1)
	case n <= 16:
		seed = fold(swapHalves(rest)^seed, last(rest[8:])^wy2)
	case n <= 24:
		seed = fold(swapHalves(rest)^seed, swapHalves(rest[8:])^wy2) ^ fold(seed,
			last(rest[16:])^wy3)
	default:
		seed = fold(swapHalves(rest)^seed,
			swapHalves(rest[8:])^wy2) ^ fold(swapHalves(rest[16:])^seed, last(rest[24:])^wy4)
	}
	return fold(seed, uint64(len(content))^wy5)
}

// The algorithm's constants.
const (
	wy0 = 0xa0761d6478bd642f
	wy1 = 0xe7037ed1a0b428db
	wy2 = 0x8ebc6af09c88c6e3
	wy3 = 0x589965cc75374cc3
	wy4 = 0x1d8e4e27c47d124f
	wy5 = 0xeb44accab455d165
)

// fold returns the 128-bit product with its halves added without carry.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

func word64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// swapHalves returns 8 bytes with their halves exchanged.
func swapHalves(b []byte) uint64 { return bits.RotateLeft64(word64(b), 32) }

// last returns what the final 1 to 8 bytes count for: fours and twos are above what follows them.
func last(b []byte) uint64 {
	switch n := len(b); {
	case n == 1:
		return uint64(b[0])
	case n < 4:
		return uint64(binary.LittleEndian.Uint16(b))<<(8*(n-2)) | lastOrNone(b[2:])
	default:
		return uint64(binary.LittleEndian.Uint32(b))<<(8*(n-4)) | lastOrNone(b[4:])
	}
}

func lastOrNone(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return last(b)
}
