package featurestore_test

import (
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/mmapsync"
)

var nan = float32(math.NaN())

// read returns the values of names for the key 42 in every dimension of smallSchema.
func read(t testing.TB, store *featurestore.Store, now int64, names ...string) ([]float32, featurestore.Info) {
	t.Helper()
	dst := make([]float32, len(names))
	info, err := store.Select([]string{"ip", "host"}, names).Read(dst, []uint64{42, 42}, now)
	if err != nil {
		t.Fatal(err)
	}
	return dst, info
}

// Values come in the order of the names, each as often as it is named.
func TestReadByName(t *testing.T) {
	path, _ := publishSmall(t)
	got, info := read(t, openStore(t, path), noon, "ip/share", "host/rate", "ip/requests", "ip/share")
	rate := 5 * featurestore.Decay(noon-featurestore.Stamp(noon-int64(time.Second)), time.Second)
	requests := 1 * featurestore.Decay(noon-featurestore.Stamp(noon), time.Minute)
	if !sameValues(got, []float32{2, rate, requests, 2}) {
		t.Errorf("%v", got)
	}
	if want := (featurestore.Info{Published: noon, Found: 2}); info != want {
		t.Errorf("%+v, want %+v", info, want)
	}
}

func TestMissingIsNaN(t *testing.T) {
	path, _ := publishSmall(t)
	store := openStore(t, path)
	names := []string{"ip/share", "host/rate", "ip/none", "none/share", "ip", "", "/", "ip/share/x", "other/rate"}
	selection := store.Select([]string{"host", "ip", "other"}, names)
	for _, c := range []struct {
		what  string
		keys  []uint64
		found []int // indexes into names
		info  featurestore.Info
	}{
		{"both keys", []uint64{42, 42, 42}, []int{0, 1}, featurestore.Info{Found: 2}},
		{"one unknown", []uint64{43, 42, 42}, []int{0}, featurestore.Info{Found: 1, Missed: 1}},
		{"one none", []uint64{0, 42, 42}, []int{0}, featurestore.Info{Found: 1}},
		{"fewer keys than dimensions", []uint64{42}, []int{1}, featurestore.Info{Found: 1}},
		{"no keys", nil, nil, featurestore.Info{}},
	} {
		dst := make([]float32, len(names)+2)
		selection.Prefetch(c.keys) // must not change anything
		info, err := selection.Read(dst, c.keys, noon)
		c.info.Published, c.info.Unknown = noon, 7
		if err != nil || info != c.info {
			t.Errorf("%s: %+v, %v; want %+v", c.what, info, err, c.info)
		}
		for i, v := range dst {
			if (v == v) != slices.Contains(c.found, i) {
				t.Errorf("%s: value %d is %v", c.what, i, v)
			}
		}
	}
	if got := selection.Unknown(); !slices.Equal(got, names[2:]) {
		t.Errorf("unknown: %q", got)
	}
	short := []float32{1}
	if _, err := selection.Read(short, []uint64{42, 42}, noon); err != nil || short[0] != 2 {
		t.Errorf("a short destination: %v, %v", short, err)
	}
}

// A fading column is its value times exp(-dt/tau), dt from the row's stamp; other columns stay.
func TestValuesFadeAtRead(t *testing.T) {
	path, _ := publishSmall(t)
	store := openStore(t, path)
	for _, after := range []time.Duration{-time.Hour, 0, time.Second, time.Minute, 10 * time.Minute, 24 * time.Hour} {
		now := noon + int64(after)
		got, _ := read(t, store, now, "ip/requests", "ip/share")
		seconds := max(0, float64(now-featurestore.Stamp(noon))/1e9)
		if want := math.Exp(-seconds / 60); math.Abs(float64(got[0])-want) > 1e-6*want || got[1] != 2 {
			t.Errorf("%v later: %v, want %v and 2", after, got, want)
		}
	}
}

