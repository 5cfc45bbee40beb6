package limits_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
)

var opSeeds = [][]byte{
	{0x00},
	{0x10, 0x11, 0x12, 0x10, 0x20, 0x21, 0x30},
	{0x13, 0x13, 0x13, 0x13, 0x13, 0x23, 0x23, 0x33, 0x13, 0x43, 0x13, 0x53, 0x13},
	{0x51, 0x11, 0x61, 0x11, 0x71, 0x11, 0x81, 0x91, 0xa1, 0xb1, 0x21, 0x21, 0x21},
	{0x1f, 0x2f, 0x1f, 0x8f, 0x1f, 0x9f, 0x1f, 0xaf, 0x1f, 0xbf, 0x2f, 0x3f, 0x3f},
}

// FuzzRateOps runs a sequence of events, two bytes each (key and count, then how far time moves),
// and compares the counts with a map per interval.
func FuzzRateOps(f *testing.F) {
	if len(opSeeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range opSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := must(limits.NewRate(limits.RateConfig{}))
		m := rateModel{counts: make(map[int64]map[uint64]uint64)}
		now := time.Duration(0)
		for ; len(ops) >= 2; ops = ops[2:] {
			now = max(0, now+time.Duration(int8(ops[1]))*sec/32) // also backwards
			key, n := limits.Hash(ops[:1]), uint32(ops[0]>>4)
			want := m.observe(key, n, int64(now/sec))
			if got, _ := r.ObserveAt(key, n, now); got != want {
				t.Fatalf("at %v: observed %d, model %d", now, got, want)
			}
			c := r.ComponentsAt(key, now)
			if c.Current != m.counts[m.newest][key] || c.Previous != m.counts[m.newest-1][key] {
				t.Fatalf("at %v: %+v, model %v", now, c, m.counts)
			}
			if c.Elapsed < 0 || c.Elapsed >= 1 {
				t.Fatalf("at %v: %v of the interval elapsed", now, c.Elapsed)
			}
		}
	})
}
