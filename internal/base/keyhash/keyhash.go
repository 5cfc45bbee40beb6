// Package keyhash hashes the keys of limits under a secret, so that clients, who choose keys,
// cannot choose two with the same hash.
package keyhash

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"

	"github.com/headgate/headgate/internal/base/siphash"
)

// Secret is what a [Hasher] is derived from: that of a limits file, or of a process.
type Secret [16]byte

// NewSecret returns a random secret.
func NewSecret() (s Secret) {
	rand.Read(s[:]) // never fails
	return s
}

// Hasher hashes keys that clients may choose. Without its secret nobody can choose two keys with
// the same hash, or one that shares a counter with a given other one; see [Hasher.Hash]. All
// methods are safe for concurrent use and allocate nothing.
type Hasher struct {
	words     [hasherWords]uint64
	low, high [2]uint64 // coefficients of 128 bits
	plus      [2]uint64
	long      siphash.Key
	print     siphash.Key // of fingerprints
}

const (
	blockBytes  = 16
	hasherBytes = 512 // longer keys are hashed with SipHash
	hasherWords = hasherBytes / 8
)

// New returns the hasher of a secret.
func New(s Secret) *Hasher {
	h := new(Hasher)
	key := siphash.Key{Low: binary.LittleEndian.Uint64(s[:]),
		High: binary.LittleEndian.Uint64(s[8:])}
	n := uint64(0)
	next := func() uint64 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		n++
		return key.Hash(b[:])
	}
	for _, words := range [][]uint64{h.words[:], h.low[:], h.high[:], h.plus[:]} {
		for i := range words {
			words[i] = next()
		}
	}
	h.long = siphash.Key{Low: next(), High: next()}
	h.print = siphash.Key{Low: next(), High: next()}
	return h
}

// Hash returns a 64-bit hash of key under the secret.
//
// For any two different keys of up to 512 bytes, however they were chosen, the pair of their hashes
// takes each of its 2^128 values with the same probability over the secret, but for an error of
// 2^-63: so they are equal with probability 2^-63 at most, and agree in any b of their bits with
// 2^-b. The key is first brought to 128 bits by NH, the hash of UMAC (J. Black et al., "UMAC: fast
// and secure message authentication", CRYPTO 1999), over words of 64 bits, then to 64 by
// multiplication modulo 2^128 (M. Dietzfelbinger, "Universal hashing and k-wise independent random
// variables via integer arithmetic without primes", STACS 1996). The permutation that follows does
// not change this; because of it, a client that has learned from refusals that two keys share a
// counter cannot compute which others do. Longer keys are hashed with SipHash-2-4.
//
// The result is part of the format of the limits file.
func (h *Hasher) Hash(key []byte) uint64 {
	n := len(key)
	if n > hasherBytes {
		return h.long.Hash(key)
	}
	var high, low, carry uint64
	switch {
	case n <= blockBytes:
		a, b := shortBlock(key)
		high, low = bits.Mul64(a+h.words[0], b+h.words[1])
	case n <= 2*blockBytes: // blocks, written out
		high, low = bits.Mul64(binary.LittleEndian.Uint64(key)+h.words[0],
			binary.LittleEndian.Uint64(key[8:])+h.words[1])
		last := key[n-blockBytes:]
		ph, pl := bits.Mul64(binary.LittleEndian.Uint64(last)+h.words[2],
			binary.LittleEndian.Uint64(last[8:])+h.words[3])
		low, carry = bits.Add64(low, pl, 0)
		high += ph + carry
	default:
		high, low = h.blocks(key)
	}
	low, carry = bits.Add64(low, uint64(n), 0)
	high += carry
	lh, ll := bits.Mul64(h.low[0], low)
	hh, hl := bits.Mul64(h.high[0], high)
	sum, c1 := bits.Add64(ll, hl, 0)
	_, c2 := bits.Add64(sum, h.plus[0], 0)
	top := lh + hh + h.low[1]*low + h.high[1]*high + h.plus[1] + c1 + c2
	top ^= top >> 32
	top *= 0xd6e8feb86659fd93
	return top ^ top>>32
}

// Fingerprint returns another hash of key, for keys that are too long to be compared byte by byte.
func (h *Hasher) Fingerprint(key []byte) uint64 { return h.print.Hash(key) }

// blocks returns NH of more than one block. The last block overlaps with the previous one: together
// with the length, which is added later, every byte is included.
func (h *Hasher) blocks(key []byte) (high, low uint64) {
	last := key[len(key)-blockBytes:]
	words := h.words[:]
	for len(key) > blockBytes && len(words) >= 4 {
		ph, pl := bits.Mul64(binary.LittleEndian.Uint64(key)+words[0],
			binary.LittleEndian.Uint64(key[8:])+words[1])
		var carry uint64
		low, carry = bits.Add64(low, pl, 0)
		high += ph + carry
		key, words = key[blockBytes:], words[2:]
	}
	ph, pl := bits.Mul64(binary.LittleEndian.Uint64(last)+words[0],
		binary.LittleEndian.Uint64(last[8:])+words[1])
	low, carry := bits.Add64(low, pl, 0)
	return high + ph + carry, low
}

// shortBlock returns a block with all of a key of at most 16 bytes; different keys of one length
// have different blocks.
func shortBlock(key []byte) (a, b uint64) {
	switch n := len(key); {
	case n >= 8:
		return binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(key)),
			uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		return uint64(key[0]) | uint64(key[n/2])<<8 | uint64(key[n-1])<<16, 0
	}
	return 0, 0
}