// A selection reads the model's faded values from random tables: from some all columns, from some
// single ones in any order, and from some runs of all lengths.
func TestReadAgainstMap(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 5))
		schema := randomSchema(rng)
		path := filepath.Join(t.TempDir(), "features")
		p, m := openPublisher(t, path, schema), randomModel(rng, schema, 500)
		m.publish(t, p, noon)
		dimensions, names := allNames(schema)
		switch seed % 3 {
		case 1:
			rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			names = names[:1+rng.IntN(len(names))]
		case 2:
			names = slices.DeleteFunc(names, func(string) bool { return rng.IntN(12) == 0 })
		}
		selection := openStore(t, path).Select(dimensions, names)
		room := make([]float32, len(names)+8) // Read must not write beyond dst
		dst := room[:len(names)]
		for range 200 {
			keys, now := randomKeys(rng, m), noon+rng.Int64N(int64(time.Hour))
			if rng.IntN(10) == 0 { // the clock is wrong
				now = rng.Int64() << 1
			}
			if _, err := selection.Read(dst, keys, now); err != nil {
				t.Fatal(err)
			}
			if want := m.read(schema, names, keys, now); !sameValues(dst, want) {
				t.Fatalf("seed %d: %v, want %v", seed, dst, want)
			}
			if behind := room[len(names):]; slices.ContainsFunc(behind, func(v float32) bool { return v != 0 }) {
				t.Fatalf("seed %d: behind the values there is %v", seed, behind)
			}
		}
	}
}

func allNames(s featurestore.Schema) (dimensions, names []string) {
	for _, d := range s.Dimensions {
		dimensions = append(dimensions, d.Name)
		for _, c := range d.Columns {
			names = append(names, d.Name+"/"+c.Name)
		}
	}
	return dimensions, names
}

// randomKeys returns a key for each dimension, sometimes one that is not in the table.
func randomKeys(rng *rand.Rand, m model) []uint64 {
	keys := make([]uint64, len(m))
	for d := range keys {
		n := rng.IntN(len(m[d]) + 1)
		for key := range m[d] {
			if n--; n < 0 {
				keys[d] = key
				break
			}
		}
		if keys[d] == 0 && rng.IntN(2) == 0 {
			keys[d] = rng.Uint64()
		}
	}
	return keys
}

// read is a naive Selection.Read.
func (m model) read(s featurestore.Schema, names []string, keys []uint64, now int64) []float32 {
	var values []float32
	for _, name := range names {
		value := nan
		for d, dimension := range s.Dimensions {
			for c, column := range dimension.Columns {
				if row, ok := m[d][keys[d]]; ok && name == dimension.Name+"/"+column.Name {
					value = row.values[c]
					if column.Decay > 0 {
						value *= featurestore.Decay(now-featurestore.Stamp(row.stamp), column.Decay)
					}
				}
			}
		}
		values = append(values, value)
	}
	return values
}

