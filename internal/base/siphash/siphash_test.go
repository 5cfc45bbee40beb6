package siphash_test

import (
	"encoding/hex"
	"testing"

	"github.com/headgate/headgate/internal/base/siphash"
)

// The vectors of the reference implementation: key and text are the bytes 0, 1, 2 and so on.
func TestVectors(t *testing.T) {
	key := siphash.Key{Low: 0x0706050403020100, High: 0x0f0e0d0c0b0a0908}
	text := make([]byte, 64)
	for i := range text {
		text[i] = byte(i)
	}
	for n, want := range map[int]string{
		0: "310e0edd47db6f72", 1: "fd67dc93c539f874", 2: "5a4fa9d909806c0d", 3: "2d7efbd796666785", 7: "37d1018bf50002ab",
		8: "6224939a79f5f593", 9: "b0e4a90bdf82009e", 15: "e545be4961ca29a1", 16: "db9bc2577fcc2a3f", 63: "724506eb4c328a95",
	} {
		b, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		h := uint64(0)
		for i, c := range b {
			h |= uint64(c) << (8 * i)
		}
		if got := key.Hash(text[:n]); got != h {
			t.Errorf("%d bytes: %#016x, want %#016x", n, got, h)
		}
		if got := key.HashString(string(text[:n])); got != h {
			t.Errorf("%d bytes as a string: %#016x, want %#016x", n, got, h)
		}
	}
}

func TestHashAllocatesNothing(t *testing.T) {
	key, text := siphash.Key{Low: 1, High: 2}, make([]byte, 300)
	s := string(text)
	if n := testing.AllocsPerRun(100, func() { key.Hash(text); key.HashString(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
