package ring_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/internal/host/ring"
)

// Wild words in a ring of four cells that holds the events 10 to 13. Whatever was in it, the ring
// must work again once the consumer has walked over the damage.
func TestWildWords(t *testing.T) {
	// cell 0, whose event is 12: positions 6 to 9 are in cells 2, 3, 0, 1
	const cell = ring.HeaderSize
	word := func(mem []byte, offset int, v uint64) { mmap.Word64(mem, offset).Store(v) }
	for _, damage := range []struct {
		name   string
		apply  func(mem []byte)
		events []uint64 // that still come through
		lost   bool     // whether something is counted as damaged
		resync bool
	}{
		{"none", func([]byte) {}, []uint64{10, 11, 12, 13}, false, false},
		{"head too far back", func(m []byte) { word(m, ring.HeadOffset, 0) },
			[]uint64{10, 11, 12, 13}, false, true},
		{"head beyond tail", func(m []byte) { word(m, ring.HeadOffset, 1<<40) },
			[]uint64{10, 11, 12, 13}, false, true},
		{"head at the top", func(m []byte) { word(m, ring.HeadOffset, math.MaxUint64) },
			[]uint64{10, 11, 12, 13}, false, true},
		{"tail behind head", func(m []byte) { word(m, ring.TailOffset, 3) }, nil, true, true},
		{"tail far ahead", func(m []byte) { word(m, ring.TailOffset, 1<<50) }, nil, true, true},
		{"tail at the top", func(m []byte) { word(m, ring.TailOffset, math.MaxUint64) }, nil, true,
			true},
		{"sequence zero", func(m []byte) { word(m, cell, 0) }, []uint64{10, 11, 13}, true, false},
		{"sequence of the future", func(m []byte) { word(m, cell, 1<<60) }, []uint64{10, 11, 13},
			true, false},
		{"length beyond the cell", func(m []byte) { mmap.Word32(m, cell+8).Store(49) },
			[]uint64{10, 11, 13}, true, false},
		{"length at the top", func(m []byte) { mmap.Word32(m, cell+8).Store(math.MaxUint32) },
			[]uint64{10, 11, 13}, true, false}} {
		for _, attached := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, attached before %v", damage.name, attached), func(t *testing.T) {
				p, c, mem := newPair(t, ring.Config{Cells: 4, CellSize: 64})
				for n := range uint64(6) {
					put(p, n)
					drain(c)
				}
				for n := uint64(10); n < 14; n++ {
					put(p, n)
				}
				damage.apply(mem)
				resync := damage.resync
				if attached && strings.HasPrefix(damage.name, "head") {
					resync = false // The word is not read again.
				}
				if !attached {
					c = mustAttach(t, mem, alive)
				}
				wantNumbers(t, drain(c), damage.events...)
				counts := c.Counts()
				if (counts.Damaged > 0) != damage.lost || (counts.Resyncs > 0) != resync {
					t.Errorf("%+v", counts)
				}
				for n := range uint64(9) {
					if !put(p, n) {
						t.Fatalf("the ring refused event %d after the damage", n)
					}
					wantNumbers(t, drain(c), n)
				}
			})
		}
	}
}

func TestWildDropCountIsBounded(t *testing.T) {
	_, c, mem := newPair(t, ring.Config{Cells: 2, CellSize: 64})
	dropped := mmap.Word64(mem, ring.DroppedOffset)
	dropped.Store(5)
	if n := c.Counts().Dropped; n != 5 {
		t.Errorf("%d dropped, want 5", n)
	}
	dropped.Store(3)
	if n := c.Counts().Dropped; n != 5 {
		t.Errorf("the count went back to %d", n)
	}
	dropped.Store(math.MaxUint64)
	if n := c.Counts().Dropped; n != 1<<53 {
		t.Errorf("%d dropped", n)
	}
}

// Somebody who still has the file mapped cannot keep a dead producer's ring from ending.
func TestNothingProlongsADeadRing(t *testing.T) {
	p, _, mem := newPair(t, ring.Config{Cells: 4, CellSize: 64})
	c := mustAttach(t, mem, gone)
	put(p, 1)
	if c.Drained() || c.Backlog() != 1 {
		t.Fatalf("drained %v, backlog %d", c.Drained(), c.Backlog())
	}
	put(p, 2)
	mmap.Word64(mem, ring.TailOffset).Add(1)
	wantNumbers(t, drain(c), 1)
	if !c.Drained() {
		t.Error("not drained")
	}
}

