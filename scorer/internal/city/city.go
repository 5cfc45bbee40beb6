// Package city computes CityHash64 in the version that CatBoost uses.
package city

import (
	"encoding/binary"
	"math/bits"
)

// Constants of CityHash64.
const (
	cityK0 = 0xc3a5c85c97cb3127
	cityK1 = 0xb492b66fbe98f273
	cityK2 = 0x9ae16a3b2f90404f
	cityK3 = 0xc949d7c7509e6557
)

// Hash64 is CityHash64 in its version 1.0 of 2011, which CatBoost applies to categorical values
// (util/digest/city.cpp of its source tree). Later versions of CityHash return other values: the
// version is frozen by CatBoost's model files.
func Hash64(s []byte) uint64 {
	switch n := len(s); {
	case n <= 16:
		return cityTo16(s)
	case n <= 32:
		return cityTo32(s)
	case n <= 64:
		return cityTo64(s)
	}
	return cityLong(s)
}

func cityTo16(s []byte) uint64 {
	n := len(s)
	switch {
	case n > 8:
		a, b := load64(s, 0), load64(s, n-8)
		return cityMix(a, bits.RotateLeft64(b+uint64(n), -n)) ^ b
	case n >= 4:
		return cityMix(uint64(n)+uint64(load32(s, 0))<<3, uint64(load32(s, n-4)))
	case n > 0:
		y := uint32(s[0]) + uint32(s[n>>1])<<8
		z := uint32(n) + uint32(s[n-1])<<2
		return cityShift(uint64(y)*cityK2^uint64(z)*cityK3) * cityK2
	}
	return cityK2
}

func cityTo32(s []byte) uint64 {
	n := len(s)
	a, b := load64(s, 0)*cityK1, load64(s, 8)
	c, d := load64(s, n-8)*cityK2, load64(s, n-16)*cityK0
	return cityMix(bits.RotateLeft64(a-b, -43)+bits.RotateLeft64(c, -30)+d,
		a+bits.RotateLeft64(b^cityK3, -20)-c+uint64(n))
}

func cityTo64(s []byte) uint64 {
	n := len(s)
	v0, v1 := cityHalf(s, 24, uint64(n)+load64(s, n-16), 0, 0)
	w0, w1 := cityHalf(s, n-8, 0, n-32, load64(s, 16))
	r := cityShift((v0+w1)*cityK2 + (w0+v1)*cityK0)
	return cityShift(r*cityK0+v1) * cityK2
}

// cityHalf digests 32 bytes at from, with its start given as salt*k0 for the first half and as
// plain for the second.
func cityHalf(s []byte, last int, salt uint64, from int, plain uint64) (uint64, uint64) {
	z := load64(s, last)
	a := load64(s, from) + salt*cityK0 + plain
	b, c := bits.RotateLeft64(a+z, -52), bits.RotateLeft64(a, -37)
	a += load64(s, from+8)
	c += bits.RotateLeft64(a, -7)
	a += load64(s, from+16)
	return a + z, b + bits.RotateLeft64(a, -31) + c
}

func cityLong(s []byte) uint64 {
	n := len(s)
	x, y, z := load64(s, 0), load64(s, n-16)^cityK1, load64(s, n-56)^cityK0
	length := uint64(n)
	v0, v1 := cityWeak(s, n-64, length, y)
	w0, w1 := cityWeak(s, n-32, length*cityK1, cityK0)
	z += cityShift(v1) * cityK1
	x = bits.RotateLeft64(z+x, -39) * cityK1
	y = bits.RotateLeft64(y, -33) * cityK1
	for at := 0; at < (n-1)&^63; at += 64 {
		x = bits.RotateLeft64(x+y+v0+load64(s, at+16), -37) * cityK1
		y = bits.RotateLeft64(y+v1+load64(s, at+48), -42) * cityK1
		x ^= w1
		y ^= v0
		z = bits.RotateLeft64(z^w0, -33)
		v0, v1 = cityWeak(s, at, v1*cityK1, x+w0)
		w0, w1 = cityWeak(s, at+32, z+w1, y)
		z, x = x, z
	}
	return cityMix(cityMix(v0, w0)+cityShift(y)*cityK1+z, cityMix(v1, w1)+x)
}

func cityWeak(s []byte, at int, a, b uint64) (uint64, uint64) {
	w, x, y, z := load64(s, at), load64(s, at+8), load64(s, at+16), load64(s, at+24)
	a += w
	b = bits.RotateLeft64(b+a+z, -21)
	c := a
	a += x + y
	return a + z, b + bits.RotateLeft64(a, -44) + c
}

func cityMix(u, v uint64) uint64 {
	const mul = 0x9ddfea08eb382d69
	a := (u ^ v) * mul
	a ^= a >> 47
	b := (v ^ a) * mul
	b ^= b >> 47
	return b * mul
}

func cityShift(v uint64) uint64 { return v ^ v>>47 }

func load64(s []byte, at int) uint64 { return binary.LittleEndian.Uint64(s[at:]) }

func load32(s []byte, at int) uint32 { return binary.LittleEndian.Uint32(s[at:]) }
