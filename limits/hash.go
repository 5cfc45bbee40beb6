package limits

import (
	"encoding/binary"
	"math/bits"

	"github.com/dgryski/go-metro"
)

// hashSeed is the seed of every key hash. It is frozen: programs may keep hashes.
const hashSeed = 0

// Hash returns the 64-bit MetroHash of key with seed 0. The counters see nothing else of a key: two
// keys with equal hashes are one key to them.
func Hash(key []byte) uint64 {
	if len(key) < longKey {
		return hashShort(key)
	}
	return metro.Hash64(key, hashSeed)
}

// HashString is [Hash] of the bytes of key, without a copy.
func HashString(key string) uint64 { return metro.Hash64Str(key, hashSeed) }

// longKey is the length from which on it is faster to call the assembler, although that call is not
// inlined.
const longKey = 16

// The constants of MetroHash64 (J. Andrew Rogers, 2015).
const (
	metro0 = 0xD6D018F5
	metro1 = 0xA2AA033B
	metro2 = 0x62992FC1
	metro3 = 0x30BC5B29
)

// HashUint32 is [Hash] of the 4 bytes of key, least significant first. It is small enough to be
// inlined.
func HashUint32(key uint32) uint64 {
	h := shortSeed + uint64(key)*metro3
	h ^= bits.RotateLeft64(h, -26) * metro1
	return mixed(h)
}

// HashUint64 is [Hash] of the 8 bytes of key, least significant first.
func HashUint64(key uint64) uint64 {
	h := shortSeed + key*metro3
	h ^= bits.RotateLeft64(h, -55) * metro1
	return mixed(h)
}

// shortSeed is the first state of MetroHash64 for less than 32 bytes.
const shortSeed = uint64((hashSeed + metro2) * metro0)

// mixed is the last step of MetroHash64.
func mixed(h uint64) uint64 {
	h ^= bits.RotateLeft64(h, -28)
	h *= metro0
	return h ^ bits.RotateLeft64(h, -29)
}

// hashShort returns the MetroHash64 of less than 16 bytes.
func hashShort(key []byte) uint64 {
	h := shortSeed
	if len(key) >= 8 {
		h += binary.LittleEndian.Uint64(key) * metro3
		h ^= bits.RotateLeft64(h, -55) * metro1
		key = key[8:]
	}
	if len(key) >= 4 {
		h += uint64(binary.LittleEndian.Uint32(key)) * metro3
		h ^= bits.RotateLeft64(h, -26) * metro1
		key = key[4:]
	}
	if len(key) >= 2 {
		h += uint64(binary.LittleEndian.Uint16(key)) * metro3
		h ^= bits.RotateLeft64(h, -48) * metro1
		key = key[2:]
	}
	if len(key) >= 1 {
		h += uint64(key[0]) * metro3
		h ^= bits.RotateLeft64(h, -37) * metro1
	}
	return mixed(h)
}
