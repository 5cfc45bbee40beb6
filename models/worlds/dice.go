package worlds

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"time"
)

// dice is a source of chance with the same results on every processor: it computes with integers,
// or with single products of floats, which round alike everywhere.
type dice struct{ src *rand.PCG }

func newDice(seed uint64, stream string) *dice { return &dice{rand.NewPCG(seed, hash(stream))} }

// n draws a number below n.
func (d *dice) n(n int) int {
	return int(d.below(uint64(n)))
}

func (d *dice) below(n uint64) uint64 {
	high, _ := bits.Mul64(d.src.Uint64(), n)
	return high
}

// from draws a number from low to high, both included.
func (d *dice) from(low, high int) int { return low + d.n(high-low+1) }

func (d *dice) chance(p float64) bool { return d.unit() < p }

// unit draws a number of [0, 1).
func (d *dice) unit() float64 { return float64(d.src.Uint64()>>11) / (1 << 53) }

// share draws a number of [low, high).
func (d *dice) share(low, high float64) float64 { return low + float64(d.unit()*(high-low)) }

// between draws a duration of [low, high).
func (d *dice) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(d.below(uint64(high-low)))
}

// The quantiles of distributions, in 65536ths.
const (
	quantiles = 1024
	one16     = 1 << 16
)

var (
	exponential = quantileTable(func(p float64) float64 { return -math.Log1p(-p) })
	normal      = quantileTable(func(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) })
	powers      = powersOfTwo() // 2^(i/256)
)

func quantileTable(inverse func(float64) float64) (table [quantiles]int64) {
	for i := range table {
		table[i] = int64(math.Round(inverse((float64(i)+0.5)/quantiles) * one16))
	}
	return table
}

func powersOfTwo() (table [256]int64) {
	for i := range table {
		table[i] = int64(math.Round(math.Exp2(float64(i)/256) * one16))
	}
	return table
}

// exp draws a duration of an exponential distribution.
func (d *dice) exp(mean time.Duration) time.Duration {
	return scale(mean, exponential[d.n(quantiles)])
}

// skewed draws a duration of a log-normal distribution: sigma 1 means that one in six is beyond 2.7
// times the median.
func (d *dice) skewed(median time.Duration, sigma float64) time.Duration {
	const log2e = 1.4426950408889634
	x := int64(sigma * log2e * float64(normal[d.n(quantiles)])) // log2 of the factor
	return scale(median, pow2(x))
}

// scale multiplies by a factor in 65536ths.
func scale(v time.Duration, factor int64) time.Duration {
	high, low := bits.Mul64(uint64(v), uint64(factor))
	return time.Duration(high<<48 | low>>16)
}

// pow2 returns 2^x, both in 65536ths.
func pow2(x int64) int64 {
	whole := x >> 16
	f := powers[x>>8&255]
	if whole >= 0 {
		return f << min(whole, 40)
	}
	return f >> min(-whole, 62)
}

// logUniform draws a number from low to high, with equal chances for each order of magnitude.
func (d *dice) logUniform(low, high int) int {
	x := log2(low) + int64(d.below(uint64(log2(high)-log2(low))+1))
	return min(max(int(pow2(x)>>16), low), high)
}

// rank draws a number below n by Zipf's law: low numbers are much more frequent.
func (d *dice) rank(n int) int { return d.logUniform(1, n+1) % (n + 1) % n }

// log2 returns a logarithm in 65536ths, interpolated between powers of two.
func log2(n int) int64 {
	k := bits.Len(uint(n)) - 1
	return int64(k)<<16 + (int64(n)-int64(1)<<k)<<16>>k
}

// steps draws the number of repetitions of something that is repeated with a chance of p, at most
// most.
func (d *dice) steps(p float64, most int) (n int) {
	for n < most && d.chance(p) {
		n++
	}
	return n
}

// pick draws an element.
func pick[T any](d *dice, list []T) T { return list[d.n(len(list))] }

// weighted draws an index by weights.
func (d *dice) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	at := d.n(max(total, 1))
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// hash returns the 64-bit FNV-1a hash, with its bits mixed.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h = (h ^ h>>31) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
