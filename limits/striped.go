package limits

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"reflect"
	"runtime"

	"github.com/headgate/headgate/internal/base/lane"
)

// maxStripes bounds the number of sketches of a [StripedEstimator].
const maxStripes = 256

// StripedEstimator is an [Estimator] for many goroutines that mostly add: each adds to one of
// several sketches of the same size, and reading sums them up. Adds do not contend, but the memory
// and the time of Count are multiplied by the number of stripes. Adding therefore does not return
// the estimate.
//
// A count is never too low, and never higher than that of an Estimator of one stripe's size that
// saw the same adds. All methods are safe for concurrent use and allocate nothing; Observe is
// wait-free.
type StripedEstimator struct {
	stripes []Estimator // their number is a power of two
	shift   uint        // shifts 32 bits down to an index of stripes
}

// NewStripedEstimator returns an estimator with all counts zero. The number of stripes is a power
// of two up to 256; 0 means at least eight for each processor that Go uses now, so that of the
// goroutines that run at the same time fewer than one in eight meets another in its stripe. The
// error is a *[ConfigError].
func NewStripedEstimator(config SketchConfig, stripes int) (*StripedEstimator, error) {
	g, err := geometry(config)
	if err != nil {
		return nil, err
	}
	if stripes == 0 {
		stripes = min(maxStripes, 1<<bits.Len(uint(8*runtime.GOMAXPROCS(0)-1)))
	}
	if stripes < 1 || stripes > maxStripes || stripes&(stripes-1) != 0 {
		return nil, &ConfigError{Field: "Stripes", Value: stripes,
			Reason: fmt.Sprintf("must be a power of two up to %d", maxStripes)}
	}
	e := &StripedEstimator{shift: uint(32 - bits.TrailingZeros(uint(stripes)))}
	words := make([]uint64, stripes*g.Cells())
	for ; len(words) > 0; words = words[g.Cells():] {
		e.stripes = append(e.stripes, Estimator{newSketch(g, words)})
	}
	return e, nil
}

// Observe counts n events of key. A Count that begins after it has returned includes them.
func (e *StripedEstimator) Observe(key []byte, n uint32) {
	if len(key) == 4 { // see Estimator.Add
		e.ObserveHash(HashUint32(binary.LittleEndian.Uint32(key)), n)
		return
	}
	e.ObserveHash(Hash(key), n)
}

// ObserveHash is [StripedEstimator.Observe] for a key by its [Hash].
func (e *StripedEstimator) ObserveHash(hash uint64, n uint32) {
	e.stripes[lane.Hash()>>e.shift].AddHash(hash, n)
}

// Count returns the estimate of key, which is never less than the truth, and at most 2^63.
func (e *StripedEstimator) Count(key []byte) uint64 { return e.CountHash(Hash(key)) }

// CountHash is [StripedEstimator.Count] for a key by its [Hash].
//
// Each stripe's own estimate is an upper bound of what was added there; their sum is at most the
// lowest sum of cells.
func (e *StripedEstimator) CountHash(hash uint64) (sum uint64) {
	for i := range e.stripes {
		sum = min(sum+e.stripes[i].CountHash(hash), saturated)
	}
	return sum
}

// Reset sets every count to zero, one cell after the other: an Observe that overlaps with it may be
// forgotten, in all of its rows or in some.
func (e *StripedEstimator) Reset() {
	for i := range e.stripes {
		e.stripes[i].Reset()
	}
}

// Bytes returns the memory of the estimator.
func (e *StripedEstimator) Bytes() int {
	n := int(reflect.TypeFor[StripedEstimator]().Size())
	for i := range e.stripes {
		n += e.stripes[i].Bytes()
	}
	return n
}
