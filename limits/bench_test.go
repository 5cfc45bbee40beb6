package limits_test

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/headgate/headgate/limits"
)

// The benchmarks use 4-byte keys uniform over one million, drawn while the clock runs, as the
// benchmark of the pingora-limits crate does; a draw takes about a nanosecond. The map behind a
// mutex is what the sketch competes with; it sees the same keys.
//
//	go test -run '^$' -bench . -cpu 1,2 ./limits

const benchKeys = 1_000_000

func BenchmarkEstimatorAdd(b *testing.B) {
	e := must(limits.NewEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}))
	overKeys(b, func(key []byte) { e.Add(key, 1) })
	b.ReportMetric(float64(e.Bytes()), "bytes")
}

func BenchmarkStripedObserve(b *testing.B) {
	e := must(limits.NewStripedEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}, 0))
	overKeys(b, func(key []byte) { e.Observe(key, 1) })
	b.ReportMetric(float64(e.Bytes()), "bytes")
}

func BenchmarkMapAdd(b *testing.B) {
	var mu sync.Mutex
	counts := map[uint32]uint64{}
	overKeys(b, func(key []byte) {
		mu.Lock()
		counts[binary.LittleEndian.Uint32(key)]++
		mu.Unlock()
	})
}

func BenchmarkEstimatorCount(b *testing.B) {
	e := must(limits.NewEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}))
	overKeys(b, func(key []byte) { e.Count(key) })
}

func BenchmarkInflightBeginDone(b *testing.B) {
	f := must(limits.NewInflight(limits.SketchConfig{}))
	overKeysWithState(b, func(state *limits.TicketState, key []byte) {
		ticket, _ := f.Begin(state, limits.Hash(key), 1)
		ticket.Done()
	})
}

func BenchmarkRateObserve(b *testing.B) {
	r := must(limits.NewRate(limits.RateConfig{}))
	overKeys(b, func(key []byte) { r.Observe(key, 1) })
}

func BenchmarkRateWith(b *testing.B) {
	r := must(limits.NewRate(limits.RateConfig{}))
	overKeys(b, func(key []byte) { r.RateWith(key, limits.Proportional) })
}

// One origin takes all requests: the worst contention.
func BenchmarkLimiterOneKey(b *testing.B) {
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 1000}))
	key := []byte("10.0.0.1:8080 shop.example")
	overKeysWithState(b, func(state *limits.TicketState, _ []byte) {
		if a, ok := l.Admit(state, key); ok {
			a.Ticket.Done()
		}
	})
}

func BenchmarkHash(b *testing.B) {
	key := []byte("10.0.0.1:8080 shop.example")
	for b.Loop() {
		limits.Hash(key)
	}
}

// overKeys runs op with one key after the other on all processors.
func overKeys(b *testing.B, op func(key []byte)) {
	overKeysWithState(b, func(_ *limits.TicketState, key []byte) { op(key) })
}

func overKeysWithState(b *testing.B, op func(*limits.TicketState, []byte)) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		state, key := new(limits.TicketState), make([]byte, 4)
		x := rand.Uint64()
		for pb.Next() {
			x += 0x9E3779B97F4A7C15 // SplitMix64, cut short
			draw := (x ^ x>>30) * 0xBF58476D1CE4E5B9 >> 32 * benchKeys >> 32
			binary.LittleEndian.PutUint32(key, uint32(draw))
			op(state, key)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
