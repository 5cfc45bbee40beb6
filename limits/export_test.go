package limits

import (
	"time"
)

// The tests move time by hand.

func (r *Rate) ObserveAt(hash uint64, n uint32, now time.Duration) (count, epoch uint64) {
	return r.observe(hash, n, now)
}

func (r *Rate) RateAt(hash uint64, now time.Duration) float64 { return r.rate(hash, now) }

func (r *Rate) ComponentsAt(hash uint64, now time.Duration) RateComponents {
	return r.components(hash, now)
}

// Preset stores a value in every cell, as only years of adds could.
func (e *Estimator) Preset(cell uint64) {
	for i := range e.sketch.words {
		e.sketch.words[i] = cell
	}
}

// Preset does the same for a counter in flight.
func (f *Inflight) Preset(cell uint64) {
	for i := range f.sketch.words {
		f.sketch.words[i] = cell
	}
}

const Saturated = uint64(saturated)
