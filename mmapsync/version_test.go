package mmapsync

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

func TestVersionWordsKeepWhatIsPutIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		index, size, hash := rng.IntN(2), rng.Int64N(MaxSize+1)>>rng.IntN(40), rng.Uint64()
		v := newVersion(index, size, hash)
		if v == 0 || v.Index() != index || v.Size() != size || v.Checksum() == 0 {
			t.Fatalf("newVersion(%d, %d, %#x) gives index %d, size %d, checksum %#x", index, size,
				hash, v.Index(), v.Size(), v.Checksum())
		}
		if want := uint32(hash & 0xffffff); want != 0 && v.Checksum() != want {
			t.Fatalf("checksum %#x, want %#x", v.Checksum(), want)
		}
	}
}

func TestVersionWordsAreThoseOfTheCrate(t *testing.T) {
	for _, c := range []struct {
		index int
		size  int64
		hash  uint64
		want  Version
	}{
		{0, 0, 0, 1 << 40}, // nothing published is the only 0
		{1, 0, 1, 1<<40 | 1},
		{0, 1, 0xabcdef, 0xabcdef<<40 | 2},
		{1, MaxSize, 0xffffffff_ffffffff, 0xffffffff_ffffffff},
		{0, 36, 0x11_00000000 | 0x123456, 0x123456<<40 | 72},
	} {
		if got := newVersion(c.index, c.size, c.hash); got != c.want {
			t.Errorf("newVersion(%d, %d, %#x) = %#x, want %#x", c.index, c.size, c.hash,
				uint64(got), uint64(c.want))
		}
	}
}

func TestSlotWordsCountBothFilesApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	s := &slot{word: new(atomic.Uint64)}
	holds := [2]int{}
	for range 100_000 {
		i := rng.IntN(2)
		switch {
		case rng.IntN(50) == 0:
			s.word.Or(uint64(slotRetired))
		case holds[i] > 0 && rng.IntN(2) == 0:
			s.drop(i)
			holds[i]--
		default:
			s.hold(i)
			holds[i]++
		}
		retired := s.load().retired()
		if got := s.load(); got.holds(0) != holds[0] || got.holds(1) != holds[1] {
			t.Fatalf("the word counts %d and %d, want %v", got.holds(0), got.holds(1), holds)
		}
		if free := retired && holds == [2]int{}; s.reclaim() != free {
			t.Fatalf("reclaim with retired %v and holds %v says %v", retired, holds, !free)
		}
	}
}

func TestHashIsFrozen(t *testing.T) {
	// A change of these values is a change of the file format.
	for content, want := range map[string]uint64{"": 0x374fb8147e87b923,
		"headgate": 0xe542ed1b657918ca} {
		if got := contentHash([]byte(content)); got != want {
			t.Errorf("contentHash(%q) = %#016x, want %#016x", content, got, want)
		}
	}
}

func TestDataLengthLeavesRoom(t *testing.T) {
	for _, c := range []struct{ capacity, length, real int64 }{
		{0, 4096, 4032}, {4032, 4096, 4032}, {4033, 8192, 8128}, {1 << 20, 1<<20 + 4096,
			1<<20 + 4032}} {
		if length, real := dataLength(c.capacity); length != c.length || real != c.real {
			t.Errorf("dataLength(%d) = %d, %d, want %d, %d", c.capacity, length, real, c.length,
				c.real)
		}
	}
}
