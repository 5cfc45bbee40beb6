package limits

import (
	"reflect"
	"sync"
	"sync/atomic"
)

// GrowOnly is an [Estimator] that raises a key's cells no further than its own estimate needs
// (conservative update, C. Estan and G. Varghese, "New directions in traffic measurement and
// accounting", SIGCOMM 2002). Its estimates are much closer to the truth, and never too low either.
// It cannot count down. Its Add takes a lock, for some nanoseconds: two adds of one key must not
// both raise the cells to the same value. All methods are safe for concurrent use and allocate
// nothing.
type GrowOnly struct {
	sketch sketch
	keys   [64]sync.Mutex // by hash: adds of one key come one after the other
}

// NewGrowOnly returns an estimator with all counts zero. The error is a *[ConfigError].
func NewGrowOnly(config SketchConfig) (*GrowOnly, error) {
	g, err := geometry(config)
	if err != nil {
		return nil, err
	}
	return &GrowOnly{sketch: newSketch(g, make([]uint64, g.Cells()))}, nil
}

// Add counts n events of key and returns the key's estimate after it. Counts stop at 2^63.
func (e *GrowOnly) Add(key []byte, n uint32) uint64 { return e.AddHash(Hash(key), n) }

// AddHash is [GrowOnly.Add] for a key by its [Hash].
func (e *GrowOnly) AddHash(hash uint64, n uint32) uint64 {
	lock := &e.keys[hash>>58]
	lock.Lock()
	defer lock.Unlock()
	count := min(e.sketch.peek(hash)+uint64(n), saturated)
	for row := range e.sketch.Rows {
		raise(&e.sketch.words[e.sketch.Cell(hash, row)], count)
	}
	return count
}

// raise makes a cell at least v. Adds of other keys may raise it at the same time.
func raise(word *uint64, v uint64) {
	for {
		old := atomic.LoadUint64(word)
		if old >= v || atomic.CompareAndSwapUint64(word, old, v) {
			return
		}
	}
}

// Count returns the estimate of key, which is never less than the truth.
func (e *GrowOnly) Count(key []byte) uint64 { return e.sketch.peek(Hash(key)) }

// CountHash is [GrowOnly.Count] for a key by its [Hash].
func (e *GrowOnly) CountHash(hash uint64) uint64 { return e.sketch.peek(hash) }

// Bytes returns the memory of the estimator.
func (e *GrowOnly) Bytes() int {
	return e.sketch.bytes() + int(reflect.TypeFor[GrowOnly]().Size())
}
