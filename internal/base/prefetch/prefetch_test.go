package prefetch_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/internal/base/prefetch"
)

func TestNothingIsChangedAndNothingAllocated(t *testing.T) {
	words := make([]uint64, 1000)
	for i := range words {
		words[i] = uint64(i)
	}
	var lines [20]prefetch.Line
	allocated := testing.AllocsPerRun(100, func() {
		for from := range 20 {
			prefetch.Words(words[from:])
			prefetch.Words(words[from:from])
			prefetch.Word(&words[from])
			lines[from] = prefetch.CacheLine(&words[40*from])
			prefetch.Lines(lines[:from])
		}
	})
	if allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
	for i, w := range words {
		if w != uint64(i) {
			t.Fatalf("word %d is %d", i, w)
		}
	}
}

func TestAddressesNeedNotBeValid(t *testing.T) {
	prefetch.Word[uint64](nil)
	prefetch.Words([]uint64(nil))
	prefetch.Lines([]prefetch.Line{0, 1, ^prefetch.Line(0)})
	prefetch.Lines(nil)
}

// BenchmarkAhead sums up words at random positions in 256 MiB, 64 at a time, with some forty
// instructions of other work for each: without fetching ahead, with loads of all 64 first, and with
// prefetches.
//
//	go test -run '^$' -bench Ahead ./internal/base/prefetch
func BenchmarkAhead(b *testing.B) {
	memory := make([]uint64, 32<<20)
	for i := range memory {
		memory[i] = uint64(i)
	}
	for _, c := range []struct {
		name string
		ask  func(word *uint64) uint64
	}{
		{"not", func(*uint64) uint64 { return 0 }},
		{"load", func(word *uint64) uint64 { return *word }},
		{"prefetch", func(word *uint64) uint64 { prefetch.Word(word); return 0 }},
	} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			var places [64]uint64
			sum := uint64(0)
			for n := 0; n < b.N; n += len(places) {
				for i := range places {
					places[i] = rng.Uint64() % uint64(len(memory))
					sum += c.ask(&memory[places[i]])
				}
				for _, place := range places {
					sum += work(memory[place])
				}
			}
			sink = sum
		})
	}
}

// BenchmarkPages changes five lines at each of many random positions in a gigabyte, with some work
// for each: without fetching ahead, with Words eight positions ahead, and with Lines for the first
// line 112 positions ahead.
//
//	go test -run '^$' -bench Pages ./internal/base/prefetch
func BenchmarkPages(b *testing.B) {
	const lines, words, ahead = 5, 8, 8 // a line has eight words
	memory := make([]uint64, 128<<20)
	for i := range memory {
		memory[i] = uint64(i)
	}
	for _, c := range []struct {
		name         string
		words, lines bool
	}{{"not", false, false}, {"words", true, false}, {"lines", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			var places [112][]uint64
			var first [len(places)]prefetch.Line
			for n := 0; n < b.N; n += len(places) {
				for i := range places {
					at := rng.IntN(len(memory)/words-lines) * words
					places[i] = memory[at:][:lines*words]
					first[i] = prefetch.CacheLine(&memory[at])
				}
				if c.lines {
					prefetch.Lines(first[:])
				}
				for i, place := range places {
					if c.words && i+ahead < len(places) {
						prefetch.Words(places[i+ahead])
					}
					for k := range lines {
						place[k*words] = work(place[k*words])
					}
				}
			}
		})
	}
}

// work processes a word for long enough that the processor cannot look ahead to many others.
func work(word uint64) uint64 {
	for range 12 {
		word = word*0x9e3779b97f4a7c15 ^ word>>29
	}
	return word
}

var sink uint64
