package mmapsync_test

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/mmapsync"
)

// The benchmarks use the folder that tests use, or a tmpfs where there is one, as a deployment
// does:
//
//	go test -bench . -benchmem ./mmapsync

func benchmarkPath(b *testing.B) string {
	b.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "mmapsync-bench-")
	if err != nil {
		return filepath.Join(b.TempDir(), "bench")
	}
	b.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "bench")
}

func benchmarkWriter(b *testing.B) (*mmapsync.Writer, string) {
	b.Helper()
	path := benchmarkPath(b)
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	return w, path
}

func benchmarkReader(b *testing.B, slots int) *mmapsync.Reader {
	b.Helper()
	w, path := benchmarkWriter(b)
	if _, err := w.Publish(make([]byte, 4096)); err != nil {
		b.Fatal(err)
	}
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{Slots: slots})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	return r
}

// BenchmarkAcquire is what one lookup costs: taking a snapshot, reading its first byte, and letting
// go; by one goroutine, and by several at once on the slot of one Reader, on those of a Reader as
// it is by default, and on one Reader each. The time is that of the machine for one lookup: with
// enough processors, goroutines that do not slow each other down divide it.
func BenchmarkAcquire(b *testing.B) {
	for _, goroutines := range []int{1, 2, 8} {
		for _, c := range []struct {
			name  string
			slots int
		}{{"one slot", 1}, {"default", 0}} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", c.name, goroutines), func(b *testing.B) {
				r := benchmarkReader(b, c.slots)
				lookUp(b, goroutines, func(int) *mmapsync.Reader { return r })
			})
		}
		b.Run(fmt.Sprintf("readers of their own/goroutines=%d", goroutines), func(b *testing.B) {
			w, path := benchmarkWriter(b)
			if _, err := w.Publish(make([]byte, 4096)); err != nil {
				b.Fatal(err)
			}
			readers := make([]*mmapsync.Reader, goroutines)
			for k := range readers {
				var err error
				if readers[k], err = mmapsync.OpenReader(path,
					mmapsync.ReaderOptions{Slots: 1}); err != nil {
					b.Fatal(err)
				}
				defer readers[k].Close()
			}
			lookUp(b, goroutines, func(k int) *mmapsync.Reader { return readers[k] })
		})
	}
	b.Run("copied", func(b *testing.B) {
		w, path := benchmarkWriter(b)
		if _, err := w.Publish(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{Foreign: true})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		lookUp(b, 1, func(int) *mmapsync.Reader { return r })
	})
}

func lookUp(b *testing.B, goroutines int, reader func(k int) *mmapsync.Reader) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for k := range goroutines {
		wg.Go(func() {
			r, sum := reader(k), byte(0)
			for n := k; n < b.N; n += goroutines {
				s, err := r.Acquire()
				if err != nil {
					b.Error(err)
					return
				}
				sum += s.Bytes()[0]
				s.Release()
			}
			_ = sum
		})
	}
	wg.Wait()
}

// BenchmarkPublish writes and announces a snapshot while nobody reads.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{36, 4 << 10, 1 << 20, 1 << 30} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			needMemory(b, size)
			w, _ := benchmarkWriter(b)
			data := make([]byte, size)
			for range 2 { // both files are made
				if _, err := w.Publish(data); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Publish(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUpdate touches one byte in a hundred: in one run; in pages; and in rows of a cache line
// each, spread over the whole at random, as keys are in a table, or at equal distances, which suits
// memory least. A user who brings copies forward touches what two publications changed.
func BenchmarkUpdate(b *testing.B) {
	for _, size := range []int{1 << 20, 1 << 30} {
		for _, c := range []struct {
			name  string
			run   int
			place func(k, rows int, number uint64) int // of the k-th row of all rows/100
		}{
			{"one run", size / 100, func(int, int, uint64) int { return 0 }},
			{"runs of 4096", 4096, every100th},
			{"runs of 64", 64, every100th},
			{"random rows of 64", 64, anywhere},
		} {
			b.Run(fmt.Sprintf("%d/%s", size, c.name), func(b *testing.B) {
				benchmarkUpdate(b, size, c.run, c.place)
			})
		}
	}
}

func every100th(k, _ int, number uint64) int { return 100*k + int(number%100) }

// anywhere is a multiplicative hash; the high half of a product brings it into the range.
func anywhere(k, rows int, number uint64) int {
	high, _ := bits.Mul64((uint64(k)+number<<32)*0x9e3779b97f4a7c15, uint64(rows))
	return int(high)
}

func benchmarkUpdate(b *testing.B, size, run int, place func(k, rows int, number uint64) int) {
	needMemory(b, size)
	w, _ := benchmarkWriter(b)
	row := make([]byte, run)
	fill := func(c *mmapsync.Copy) error {
		if c.Holds == 0 {
			clear(c.Bytes)
		}
		row[0] = byte(c.Number)
		rows := len(c.Bytes) / run
		for k := range rows / 100 {
			copy(c.Bytes[place(k, rows, c.Number)*run:], row)
		}
		return nil
	}
	for range 2 { // both files are made
		if _, err := w.Update(size, fill); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Update(size, fill); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead is one read of 8 bytes anywhere in a snapshot, whose place depends on the read
// before, as in a walk through a table; huge is the share of the file that lies in huge pages.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{1 << 20, 1 << 30} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			needMemory(b, size)
			w, path := benchmarkWriter(b)
			if _, err := w.Update(size,
				func(c *mmapsync.Copy) error { clear(c.Bytes); return nil }); err != nil {
				b.Fatal(err)
			}
			r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			s, err := r.Acquire()
			if err != nil {
				b.Fatal(err)
			}
			defer s.Release()
			content, k := s.Bytes(), uint64(1)
			for b.Loop() {
				k = k*0x5851f42d4c957f2d + 0x14057b7ef767814f
				at, _ := bits.Mul64(k, uint64(size/8))
				k += binary.LittleEndian.Uint64(content[8*at:])
			}
			stats := w.Stats()
			b.ReportMetric(float64(stats.HugeBytes)/float64(stats.Bytes), "huge")
		})
	}
}

// needMemory skips a benchmark of large snapshots where it would not fit: two files with a quarter
// of headroom, and the bytes to publish.
func needMemory(b *testing.B, size int) {
	b.Helper()
	if size < 1<<30 {
		return
	}
	if testing.Short() {
		b.Skip("takes 4 GiB of memory; run without -short")
	}
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 && kib < 5<<20 {
			b.Skipf("%d KiB of memory are available; this needs a machine with 5 GiB", kib)
		}
	}
}

// BenchmarkAtomicPair is the floor under BenchmarkAcquire: the two atomic adds that a guard is made
// of.
func BenchmarkAtomicPair(b *testing.B) {
	word := newWord()
	for b.Loop() {
		word.Add(1)
		word.Add(^uint64(0))
	}
}

func newWord() *atomic.Uint64 { return new(atomic.Uint64) }
