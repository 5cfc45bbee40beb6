package featurestore_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/mmapsync"
)

var smallOptions = featurestore.PublisherConfig{Capacity: []int{5000}}

func openPublisher(t testing.TB, path string, schema featurestore.Schema) *featurestore.Publisher {
	t.Helper()
	p, err := featurestore.OpenPublisher(path, schema, smallOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func openStore(t testing.TB, path string) *featurestore.Store {
	t.Helper()
	s, err := featurestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// publishSmall publishes smallSchema's small table under a new path.
func publishSmall(t testing.TB) (path string, p *featurestore.Publisher) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "features")
	p = openPublisher(t, path, smallSchema())
	putSmall(t, p)
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	return path, p
}

// publishBytes returns a store and a function that publishes any bytes under its path.
func publishBytes(t testing.TB) (*featurestore.Store, func([]byte)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "features")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return openStore(t, path), func(image []byte) {
		if _, err := w.Publish(image); err != nil {
			t.Fatal(err)
		}
	}
}

// View sees what was published, at any size.
func TestViewAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	path := filepath.Join(t.TempDir(), "features")
	schema := randomSchema(rng)
	p := openPublisher(t, path, schema)
	store := openStore(t, path)
	for _, size := range []int{0, 1, 2000, 10, 300} {
		m := randomModel(rng, schema, size)
		m.publish(t, p, noon)
		if err := store.View(func(table *featurestore.Table) error { m.compare(t, table); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	mine := errors.New("mine")
	if err := store.View(func(*featurestore.Table) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("View gives %v", err)
	}
}

func TestNothingPublished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	if _, err := featurestore.Open(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a path without files: %v", err)
	}
	p := openPublisher(t, path, smallSchema())
	store := openStore(t, path)
	if err := store.View(nil); !errors.Is(err, mmapsync.ErrNotPublished) {
		t.Errorf("View: %v", err)
	}
	selection := store.Select([]string{"ip"}, []string{"ip/requests"})
	dst := []float32{1}
	selection.Prefetch([]uint64{42}) // has nothing to fetch
	if _, err := selection.Read(dst, []uint64{42}, noon); !errors.Is(err, mmapsync.ErrNotPublished) || dst[0] == dst[0] {
		t.Errorf("Read: %v, %v", err, dst)
	}
	if _, ok := selection.ResolveSeed(); ok || selection.Unknown() != nil {
		t.Error("a seed or unknown names before anything is published")
	}
	putSmall(t, p)
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	if seed, ok := selection.ResolveSeed(); !ok || seed != p.Seed() {
		t.Errorf("seed %d (%v), want %d", seed, ok, p.Seed())
	}
}

// A publisher keeps the seed of an existing table, so that keys of proxies and checkpoints stay
// right.
func TestSeedIsAdopted(t *testing.T) {
	path, p := publishSmall(t)
	seed := p.Seed()
	if _, err := featurestore.OpenPublisher(path, smallSchema(), smallOptions); !errors.Is(err, mmapsync.ErrLocked) {
		t.Fatalf("a second publisher: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	other := smallSchema()
	other.Dimensions[0].Name = "renamed"
	if p = openPublisher(t, path, other); p.Seed() != seed {
		t.Errorf("the second publisher has seed %#x, the first had %#x", p.Seed(), seed)
	}
	if _, q := publishSmall(t); q.Seed() == seed {
		t.Error("two installations share a seed")
	}
}

// A path with other content gets a new seed; one whose files cannot be trusted is rejected as by
// mmapsync.
func TestPublisherOnForeignFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Publish([]byte("no table")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	p := openPublisher(t, path, smallSchema())
	putSmall(t, p)
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	p.Close()
	names, err := filepath.Glob(path + "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if err := os.WriteFile(name, []byte("overwritten"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var damaged *mmapsync.FormatError
	if _, err := featurestore.OpenPublisher(path, smallSchema(), smallOptions); !errors.As(err, &damaged) {
		t.Errorf("damaged files: %v", err)
	}
}

// With any number of readers, a publisher starts and continues the table that they read.
func TestPublisherStartsWhileReadersHaveEverySlot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	options := featurestore.PublisherConfig{Capacity: smallOptions.Capacity, Writer: mmapsync.WriterOptions{Slots: 1}}
	p, err := featurestore.OpenPublisher(path, smallSchema(), options)
	if err != nil {
		t.Fatal(err)
	}
	putSmall(t, p)
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	seed := p.Seed()
	p.Close()
	store := openStore(t, path) // takes the one slot
	p, err = featurestore.OpenPublisher(path, smallSchema(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !p.Stats().Adopted || p.Seed() != seed {
		t.Errorf("the table is adopted: %v, with its seed: %v; want both", p.Stats().Adopted, p.Seed() == seed)
	}
	if err := p.Publish(noon + 1); err != nil {
		t.Fatal(err)
	}
	published := int64(0)
	if err := store.View(func(t *featurestore.Table) error { published = t.Published; return nil }); err != nil || published != noon+1 {
		t.Errorf("the reader sees the table of %d, %v; want %d", published, err, noon+1)
	}
}

func TestInvalidSchemaMakesNoFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	if _, err := featurestore.OpenPublisher(path, featurestore.Schema{}, smallOptions); err == nil {
		t.Fatal("an empty schema is not refused")
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

// Replaced reports removed files, so that the user can open those of a new publisher.
func TestReplaced(t *testing.T) {
	path, p := publishSmall(t)
	store := openStore(t, path)
	look := func() error { return store.View(func(*featurestore.Table) error { return nil }) }
	if err := look(); err != nil {
		t.Fatal(err)
	}
	if replaced, err := store.Replaced(); replaced || err != nil {
		t.Fatal(replaced, err)
	}
	p.Close()
	names, _ := filepath.Glob(path + "*")
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if replaced, err := store.Replaced(); !replaced || err != nil {
		t.Errorf("after removing the files: %v, %v", replaced, err)
	}
	if err := look(); err != nil {
		t.Errorf("what was open stays readable: %v", err)
	}
}

// Images with the same content have the same bytes, whatever the builder made before.
func TestImageIsDeterministic(t *testing.T) {
	b, err := featurestore.NewBuilder(smallSchema(), 7)
	if err != nil {
		t.Fatal(err)
	}
	buildSmall(t, b)
	first := slices.Clone(b.Image())
	buildSmall(t, b)
	if !slices.Equal(first, b.Image()) || !slices.Equal(first, smallImage(t)) {
		t.Error("the images differ")
	}
}

// Warm maps the publication, so that the next read maps nothing, and does no harm if nothing is
// published.
func TestWarm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	p := openPublisher(t, path, smallSchema())
	store := openStore(t, path)
	mapped := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip("needs /proc to see what is mapped: run it on Linux")
		}
		n := 0
		for line := range strings.Lines(string(maps)) {
			if strings.Contains(line, path+"_data_") && strings.Contains(line, " r--s ") {
				n++
			}
		}
		return n
	}
	store.Warm()
	if n := mapped(); n != 0 {
		t.Errorf("%d tables mapped before the first publication", n)
	}
	for want := 1; want <= 2; want++ {
		putSmall(t, p)
		if err := p.Publish(noon); err != nil {
			t.Fatal(err)
		}
		store.Warm()
		store.Warm()
		if n := mapped(); n != want {
			t.Errorf("%d tables mapped after publication %d", n, want)
		}
	}
	store.Close()
	store.Warm()
}
