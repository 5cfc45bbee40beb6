package featurestore_test

import (
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore"
)

// oneColumn is a schema of one dimension.
func oneColumn() featurestore.Schema {
	return featurestore.Schema{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{{Name: "n"}}}}}
}

func newTable(t testing.TB, capacity int) *featurestore.Builder {
	t.Helper()
	b, err := featurestore.NewBuilder(oneColumn(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Begin(noon, []int{capacity}); err != nil {
		t.Fatal(err)
	}
	return b
}

// open finishes an image and verifies it.
func open(t testing.TB, b *featurestore.Builder) *featurestore.Table {
	t.Helper()
	table, err := featurestore.OpenTable(b.Image())
	if err == nil {
		err = table.Verify()
	}
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A table takes as many keys as its capacity, whatever they are, and then finds each of them:
// hashes, and also keys with a pattern.
func TestAFullTableHasEveryKey(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 8))
		capacity := 1 + rng.IntN(1<<(1+seed%16))
		step, from := rng.Uint64(), rng.Uint64()
		for name, key := range map[string]func(n int) uint64{
			"random":      func(n int) uint64 { return hashKey(from + uint64(n)) },
			"counted":     func(n int) uint64 { return uint64(n) + 1 },
			"high":        func(n int) uint64 { return uint64(n+1) << 44 },
			"progression": func(n int) uint64 { return max(1, uint64(n)*(step|1)) },
		} {
			b := newTable(t, capacity)
			for n := range capacity {
				if err := b.Put(0, key(n), noon, []float32{float32(n)}); err != nil {
					t.Fatal(err)
				}
			}
			table := open(t, b)
			if table.Keys(0) != capacity || table.Capacity(0) != capacity || table.Evicted(0) != 0 {
				t.Fatalf("seed %d, %d %s keys: %d kept, %d evicted", seed, capacity, name, table.Keys(0), table.Evicted(0))
			}
			row := []float32{0}
			for n := range capacity {
				if _, ok := table.Row(0, key(n), row); !ok || row[0] != float32(n) {
					t.Fatalf("seed %d: key %d of %d %s keys: %v %v", seed, n, capacity, name, ok, row)
				}
			}
		}
	}
}

// The same through a selection, which looks in first buckets first.
func TestSelectionReadsAFullTable(t *testing.T) {
	const capacity = 20_000
	path := filepath.Join(t.TempDir(), "features")
	p, err := featurestore.OpenPublisher(path, oneColumn(), featurestore.PublisherConfig{Capacity: []int{capacity}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := range uint64(capacity) {
		if err := p.Put(0, hashKey(n), noon, []float32{float32(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	selection := openStore(t, path).Select([]string{"ip"}, []string{"ip/n"})
	dst := []float32{0}
	for n := range uint64(2 * capacity) {
		info, err := selection.Read(dst, []uint64{hashKey(n)}, noon)
		if known := n < capacity; err != nil || (info.Found == 1) != known || known && dst[0] != float32(n) || !known && dst[0] == dst[0] {
			t.Fatalf("key %d: %v, %+v, %v", n, dst, info, err)
		}
	}
}

// A full dimension takes new keys: each evicts a key that was not changed for long.
func TestAFullTableEvictsOldRows(t *testing.T) {
	const capacity, more = 2000, 1000
	b := newTable(t, capacity)
	for n := range uint64(capacity + more) {
		if err := b.Put(0, hashKey(n), noon+int64(n)*1e9, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	table := open(t, b)
	if table.Keys(0) != capacity || table.Evicted(0) != more {
		t.Fatalf("%d kept, %d evicted", table.Keys(0), table.Evicted(0))
	}
	// Of eight rows picked at random the oldest is in the newer half one time in 256.
	young := 0
	for n := range uint64(capacity + more) {
		if _, ok := table.Row(0, hashKey(n), nil); !ok && n > (capacity+more)*2/3 {
			young++
		}
	}
	if young > more/50 {
		t.Errorf("%d of %d evicted rows are of the newest third", young, more)
	}
}

// A changed row counts as new when rows are evicted.
func TestChangedRowsAreNotEvicted(t *testing.T) {
	const capacity = 1000
	b := newTable(t, capacity)
	put := func(n uint64, stamp int64) {
		if err := b.Put(0, hashKey(n), stamp, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range uint64(capacity) {
		put(n, noon)
	}
	for n := range uint64(100) {
		put(n, noon+1e12)
	}
	for n := range uint64(300) {
		put(capacity+n, noon+1e12)
	}
	table := open(t, b)
	for n := range uint64(100) {
		if _, ok := table.Row(0, hashKey(n), nil); !ok {
			t.Errorf("key %d, changed lately, is gone", n)
		}
	}
}

// naiveBuckets returns the two buckets of a key, as docs/format.md specifies them.
func naiveBuckets(key, buckets uint64) (first, second uint64) {
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	key ^= key >> 33
	first, _ = bits.Mul64(key, buckets)
	second, _ = bits.Mul64(key*0x9e3779b97f4a7c15, buckets)
	if second == first {
		second = (second + 1) % buckets
	}
	return first, second
}

// Keys that all have the same two buckets, which an attacker can choose only if he knows the seed,
// evict each other and no other key.
func TestKeysThatMeet(t *testing.T) {
	const capacity, others, meeting = 600, 300, 200
	b := newTable(t, capacity)
	for n := range uint64(others) {
		if err := b.Put(0, hashKey(n), noon, []float32{float32(n)}); err != nil {
			t.Fatal(err)
		}
	}
	var keys []uint64
	for n := uint64(1 << 40); len(keys) < meeting; n++ {
		if first, second := naiveBuckets(hashKey(n), capacity/6+2); first == 3 && second == 77 {
			keys = append(keys, hashKey(n))
		}
	}
	for i, key := range keys {
		if err := b.Put(0, key, noon+int64(i)*1e9, []float32{float32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	table := open(t, b)
	kept := 0
	for i, key := range keys {
		if _, ok := table.Row(0, key, nil); ok {
			kept++
		} else if i >= meeting-10 {
			t.Errorf("key %d, one of the newest, is gone", i)
		}
	}
	lost := 0
	for n := range uint64(others) {
		if _, ok := table.Row(0, hashKey(n), nil); !ok {
			lost++
		}
	}
	if kept < 10 || kept > 20 || lost > 20 || int(table.Evicted(0)) != others+meeting-table.Keys(0) {
		t.Errorf("%d kept, %d others lost, %d evicted, %d keys", kept, lost, table.Evicted(0), table.Keys(0))
	}
}
