package simulator

import (
	"math"
	"math/rand/v2"
	"time"
)

// world is the shared state of all actors: the source of chance and the addresses.
type world struct {
	*rand.Rand
	addresses addresses
	swarms    []*swarm // in the order of their numbers
}

// between returns a uniform duration of [low, high).
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.Int64N(int64(high-low)))
}

func (w *world) chance(p float64) bool { return w.Float64() < p }

// think returns the time that a person looks at a page: log-normal around median, within 2 to 15 s.
func (w *world) think(median time.Duration) time.Duration {
	seconds := median.Seconds() * math.Exp(0.6*w.NormFloat64())
	return time.Duration(min(max(seconds, 2), 15)*1e9) + w.between(0, 300*time.Millisecond)
}

// popular returns a number of [0, n); low ones are much more frequent.
func (w *world) popular(n int) int {
	u := w.Float64()
	return min(int(u*u*u*float64(n)), n-1)
}

// geometric returns a number of at least low, low+mean on average.
func (w *world) geometric(low int, mean float64) int {
	return low + min(int(w.ExpFloat64()*mean+0.5), int(8*mean))
}

func pick[T any](w *world, list []T) T { return list[w.IntN(len(list))] }
