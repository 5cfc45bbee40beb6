package featurestore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// The benchmarks have five dimensions of 32 columns, a quarter of which fade, and ten million keys
// in all, in shared memory: 3 GB, and for the first build as much again. With -short they have a
// hundredth of that.
const (
	benchDimensions = 5
	benchColumns    = 32
)

// benchKeys is the number of keys of each dimension.
func benchKeys() int {
	if testing.Short() {
		return 20_000
	}
	return 2_000_000
}

// hashKey returns key number n, as random as hashes are, without a memory access: splitmix64 (Steele,
// Lea and Flood 2014).
func hashKey(n uint64) uint64 {
	z := (n + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return max(1, z^z>>31)
}

func benchSchema() featurestore.Schema {
	var s featurestore.Schema
	for d := range benchDimensions {
		dimension := featurestore.Dimension{Name: fmt.Sprint("d", d)}
		for c := range benchColumns {
			column := featurestore.Column{Name: fmt.Sprint("c", c)}
			if c%4 == 0 {
				column.Decay = 10 * time.Second << (c / 4 % 4)
			}
			dimension.Columns = append(dimension.Columns, column)
		}
		s.Dimensions = append(s.Dimensions, dimension)
	}
	return s
}

// benchTable is a publisher of a table in shared memory.
type benchTable struct {
	*featurestore.Publisher
	path string
	keys int
	row  []float32
}

func newBenchTable(b *testing.B) *benchTable {
	b.Helper()
	const tmpfs = "/dev/shm"
	if _, err := os.Stat(tmpfs); err != nil {
		b.Skip("needs the tmpfs that Linux mounts at " + tmpfs)
	}
	dir, err := os.MkdirTemp(tmpfs, "featurestore-benchmark-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	t := &benchTable{path: filepath.Join(dir, "features"), keys: benchKeys(), row: make([]float32, benchColumns)}
	t.Publisher, err = featurestore.OpenPublisher(t.path, benchSchema(), featurestore.PublisherConfig{Capacity: []int{t.keys}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { t.Close() })
	return t
}

// change puts one row.
func (t *benchTable) change(b *testing.B, d int, n uint64, now int64) {
	t.row[0] = float32(n)
	if err := t.Put(d, hashKey(n), now, t.row); err != nil {
		b.Fatal(err)
	}
}

func (t *benchTable) publish(b *testing.B, now int64) {
	if err := t.Publish(now); err != nil {
		b.Fatal(err)
	}
}

// fill publishes all rows in parts, so that the change log stays small.
func (t *benchTable) fill(b *testing.B) {
	for d := range benchDimensions {
		for n := range t.keys {
			t.change(b, d, uint64(n), noon)
		}
		t.publish(b, noon)
	}
	t.publish(b, noon)
	t.publish(b, noon)
	s := t.Stats()
	for d, dimension := range s.Dimensions {
		if dimension.Keys != t.keys || dimension.Evicted+dimension.Crowded != 0 {
			b.Fatalf("dimension %d: %+v", d, dimension)
		}
	}
}

// changeAtRandom puts count rows.
func (t *benchTable) changeAtRandom(b *testing.B, rng *rand.Rand, count int, now int64) {
	for range count {
		t.change(b, rng.IntN(benchDimensions), rng.Uint64N(uint64(t.keys)), now)
	}
}

// latencies counts durations by nanoseconds.
type latencies [1 << 16]int

func (l *latencies) add(d time.Duration) { l[min(int(d), len(l)-1)]++ }

func (l *latencies) quantile(q float64) float64 {
	total := 0
	for _, n := range l {
		total += n
	}
	left := int(q * float64(total))
	for ns, n := range l {
		if left -= n; left < 0 {
			return float64(ns)
		}
	}
	return float64(len(l))
}

// BenchmarkRead reads 32 columns of a row in each of five dimensions, as a request does, of random
// keys, so that nearly every row is a cache miss: first alone, then while one row in a hundred
// changes and is published every second. Each read is timed; clock-ns is what the timing adds.
// floor-p50-ns and floor-p99-ns, measured in turns with the reads, are the wait for memory alone,
// clock included (see floor); floors is the median read divided by the median floor.
//
//	go test -run '^$' -bench Read -benchtime 10000000x ./featurestore
func BenchmarkRead(b *testing.B) {
	t := newBenchTable(b)
	t.fill(b)
	names, all := allNames(benchSchema())
	store, floor := openStore(b, t.path), newFloor(b, t.path)
	for range 2 { // both copies, so that what is timed meets no page for the first time
		t.publish(b, noon)
		if err := store.View((*featurestore.Table).Verify); err != nil {
			b.Fatal(err)
		}
		floor.touch(b)
	}
	selection := store.Select(names, all)
	for _, publishing := range []bool{false, true} {
		b.Run(fmt.Sprint("publishing=", publishing), func(b *testing.B) {
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				rng, every := rand.New(rand.NewPCG(1, 1)), time.NewTicker(time.Second)
				defer every.Stop()
				for publishing {
					t.changeAtRandom(b, rng, t.keys*benchDimensions/100, noon)
					t.publish(b, noon)
					select {
					case <-stop:
						return
					case <-every.C:
					}
				}
			}()
			t.readAtRandom(b, selection, len(all), floor)
			close(stop)
			<-stopped
		})
	}
}

// readAtRandom times reads and the floor in turns of some milliseconds.
func (t *benchTable) readAtRandom(b *testing.B, selection *featurestore.Selection, width int, floor *floor) {
	const turn = 10_000
	rng := rand.New(rand.NewPCG(2, 2))
	dst, keys := make([]float32, width), make([]uint64, benchDimensions)
	var took, clock, waited latencies
	for range 1000 {
		start := time.Now()
		clock.add(time.Since(start))
	}
	draw := func() {
		for d := range keys {
			keys[d] = hashKey(rng.Uint64N(uint64(t.keys)))
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= turn {
		for range min(turn, left) {
			draw()
			start := time.Now()
			info, err := selection.Read(dst, keys, noon+int64(time.Second))
			took.add(time.Since(start))
			if err != nil || info.Found != benchDimensions {
				b.Fatal(info, err)
			}
		}
		b.StopTimer()
		floor.acquire(b)
		for range min(turn, left) {
			draw()
			start := time.Now()
			floor.wait(keys)
			waited.add(time.Since(start))
		}
		floor.snapshot.Release()
		b.StartTimer()
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		b.ReportMetric(took.quantile(q), fmt.Sprintf("p%v-ns", 100*q))
	}
	b.ReportMetric(clock.quantile(0.5), "clock-ns")
	b.ReportMetric(waited.quantile(0.5), "floor-p50-ns")
	b.ReportMetric(waited.quantile(0.99), "floor-p99-ns")
	b.ReportMetric(took.quantile(0.5)/waited.quantile(0.5), "floors")
}

// BenchmarkCachedRead reads the same few keys again and again: the cost of a read that does not
// wait for memory.
//
//	go test -run '^$' -short -bench CachedRead ./featurestore
//	GODEBUG=cpu.avx2=off go test -run '^$' -short -bench CachedRead ./featurestore
func BenchmarkCachedRead(b *testing.B) {
	t := newBenchTable(b)
	t.fill(b)
	names, all := allNames(benchSchema())
	selection, dst := openStore(b, t.path).Select(names, all), make([]float32, len(all))
	for _, c := range []struct {
		what string
		from int // the first key's number
	}{{"found", 0}, {"missing", t.keys}} {
		b.Run(c.what, func(b *testing.B) {
			var keys [8][benchDimensions]uint64
			for i := range keys {
				for d := range keys[i] {
					keys[i][d] = hashKey(uint64(c.from + benchDimensions*i + d))
				}
			}
			n := 0
			for b.Loop() {
				if _, err := selection.Read(dst, keys[n%len(keys)][:], noon+int64(time.Second)); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}

// BenchmarkPublish changes a part of all rows, at random, and publishes them. The cost of the puts
// is reported separately.
//
//	go test -run '^$' -bench Publish -benchtime 5x ./featurestore
func BenchmarkPublish(b *testing.B) {
	t := newBenchTable(b)
	t.fill(b)
	rng := rand.New(rand.NewPCG(3, 3))
	for _, part := range []float64{0.0001, 0.001, 0.01, 0.1} {
		b.Run(fmt.Sprintf("changed=%v%%", 100*part), func(b *testing.B) {
			rows := int(part * float64(benchDimensions*t.keys))
			for range 2 { // both copies then lag equally
				t.changeAtRandom(b, rng, rows, noon)
				t.publish(b, noon)
			}
			var putting time.Duration
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				start := time.Now()
				t.changeAtRandom(b, rng, rows, noon)
				putting += time.Since(start)
				b.StartTimer()
				t.publish(b, noon)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*rows), "ns/row")
			b.ReportMetric(float64(putting)/float64(b.N*rows), "put-ns/row")
		})
	}
}

// BenchmarkFirstBuild puts all rows and publishes them at once. B/key is the size of one copy per
// key, of-raw the same over the bytes of key and values.
//
//	go test -run '^$' -bench FirstBuild -benchtime 1x ./featurestore
func BenchmarkFirstBuild(b *testing.B) {
	for range b.N {
		b.StopTimer()
		t := newBenchTable(b)
		perKey := float64(t.Stats().Bytes) / float64(benchDimensions*t.keys)
		b.ReportMetric(perKey, "B/key")
		b.ReportMetric(perKey/(8+4*benchColumns), "of-raw")
		b.StartTimer()
		for d := range benchDimensions {
			for n := range t.keys {
				t.change(b, d, uint64(n), noon)
			}
		}
		t.publish(b, noon)
		b.StopTimer()
		t.Close()
		os.RemoveAll(filepath.Dir(t.path))
		b.StartTimer()
	}
}

// BenchmarkVerify checks every row of a table.
//
//	go test -run '^$' -bench Verify -benchtime 1x ./featurestore
func BenchmarkVerify(b *testing.B) {
	t := newBenchTable(b)
	t.fill(b)
	store := openStore(b, t.path)
	b.ResetTimer()
	for range b.N {
		if err := store.View((*featurestore.Table).Verify); err != nil {
			b.Fatal(err)
		}
	}
}
