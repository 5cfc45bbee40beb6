// Package siphash implements SipHash-2-4 (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast
// short-input PRF", INDOCRYPT 2012). Without the secret key nobody can predict a hash or find two
// texts with the same hash. Use it for texts that clients choose, where equal hashes decide
// something.
package siphash

import (
	"encoding/binary"
	"math/bits"
)

// Key is the secret of 128 bits.
type Key struct{ Low, High uint64 }

// Hash returns the hash of text. It allocates nothing.
func (k Key) Hash(text []byte) uint64 {
	s := k.begin()
	n := uint64(len(text))
	for ; len(text) >= 8; text = text[8:] {
		s.add(binary.LittleEndian.Uint64(text))
	}
	last := n << 56
	for i, c := range text {
		last |= uint64(c) << (8 * i)
	}
	s.add(last)
	return s.end()
}

// HashString returns [Key.Hash] of the bytes of text, without copying them.
func (k Key) HashString(text string) uint64 {
	s := k.begin()
	n := uint64(len(text))
	for ; len(text) >= 8; text = text[8:] {
		var b [8]byte
		copy(b[:], text)
		s.add(binary.LittleEndian.Uint64(b[:]))
	}
	last := n << 56
	for i := range len(text) {
		last |= uint64(text[i]) << (8 * i)
	}
	s.add(last)
	return s.end()
}

// state is the state of a hash in progress.
type state struct{ v0, v1, v2, v3 uint64 }

func (k Key) begin() state {
	return state{
		k.Low ^ 0x736f6d6570736575, k.High ^ 0x646f72616e646f6d,
		k.Low ^ 0x6c7967656e657261, k.High ^ 0x7465646279746573,
	}
}

func (s *state) add(m uint64) {
	s.v3 ^= m
	s.round()
	s.round()
	s.v0 ^= m
}

func (s *state) end() uint64 {
	s.v2 ^= 0xff
	for range 4 {
		s.round()
	}
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

func (s *state) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}
