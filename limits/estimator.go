package limits

import (
	"encoding/binary"
	"reflect"
)

// Estimator counts events per key since it was made or reset, in a count-min
// sketch. A count is never too low. All methods are safe for concurrent use
// and allocate nothing; Add is wait-free.
type Estimator struct {
	sketch sketch
}

// NewEstimator makes an estimator with all counts zero. The error is a
// *[ConfigError].
func NewEstimator(config SketchConfig) (*Estimator, error) {
	g, err := config.geometry()
	if err != nil {
		return nil, err
	}
	return &Estimator{newSketch(g, make([]uint64, g.cells()))}, nil
}

// Add counts n events of key and returns the key's estimate after it, which is
// at least n plus all earlier adds of key. Adds of other goroutines that overlap
// with this one may or may not be in the result.
//
// Counts stop at 2^63 and stay there until [Estimator.Reset]; they never wrap.
func (e *Estimator) Add(key []byte, n uint32) uint64 {
	if len(key) == 4 { // an IPv4 address or a number: spares a call
		return e.sketch.add(HashUint32(binary.LittleEndian.Uint32(key)), n)
	}
	return e.sketch.add(Hash(key), n)
}

// AddHash is [Estimator.Add] for a key whose [Hash] is at hand.
func (e *Estimator) AddHash(hash uint64, n uint32) uint64 { return e.sketch.add(hash, n) }

// Count returns the estimate of key: 0 if nothing was added, never less than
// the truth.
func (e *Estimator) Count(key []byte) uint64 { return e.sketch.peek(Hash(key)) }

// CountHash is [Estimator.Count] for a key whose [Hash] is at hand.
func (e *Estimator) CountHash(hash uint64) uint64 { return e.sketch.peek(hash) }

// Reset sets every count to zero. It goes through the cells one by one, so an
// Add that overlaps with it may be forgotten. [Rate] counts by interval
// without that gap.
func (e *Estimator) Reset() { e.sketch.reset() }

// Bytes returns the memory of the estimator.
func (e *Estimator) Bytes() int {
	return e.sketch.bytes() + int(reflect.TypeFor[Estimator]().Size())
}
