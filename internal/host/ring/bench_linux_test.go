package ring_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

// go test -run '^$' -bench . -cpu 1,2 ./internal/host/ring
//
// All on a mapped file of the default shape, with an event of 300 bytes, about what a request
// makes.

var benchEvent = make([]byte, 300)

func benchRing(b *testing.B) (*ring.Producer, *ring.Consumer) {
	p := mustCreate(b, b.TempDir(), ring.Config{})
	c, err := ring.OpenConsumer(p.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	b.ReportAllocs()
	return p, c
}

func produceOne(p *ring.Producer) bool {
	claim, ok := p.Claim()
	if ok {
		claim.Commit(append(claim.Bytes(), benchEvent...))
	}
	return ok
}

// The producer's share alone: the ring is emptied with the clock stopped, by which all cells are as
// far from this processor's cache as one goroutine can bring them.
func BenchmarkClaimCommit(b *testing.B) {
	p, c := benchRing(b)
	buf := make([]byte, 0, 1024)
	for i := 0; i < b.N; i++ {
		if !produceOne(p) {
			b.StopTimer()
			for ok := true; ok; _, ok = c.Next(buf) {
			}
			b.StartTimer()
			produceOne(p)
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	p, c := benchRing(b)
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		produceOne(p)
		if _, ok := c.Next(buf); !ok {
			b.Fatal("no event")
		}
	}
}

func BenchmarkClaimFull(b *testing.B) {
	p, _ := benchRing(b)
	for produceOne(p) {
	}
	for b.Loop() {
		produceOne(p)
	}
}

// Producers on all processors and a consumer beside them: what does not fit is dropped, and the
// share is reported.
func BenchmarkContended(b *testing.B) {
	p, c := benchRing(b)
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 0, 1024)
		for !stop.Load() {
			if _, ok := c.Next(buf); !ok {
				runtime.Gosched()
			}
		}
	}()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			produceOne(p)
		}
	})
	stop.Store(true)
	<-ended
	b.ReportMetric(float64(p.Dropped())/float64(b.N), "drops/op")
}
