package mmapsync_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/mmapsync"
)

// The benchmarks use the folder that tests use, or a tmpfs where there is one, as a deployment does:
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

func benchmarkReader(b *testing.B) *mmapsync.Reader {
	b.Helper()
	path := benchmarkPath(b)
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	if _, err := w.Publish(make([]byte, 4096)); err != nil {
		b.Fatal(err)
	}
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	return r
}

// BenchmarkAcquire is what one lookup costs: taking a snapshot, reading its first byte, and letting go.
func BenchmarkAcquire(b *testing.B) {
	r := benchmarkReader(b)
	b.ReportAllocs()
	var sum byte
	for b.Loop() {
		s, err := r.Acquire()
		if err != nil {
			b.Fatal(err)
		}
		sum += s.Bytes()[0]
		s.Release()
	}
	_ = sum
}

// BenchmarkAcquireParallel shares one Reader between all processors, which then share the cache line of its slot.
func BenchmarkAcquireParallel(b *testing.B) {
	r := benchmarkReader(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, err := r.Acquire()
			if err != nil {
				b.Error(err)
				return
			}
			s.Release()
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{36, 4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, err := mmapsync.OpenWriter(benchmarkPath(b), mmapsync.WriterOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			data := make([]byte, size)
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

// BenchmarkAtomicPair is the floor under BenchmarkAcquire: the two atomic adds that a guard is made of.
func BenchmarkAtomicPair(b *testing.B) {
	word := newWord()
	for b.Loop() {
		word.Add(1)
		word.Add(^uint64(0))
	}
}

func newWord() *atomic.Uint64 { return new(atomic.Uint64) }
