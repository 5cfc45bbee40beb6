//go:build !race

// The race detector performs atomic operations in C code, where a fault ends the process; without
// it, and so in every program that is shipped, the fault becomes a panic.

package ring_test

import (
	"os"
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

func TestTruncatedRingIsLetGo(t *testing.T) {
	for _, test := range []struct {
		size int64
		// of the truncated ring: none without its header, else those in what is left of it
		events int
	}{{0, 0}, {4096, (4096 - ring.HeaderSize) / 64}} {
		size, dir := test.size, t.TempDir()
		s := mustOpenSet(t, dir)
		p := mustCreate(t, dir, ring.Config{Cells: 256, CellSize: 64})
		other := mustCreate(t, dir, small)
		mustScan(t, s)
		for n := range uint64(200) {
			put(p, n)
		}
		put(other, 1000)
		if err := os.Truncate(p.Path(), size); err != nil {
			t.Fatal(err)
		}
		if got := pollNumbers(s, 1000); len(got) != test.events+1 || !slices.Contains(got, 1000) {
			t.Errorf("size %d: events %v, want %d and that of the sound ring", size, got,
				test.events)
		}
		mustScan(t, s)
		mustScan(t, s)
		if stats := s.Stats(); stats.Rings != 1 || stats.BadFiles != 1 || stats.Removed != 0 {
			t.Errorf("size %d: %+v", size, stats)
		}
		put(other, 1001)
		wantNumbers(t, pollNumbers(s, 9), 1001)
		if p.Linked() || p.Claimed() > 200 || p.Dropped() != 0 {
			t.Errorf("size %d: linked %v, claimed %d, dropped %d", size, p.Linked(), p.Claimed(),
				p.Dropped())
		}
	}
}
