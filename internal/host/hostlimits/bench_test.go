package hostlimits_test

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// The benchmarks use 4-byte keys uniform over one million, as those of package limits do.

const benchKeys = 1_000_000

// One origin takes all requests: the worst contention.
func BenchmarkLimiterOneKey(b *testing.B) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1000}))
	key := []byte("10.0.0.1:8080 shop.example")
	overKeysWithState(b, func(state *hostlimits.TicketState, _ []byte) {
		if a, ok := l.Admit(state, key); ok {
			a.Ticket.Done()
		}
	})
}

// 256 origins, one of which has an override.
func BenchmarkLimiterOrigins(b *testing.B) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{
		Threshold: 1000, Overrides: map[string]uint32{"configured": 10},
	}))
	overKeysWithState(b, func(state *hostlimits.TicketState, key []byte) {
		if a, ok := l.Admit(state, key[:1]); ok {
			a.Ticket.Done()
		}
	})
}

// Every request has a key of its own, as when clients invent host names.
func BenchmarkLimiterUniformKeys(b *testing.B) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1000}))
	overKeysWithState(b, func(state *hostlimits.TicketState, key []byte) {
		if a, ok := l.Admit(state, key); ok {
			a.Ticket.Done()
		}
	})
}

// What the processor takes for what an admission and its release cannot do without: two exchanges
// of the ticket's word and two of the counter's.
func BenchmarkFourAtomics(b *testing.B) {
	var ticket, counter atomic.Uint64
	for b.Loop() {
		serial := ticket.Load()
		ticket.CompareAndSwap(serial, serial+3)
		n := counter.Load()
		counter.CompareAndSwap(n, n+1)
		ticket.CompareAndSwap(serial+3, serial+2)
		counter.Add(^uint64(0))
	}
}

func overKeysWithState(b *testing.B, op func(*hostlimits.TicketState, []byte)) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		state, key := new(hostlimits.TicketState), make([]byte, 4)
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
