package window_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// FuzzRestore takes any bytes for a checkpoint, as they are and with the hashes that they should
// have: they are refused, or the Aggregator goes on with them.
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
	if _, err := a.Restore(path); err != nil {
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
		a.Clock(window.Instant{Wall: noon, Running: 1e9})
		a.Tick(noon + 1e9)
	}
	for d, n := range a.Stats().Keys {
		if n > 10 {
			t.Fatalf("%d keys in dimension %d", n, d)
		}
	}
	return true
}

// FuzzAdd folds events of any bytes, at any times: nothing panics, no more keys are kept than are
// allowed, and no value is negative or infinite.
func FuzzAdd(f *testing.F) {
	for number := range uint64(4) {
		var events []byte
		s := newStream(number)
		for range 5 {
			ev := s.event()
			b, err := ev.MarshalMsg(nil)
			if err != nil {
				f.Fatal(err)
			}
			events = append(append(events, byte(len(b)), byte(len(b)>>8)), b...)
		}
		f.Add(events)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := newAggregator(t, window.Config{MaxKeys: 3, Promote: 2})
		for len(b) > 2 {
			n := min(int(b[0])|int(b[1])<<8, len(b)-2)
			var ev traffic.Event
			if _, err := ev.UnmarshalMsg(b[2 : 2+n]); err == nil {
				ev.Bound()
				addWild(t, a, &ev)
			}
			b = b[2+n:]
		}
		image(t, a, noon)
		for d, n := range a.Stats().Keys {
			if n > 3 {
				t.Fatalf("%d keys in dimension %d", n, d)
			}
		}
	})
}

func addWild(t *testing.T, a *window.Aggregator, ev *traffic.Event) {
	t.Helper()
	var o traffic.Observation
	traffic.Observe(ev, seed, &o)
	a.Tick(ev.Time)
	a.Add(&o)
	row := make([]float32, 100)
	for i, d := range a.Schema().Dimensions {
		dimension, _ := traffic.DimensionByName(d.Name)
		if _, ok := a.Row(dimension, o.Keys[dimension], row); !ok {
			continue
		}
		for c, v := range row[:len(a.Schema().Dimensions[i].Columns)] {
			if v < 0 && !strings.Contains(d.Columns[c].Name, "_excess_") || math.IsInf(float64(v), 0) {
				t.Fatalf("%s/%s is %v", d.Name, d.Columns[c].Name, v)
			}
		}
	}
}

// checkpointSeeds are checkpoints: an empty one, small ones, one of another configuration, one of
// another release, and damaged ones.
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
	a := newAggregator(t, window.Config{MaxKeys: 10, Features: goldenFeatures}) // of another release
	for _, o := range newStream(19).take(40) {
		a.Add(o)
	}
	a.Clock(window.Instant{Wall: noon + 1e15, Boot: 1, Running: 5})
	a.Tick(noon + 1e15)
	checkpoint(t, a, path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seeds = append(seeds, b)
	last := seeds[len(seeds)-1]
	return append(seeds, nil, last[:16], last[:len(last)/2], append(last[:len(last):len(last)], 0))
}

// The seeds are what they are meant to be: five are taken up.
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
	if sound != 5 {
		t.Errorf("%d sound seeds, want 5", sound)
	}
}

// A checkpoint with the right hashes and impossible cells is refused or harmless, whatever byte of
// it is wild; a tenth of them are tried.
func TestWildCells(t *testing.T) {
	path, seeds := filepath.Join(t.TempDir(), "checkpoint"), checkpointSeeds(t)
	rng := rand.New(rand.NewPCG(19, 19))
	for _, small := range [][]byte{seeds[1], seeds[4]} {
		for at := 0; at < len(small); at += 1 + rng.IntN(40) {
			b := append([]byte(nil), small...)
			b[at] = []byte{0x10, 0x7f, 0xfe}[at%3]
			if err := os.WriteFile(path, window.Rehash(b), 0o600); err != nil {
				t.Fatal(err)
			}
			goOn(t, path)
		}
	}
}
