package keyhash_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/dgryski/go-metro"
	"github.com/headgate/headgate/internal/base/keyhash"
)

// secret is a hasher's, by number.
func secret(n uint64) keyhash.Secret {
	return keyhash.Secret(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, n),
		n*0x9e3779b97f4a7c15))
}

// Keys of every length and their neighbours hash differently, and so does one key under other
// secrets.
func TestHasherTakesInEveryByte(t *testing.T) {
	h := keyhash.New(secret(1))
	seen := make(map[uint64]string)
	note := func(what string, hash uint64) {
		if other, ok := seen[hash]; ok {
			t.Fatalf("%s and %s have the same hash", what, other)
		}
		seen[hash] = what
	}
	for n := range 600 {
		key := make([]byte, n)
		note(fmt.Sprintf("%d zeros", n), h.Hash(key))
		for i := range key {
			key[i] = 1 << (i % 8)
			note(fmt.Sprintf("%d bytes with another at %d", n, i), h.Hash(key))
			key[i] = 0
		}
	}
	for n := range uint64(1000) {
		note(fmt.Sprintf("under secret %d", 2+n),
			keyhash.New(secret(2+n)).Hash([]byte("10.0.0.1:80 shop.example")))
	}
	if a, b := keyhash.New(keyhash.NewSecret()), keyhash.New(keyhash.NewSecret()); a.Hash([]byte("k")) == b.Hash([]byte("k")) {
		t.Error("two hashers have the same secret")
	}
}

// The hash is part of the format of the limits file.
func TestHasherIsFrozen(t *testing.T) {
	h := keyhash.New(secret(1))
	for n, want := range map[int]uint64{
		0: 0x87f5c55e3123acb7, 3: 0xad67d6f32e3bcc18, 7: 0xedd52add0dc4df91, 15: 0x3435dea52e50181b,
		16: 0x92eb334c5ab5a23c, 26: 0x5d8e9e0d29378983, 506: 0xb10885e7622e7728, 600: 0xa3610b7d04f92a41,
	} {
		if got := h.Hash(bytes.Repeat([]byte{'a'}, n)); got != want {
			t.Errorf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
}

// Over the secrets, the column of a key and whether two keys share one are distributed evenly, also
// for keys that differ little.
func TestHasherSpreadsOverSecrets(t *testing.T) {
	const secrets, columns = 1 << 14, 64
	a, b := []byte("10.0.0.1:80 shop.example"), []byte("10.0.0.1:80 shop.exampld")
	var counts [4][columns]int
	var shared [4]int
	for n := range uint64(secrets) {
		h := keyhash.New(secret(n))
		x, y := h.Hash(a), h.Hash(b)
		for row := range 4 {
			column := x >> (13 * row) % columns
			counts[row][column]++
			if column == y>>(13*row)%columns {
				shared[row]++
			}
		}
	}
	const each = secrets / columns // 256, with a standard deviation of 16
	for row := range counts {
		for column, n := range counts[row] {
			if n < each-100 || n > each+100 {
				t.Errorf("row %d: column %d was met %d times, want about %d", row, column, n, each)
			}
		}
		if shared[row] < each-100 || shared[row] > each+100 {
			t.Errorf("row %d: the column is shared under %d secrets, want about %d", row,
				shared[row], each)
		}
	}
}

// pair returns two texts of 64 bytes that have the same MetroHash under every fourth seed: the top
// bit of a product is flipped, which changes one bit of a state, and the next block takes that out
// again if two carries go the right way.
func pair() (a, b []byte) {
	const k3 = 0x30bc5b29
	inverse := uint64(1)
	for range 6 {
		inverse *= 2 - k3*inverse
	}
	a = bytes.Repeat([]byte("0123456789abcdef"), 4)
	b = bytes.Clone(a)
	add := func(at int, n uint64) {
		binary.LittleEndian.PutUint64(b[at:], binary.LittleEndian.Uint64(b[at:])+n)
	}
	add(24, 1<<63)
	add(32+8, 1<<63)
	add(32+24, 1<<34*inverse)
	return a, b
}

// Texts that collide under a quarter of MetroHash's seeds never do under a hasher's secrets.
func TestPairsThatCollideUnderRandomSeeds(t *testing.T) {
	a, b := pair()
	collisions := 0
	for n := range uint64(10000) {
		if seed := n * 0x9e3779b97f4a7c15; metro.Hash64(a, seed) == metro.Hash64(b, seed) {
			collisions++
		}
		if h := keyhash.New(secret(n)); h.Hash(a) == h.Hash(b) {
			t.Fatalf("the pair collides under secret %d", n)
		}
	}
	if collisions < 2000 || collisions > 3000 {
		t.Errorf("the pair collides under %d of 10000 seeds of MetroHash: want about 2500, or it shows nothing", collisions)
	}
}

func BenchmarkHasher(b *testing.B) {
	h := keyhash.New(keyhash.NewSecret())
	for _, n := range []int{4, 26, 120} {
		key := make([]byte, n)
		b.Run(fmt.Sprintf("keyed/%d", n), func(b *testing.B) {
			for b.Loop() {
				h.Hash(key)
			}
		})
		b.Run(fmt.Sprintf("metro/%d", n), func(b *testing.B) {
			for b.Loop() {
				metro.Hash64(key, 0)
			}
		})
	}
}
