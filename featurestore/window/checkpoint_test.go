package window_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

func checkpoint(t testing.TB, a *window.Aggregator, path string) {
	t.Helper()
	if err := a.Checkpoint(path, seed); err != nil {
		t.Fatal(err)
	}
}

func restored(t testing.TB, config window.Config, path string) *window.Aggregator {
	t.Helper()
	a := newAggregator(t, config)
	if r, err := a.Restore(path); err != nil || r.Seed != seed {
		t.Fatal(r, err)
	}
	return a
}

// sameRows compares every row of two aggregators.
func sameRows(t *testing.T, a, b *window.Aggregator, observations []*traffic.Observation) {
	t.Helper()
	got, want := make([]float32, 100), make([]float32, 100)
	if a.Stats().Keys != b.Stats().Keys {
		t.Fatalf("%v keys, want %v", a.Stats().Keys, b.Stats().Keys)
	}
	for _, o := range observations {
		for d, key := range o.Keys {
			last, ok := a.Row(traffic.Dimension(d), key, got)
			wantLast, wantOK := b.Row(traffic.Dimension(d), key, want)
			if last != wantLast || ok != wantOK || !sameValues(got, want) {
				t.Fatalf("%v: %d %v, want %d %v", traffic.Dimension(d), last, got, wantLast, want)
			}
		}
	}
}

// One that was restored goes on as the one that was not interrupted: the same rows, bit for bit.
func TestRestoreGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	config := window.Config{Idle: 30 * time.Minute}
	a, s := newAggregator(t, config), newStream(15)
	var all []*traffic.Observation
	for range 8 {
		observations := s.take(400)
		all = append(all, observations...)
		for _, o := range observations {
			a.Add(o)
		}
		a.Tick(s.now)
		checkpoint(t, a, path)
		b := restored(t, config, path)
		sameRows(t, b, a, all[max(0, len(all)-2000):])
		for _, o := range s.take(400) {
			a.Add(o)
			b.Add(o)
			all = append(all, o)
		}
		a.Tick(s.now)
		b.Tick(s.now)
		sameRows(t, b, a, all[len(all)-800:])
	}
}

// Also where keys wait and are evicted: who waits, who goes next and which places are free is part
// of a checkpoint.
func TestRestoreFullTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	for _, config := range []window.Config{{MaxKeys: 8, Idle: 20 * time.Minute}, {MaxKeys: 8, Promote: 1}, {MaxKeys: 40_000, Promote: 2}} {
		a, s := newAggregator(t, config), newStream(16)
		for _, o := range s.take(1000) {
			a.Tick(o.Time)
			a.Add(o)
		}
		checkpoint(t, a, path)
		b := restored(t, config, path)
		for _, o := range s.take(1000) {
			for _, x := range []*window.Aggregator{a, b} {
				x.Tick(o.Time)
				x.Add(o)
			}
		}
		if !slices.Equal(image(t, a, s.now), image(t, b, s.now)) {
			t.Errorf("%+v: it went on differently", config)
		}
		if n := b.Stats().Keys[traffic.DimIP]; n > config.MaxKeys {
			t.Errorf("%+v: %d keys", config, n)
		}
	}
}

// A checkpoint of another configuration is taken up as far as there is room: the most recently
// active keys of each shard, and the others are counted.
func TestRestoreIntoAnotherSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	const keys = 60_000
	config := window.Config{MaxKeys: 100_000, Promote: 1, Features: []traffic.Feature{
		{Name: "requests", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Hour}}}}
	a := newAggregator(t, config)
	for key := uint64(1); key <= keys; key++ {
		a.Add(&traffic.Observation{Time: noon + int64(key)*1e6, Keys: traffic.Keys{traffic.DimIP: key}, Measures: [traffic.NumMeasures]float32{1}})
	}
	checkpoint(t, a, path)
	for _, size := range []int{1, 10, 1000, 40_000, 70_000, 1_000_000} {
		config.MaxKeys = size
		b := restored(t, config, path)
		st := b.Stats()
		if n := st.Keys[traffic.DimIP]; n > size || size > 2*keys && n != keys || n < min(size, keys)*95/100 || uint64(n)+st.Unrestored != keys {
			t.Errorf("room for %d: %d keys, %d without room", size, n, st.Unrestored)
		}
		row, recent := []float32{0}, 0
		for key := uint64(keys - size/10); key <= keys; key++ {
			if _, ok := b.Row(traffic.DimIP, key, row); ok && row[0] == 1 {
				recent++
			}
		}
		if size < keys && recent != size/10+1 {
			t.Errorf("room for %d: %d of the %d most recent keys", size, recent, size/10+1)
		}
	}
}

func TestEmptyCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	checkpoint(t, newAggregator(t, window.Config{}), path)
	if n := restored(t, window.Config{}, path).Stats().Keys; n != [traffic.NumDimensions]int{} {
		t.Errorf("%v keys", n)
	}
}

// twoCheckpoints leaves an older and a newer checkpoint with two and three clients.
func twoCheckpoints(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "checkpoint")
	a := newAggregator(t, window.Config{})
	for key := uint64(1); key <= 3; key++ {
		a.Add(&traffic.Observation{Time: noon, Keys: traffic.Keys{traffic.DimIP: key, traffic.DimHost: 1}, Objects: [traffic.NumObjects]uint64{7, 8, 9}})
		if key >= 2 {
			checkpoint(t, a, path)
		}
	}
	return path
}

func clients(a *window.Aggregator) int { return a.Stats().Keys[traffic.DimIP] }

// A damaged checkpoint is refused, at whatever byte, and the previous one used.
func TestDamagedCheckpoint(t *testing.T) {
	path := twoCheckpoints(t)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := clients(restored(t, window.Config{}, path)); n != 3 {
		t.Fatalf("%d clients, want 3", n)
	}
	a, rng := newAggregator(t, window.Config{}), rand.New(rand.NewPCG(17, 17))
	try := func(damaged []byte) {
		t.Helper()
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := a.Restore(path); err != nil || r.Path != path+".old" || clients(a) != 2 {
			t.Fatalf("%d clients, want the 2 of the older checkpoint: %v", clients(a), err)
		}
	}
	for n := 0; n < len(sound); n += 1 + len(sound)/100 {
		try(sound[:n])
	}
	for range 150 {
		damaged := slices.Clone(sound)
		damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
		try(damaged)
	}
	try(append(slices.Clone(sound), 0))
	if err := os.Remove(path); err != nil { // killed between the two renames
		t.Fatal(err)
	}
	if r, err := a.Restore(path); err != nil || r.Path != path+".old" || clients(a) != 2 {
		t.Errorf("%d clients: %v", clients(a), err)
	}
}

// Without a sound checkpoint the Aggregator stays as it is, and the error tells why.
func TestRestoreRefuses(t *testing.T) {
	path := twoCheckpoints(t)
	for name, restore := range map[string]func() (*window.Aggregator, error){
		"a directory": func() (*window.Aggregator, error) {
			a := newAggregator(t, window.Config{})
			_, err := a.Restore(filepath.Dir(path))
			return a, err
		},
		"an older format": func() (*window.Aggregator, error) {
			a := newAggregator(t, window.Config{})
			if err := os.WriteFile(path+"3", []byte("HGCPNT03 and so on"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := a.Restore(path + "3")
			return a, err
		},
	} {
		if a, err := restore(); err == nil || errors.Is(err, fs.ErrNotExist) || clients(a) != 0 {
			t.Errorf("%s: %v, %d clients", name, err, clients(a))
		}
	}
	a := newAggregator(t, window.Config{})
	if _, err := a.Restore(path + "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no checkpoint: %v", err)
	}
	if err := os.WriteFile(path+"none.old", []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Restore(path + "none"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("only a damaged older checkpoint: %v", err)
	}
	if err := a.Checkpoint(filepath.Join(path, "below", "a file"), seed); err == nil {
		t.Error("a checkpoint without a folder")
	}
}

// What people read about a feature is not part of what is kept: another wording keeps the
// checkpoint.
func TestRestoreAfterRewording(t *testing.T) {
	path := twoCheckpoints(t)
	reworded := traffic.Catalog()
	for i := range reworded {
		reworded[i].Why, reworded[i].Unit = "because", "units"
	}
	if n := clients(restored(t, window.Config{Features: reworded}, path)); n != 3 {
		t.Errorf("%d clients", n)
	}
}

// A checkpoint that cannot be written leaves the last one and nothing else.
func TestCheckpointLeavesNothing(t *testing.T) {
	path := twoCheckpoints(t)
	names, err := filepath.Glob(path + "*")
	if err != nil || !slices.Equal(names, []string{path, path + ".old"}) {
		t.Errorf("%q, %v", names, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