// A producer on memory that somebody else has ruined gives up in a bounded number of steps.
func TestClaimEndsOnWildMemory(t *testing.T) {
	p, _, mem := newPair(t, ring.Config{Cells: 2, CellSize: 64})
	for _, seq := range []uint64{0, 1, 1 << 40, math.MaxUint64} {
		for _, tail := range []uint64{3, 1 << 50, math.MaxUint64} {
			mmap.Word64(mem, ring.TailOffset).Store(tail)
			mmap.Word64(mem, ring.HeaderSize).Store(seq)
			mmap.Word64(mem, ring.HeaderSize+64).Store(seq)
			before := p.Dropped()
			if claim, ok := p.Claim(); ok {
				claim.Commit(nil)
			} else if p.Dropped() != before+1 {
				t.Errorf("seq %d, tail %d: refused without being counted", seq, tail)
			}
		}
	}
}

func TestHeaderErrorsSayWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		want  string
		apply func(mem []byte) []byte
	}{
		{"size is 3", func(m []byte) []byte { return m[:3] }},
		{"size is 512", func(m []byte) []byte { return m[:ring.HeaderSize] }},
		{"size is 639", func(m []byte) []byte { return m[:len(m)-1] }},
		{`magic is "HGEVRINX"`, func(m []byte) []byte { m[7] = 'X'; return m }},
		{"format version is 2", func(m []byte) []byte { m[8] = 2; return m }},
		{"number of cells is 3", func(m []byte) []byte { m[12] = 3; return m }},
		{"number of cells is 1", func(m []byte) []byte { m[12] = 1; return m }},
		{"number of cells is 0", func(m []byte) []byte { m[12] = 0; return m }},
		{"number of cells is 2147483648",
			func(m []byte) []byte { binary.LittleEndian.PutUint32(m[12:], 1<<31); return m }},
		{"cell size is 96", func(m []byte) []byte { m[16] = 96; return m }},
		{"cell size is 32", func(m []byte) []byte { m[16] = 32; return m }},
		{"cell size is 131072", func(m []byte) []byte {
			binary.LittleEndian.PutUint32(m[16:], 1<<17)
			return m
		}},
	} {
		_, err := ring.Attach(test.apply(ring.NewMemory(ring.Config{Cells: 2, CellSize: 64})),
			alive)
		var format *ring.FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one that says %q", err, test.want)
		}
	}
}

// fuzzSeeds are bytes that reach behind the header checks: sound rings in several states.
func fuzzSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	for _, cells := range []int{2, 4, 8} {
		mem := ring.NewMemory(ring.Config{Cells: cells, CellSize: 64})
		seeds = append(seeds, append([]byte(nil), mem...))
		p, c := ring.ProduceInto(mem), mustAttach(f, mem, alive)
		for n := range uint64(3*cells - 1) {
			put(p, n)
			if n < uint64(2*cells) {
				drain(c)
			}
		}
		seeds = append(seeds, append([]byte(nil), mem...))
		p.Claim()
		seeds = append(seeds, append([]byte(nil), mem...))
	}
	return seeds
}

// Whatever is in a file, the consumer comes to its end: a dead ring delivers no more events than it
// has cells and is then drained, and a producer that is still at work does not hang.
func FuzzConsumer(f *testing.F) {
	seeds := fuzzSeeds(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range seeds {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, file []byte, dead bool) {
		if len(file) > 1<<20 {
			return
		}
		mem := mmap.Aligned(len(file))
		copy(mem, file)
		c, err := ring.Attach(mem, func() bool { return dead })
		if err != nil {
			var format *ring.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		cells := (len(mem) - ring.HeaderSize) / 64 // at most
		events := 0
		for range 3*cells + 3 {
			payload, ok := c.Next(nil)
			if !ok && (c.Drained() || !dead) {
				break
			}
			if ok && (len(payload) == 0 || len(payload) > len(mem)) {
				t.Fatalf("payload of %d bytes", len(payload))
			}
			if ok {
				events++
			}
		}
		if events > cells {
			t.Fatalf("%d events from at most %d cells", events, cells)
		}
		if dead && !c.Drained() {
			t.Fatalf("not drained: backlog %d, %+v", c.Backlog(), c.Counts())
		}
		p := ring.ProduceInto(mem)
		for range 4 {
			put(p, 1)
			c.Next(nil)
		}
	})
}
