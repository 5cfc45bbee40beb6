package limits

import (
	"encoding/binary"
	"reflect"
	"sync/atomic"
)

// Estimator counts events per key since it was made or reset, in a count-min sketch. A count is
// never too low. All methods are safe for concurrent use and allocate nothing; Add is wait-free.
type Estimator struct {
	sketch sketch
}

// NewEstimator returns an estimator with all counts zero. The error is a *[ConfigError].
func NewEstimator(config SketchConfig) (*Estimator, error) {
	g, err := geometry(config)
	if err != nil {
		return nil, err
	}
	return &Estimator{newSketch(g, make([]uint64, g.Cells()))}, nil
}

// Add counts n events of key and returns the key's estimate after it, which is at least n plus all
// earlier adds of key. Adds of other goroutines that overlap with this one may or may not be in the
// result.
//
// Counts stop at 2^63 and stay there until [Estimator.Reset]; they never wrap.
func (e *Estimator) Add(key []byte, n uint32) uint64 {
	if len(key) == 4 { // an IPv4 address or a number: spares a call
		return e.AddHash(HashUint32(binary.LittleEndian.Uint32(key)), n)
	}
	return e.AddHash(Hash(key), n)
}

// In AddHash three rows, the size of the benchmarks, need no loop: all loads wait for the atomic
// operations before them, so nothing is loaded between them. It is sketch.add otherwise, and is
// written out since a build with a profile inlines one level of calls.

// AddHash is [Estimator.Add] for a key by its [Hash].
func (e *Estimator) AddHash(hash uint64, n uint32) uint64 {
	s := &e.sketch
	if s.Rows != 3 {
		return s.add(hash, n)
	}
	words, width, columns := s.words, s.Width&31, uint64(1)<<(s.Width&31)
	first := &words[hash&(columns-1)]
	second := &words[columns|hash>>width&(columns-1)]
	third := &words[2*columns|hash>>width>>width&(columns-1)]
	a := atomic.AddUint64(first, uint64(n))
	b := atomic.AddUint64(second, uint64(n))
	c := atomic.AddUint64(third, uint64(n))
	if a|b|c >= saturated {
		return s.saturate(hash)
	}
	return min(a, b, c)
}

// Count returns the estimate of key, which is never less than the truth.
func (e *Estimator) Count(key []byte) uint64 { return e.sketch.peek(Hash(key)) }

// CountHash is [Estimator.Count] for a key by its [Hash].
func (e *Estimator) CountHash(hash uint64) uint64 { return e.sketch.peek(hash) }

// Reset sets every count to zero. It sets one cell after the other, so an Add that overlaps with it
// may be forgotten. [Rate] counts by interval without that gap.
func (e *Estimator) Reset() { e.sketch.reset() }

// Bytes returns the memory of the estimator.
func (e *Estimator) Bytes() int {
	return e.sketch.bytes() + int(reflect.TypeFor[Estimator]().Size())
}