// A processor without vector instructions reads the same values. All processors but amd64 are such.
func TestReadWithoutKernels(t *testing.T) {
	const without = "cpu.avx2=off"
	if os.Getenv("GODEBUG") == without { // this is the child
		if cpu.X86.HasAVX2 {
			t.Error("the vector instructions are still in use")
		}
		return
	}
	tests := exec.Command(os.Args[0], "-test.run", "Read|Missing|Fade|FullTable|KeysThatMeet|Wild|BitFlips|FuzzOpenTable")
	tests.Env = append(os.Environ(), "GODEBUG="+without)
	if out, err := tests.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A selection works across publishers of different releases: each read resolves the names in the
// schema that it reads.
func TestSchemaChangesUnderASelection(t *testing.T) {
	path, p := publishSmall(t)
	store := openStore(t, path)
	selection := store.Select([]string{"ip", "host"}, []string{"ip/share", "host/rate", "ip/new"})
	want := map[string][]float32{"old": {2, 5, nan}, "new": {2, nan, 2}}
	for range 3 {
		for _, release := range []string{"old", "new"} {
			p.Close()
			schema := smallSchema()
			if release == "new" { // requests is now called new, host is gone, and ip comes second
				schema.Dimensions[0].Columns[0] = featurestore.Column{Name: "share"}
				schema.Dimensions[0].Columns[1] = featurestore.Column{Name: "new"}
				schema.Dimensions[1].Name = "ua"
				slices.Reverse(schema.Dimensions)
			} else {
				schema.Dimensions[1].Columns[0].Decay = 0
			}
			p = openPublisher(t, path, schema)
			for d := range schema.Dimensions {
				row := []float32{5}
				if schema.Dimensions[d].Name == "ip" {
					row = []float32{2, 2}
				}
				if err := p.Put(d, 42, noon, row); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Publish(noon); err != nil {
				t.Fatal(err)
			}
			dst := make([]float32, 3)
			info, err := selection.Read(dst, []uint64{42, 42}, noon)
			if err != nil || !sameValues(dst, want[release]) {
				t.Fatalf("%s: %v, %v; want %v", release, dst, err, want[release])
			}
			if unknown := selection.Unknown(); info.Unknown != len(unknown) || len(unknown) != 1 {
				t.Errorf("%s: %d unknown, %q", release, info.Unknown, unknown)
			}
		}
	}
}

// Select copies the caller's lists: later changes to them have no effect.
func TestSelectionKeepsItsNames(t *testing.T) {
	path, _ := publishSmall(t)
	dimensions, names := []string{"ip"}, []string{"ip/share"}
	selection := openStore(t, path).Select(dimensions, names)
	dimensions[0], names[0] = "host", "host/rate"
	dst := []float32{0}
	if _, err := selection.Read(dst, []uint64{42}, noon); err != nil || dst[0] != 2 {
		t.Errorf("%v, %v", dst, err)
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	path, p := publishSmall(t)
	selection := openStore(t, path).Select([]string{"ip", "host"}, []string{"ip/requests", "ip/share", "host/rate", "ip/none"})
	dst, keys := make([]float32, 4), []uint64{42, 43}
	if n := testing.AllocsPerRun(100, func() { selection.Prefetch(keys); selection.Read(dst, keys, noon) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	n := testing.AllocsPerRun(100, func() {
		if err := p.Publish(noon); err != nil {
			t.Fatal(err)
		}
		selection.Read(dst, keys, noon)
	})
	if n != 0 {
		t.Errorf("%v allocations with a publication each", n)
	}
}

// A reader sees one publication: every value of it has the same number, in every dimension, while a
// publisher keeps publishing.
func TestReadersNeverSeeTwoPublications(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	schema := smallSchema()
	schema.Dimensions[0].Columns[0].Decay, schema.Dimensions[1].Columns[0].Decay = 0, 0
	// A short grace: a publisher gives up waiting for readers that are descheduled while they hold
	// a file, as they are all the time here.
	p, err := featurestore.OpenPublisher(path, schema,
		featurestore.PublisherConfig{Capacity: []int{100, 1}, Writer: mmapsync.WriterOptions{Grace: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	publish := func(n int) {
		if n%50 == 0 {
			p.Reset()
		}
		for d, row := range [][]float32{{float32(n), float32(n)}, {float32(n)}} {
			if err := p.Put(d, 42, noon, row); err != nil {
				t.Error(err)
			}
		}
		if err := p.Publish(int64(n)); err != nil {
			t.Error(err)
		}
	}
	publish(1)
	selection := openStore(t, path).Select([]string{"ip", "host"}, []string{"ip/requests", "ip/share", "host/rate"})
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			dst := make([]float32, 3)
			for last := int64(0); !done.Load(); {
				selection.Prefetch([]uint64{42, 42})
				info, err := selection.Read(dst, []uint64{42, 42}, noon)
				want := float32(info.Published)
				if err != nil || info.Published < last || !slices.Equal(dst, []float32{want, want, want}) {
					t.Errorf("publication %d after %d: %v, %v", info.Published, last, dst, err)
					return
				}
				last = info.Published
			}
		})
	}
	for n := 2; n <= 300; n++ {
		publish(n)
	}
	done.Store(true)
	readers.Wait()
}

// Many goroutines may meet a new schema at once.
func TestConcurrentFirstRead(t *testing.T) {
	path, _ := publishSmall(t)
	selection := openStore(t, path).Select([]string{"ip"}, []string{"ip/share", strings.Repeat("x", 10)})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			dst := make([]float32, 2)
			if _, err := selection.Read(dst, []uint64{42}, noon); err != nil || dst[0] != 2 {
				t.Errorf("%v, %v", dst, err)
			}
		})
	}
	readers.Wait()
}

// The seed is that of the last read: a reader hashes its next keys with it.
func TestSeedFollowsThePublication(t *testing.T) {
	store, publish := publishBytes(t)
	selection := store.Select([]string{"ip"}, []string{"ip/share"})
	for _, want := range []uint64{7, 8, 7} {
		b, err := featurestore.NewBuilder(smallSchema(), want)
		if err != nil {
			t.Fatal(err)
		}
		buildSmall(t, b)
		publish(b.Image())
		if _, err := selection.Read(nil, nil, noon); err != nil {
			t.Fatal(err)
		}
		if seed, ok := selection.ResolveSeed(); !ok || seed != want {
			t.Errorf("seed %d (%v), want %d", seed, ok, want)
		}
	}
}
