package window_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// FuzzRestore takes any bytes for a checkpoint, as they are and with the hashes that they should have: they are
// refused, or the Aggregator goes on with them.
func FuzzRestore(f *testing.F) {
	for _, seed := range checkpointSeeds(f) {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "checkpoint")
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, file := range [][]byte{b, window.Rehash(b)} {
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			goOn(t, path)
		}
	})
}

// goOn restores what it can and uses it.
func goOn(t testing.TB, path string) bool {
	t.Helper()
	a := newAggregator(t, window.Config{MaxKeys: 10})
	if err := a.Restore(path, seed); err != nil {
		if n := a.Stats().Keys; n != [traffic.NumDimensions]int{} {
			t.Fatalf("refused (%v) with %v keys", err, n)
		}
		return false
	}
	for range 2 {
		image(t, a, noon)
		for key := range uint64(12) {
			o := traffic.Observation{Time: noon + int64(key), Keys: traffic.Keys{1 + key, 1 + key, 1 + key, 1 + key, 1 + key, 1 + key, 1 + key}}
			for i := range o.Objects {
				o.Objects[i] = key
			}
			for i := range o.Measures {
				o.Measures[i] = 1
			}
			a.Add(&o)
		}
		a.Tick(noon + 1e9)
	}
	for d, n := range a.Stats().Keys {
		if n > 10 {
			t.Fatalf("%d keys in dimension %d", n, d)
		}
	}
	return true
}

// checkpointSeeds are checkpoints: an empty one, small ones, one of another configuration, and damaged ones.
func checkpointSeeds(t testing.TB) [][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint")
	var seeds [][]byte
	for i, n := range []int{0, 1, 40, 300} {
		a, s := newAggregator(t, window.Config{MaxKeys: []int{10, 10, 10, 20}[i], Promote: 1 + i}), newStream(18)
		for _, o := range s.take(n) {
			a.Add(o)
		}
		checkpoint(t, a, path)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	last := seeds[len(seeds)-1]
	return append(seeds, nil, last[:16], last[:len(last)/2], append(last[:len(last):len(last)], 0))
}

// The seeds are what they are meant to be: four are taken up.
func TestFuzzSeeds(t *testing.T) {
	path, sound := filepath.Join(t.TempDir(), "checkpoint"), 0
	for _, b := range checkpointSeeds(t) {
		if err := os.WriteFile(path, window.Rehash(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if goOn(t, path) {
			sound++
		}
	}
	if sound != 4 {
		t.Errorf("%d sound seeds, want 4", sound)
	}
}

// A checkpoint with the right hashes and impossible cells is refused or harmless, whatever byte of it is wild; a third
// of them are tried.
func TestWildCells(t *testing.T) {
	path, seeds := filepath.Join(t.TempDir(), "checkpoint"), checkpointSeeds(t)
	small := seeds[1]
	rng := rand.New(rand.NewPCG(19, 19))
	for at := 0; at < len(small); at += 1 + rng.IntN(5) {
		b := append([]byte(nil), small...)
		b[at] = []byte{0x10, 0x7f, 0xfe}[at%3]
		if err := os.WriteFile(path, window.Rehash(b), 0o600); err != nil {
			t.Fatal(err)
		}
		goOn(t, path)
	}
}
