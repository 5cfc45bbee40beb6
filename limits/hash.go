package limits

import "github.com/dgryski/go-metro"

// hashSeed is the seed of every key hash. It is frozen: processes that count
// together must find the same cells for the same key.
const hashSeed = 0

// Hash returns the 64-bit MetroHash of key with seed 0, the only thing that the
// counters of this package ever see of a key. Two keys with equal hashes are
// one key to them.
func Hash(key []byte) uint64 { return metro.Hash64(key, hashSeed) }

// HashString is [Hash] of the bytes of key, without a copy.
func HashString(key string) uint64 { return metro.Hash64Str(key, hashSeed) }
