package window

import (
	"math"
	"math/bits"
	"time"
)

// A gaps cell keeps statistics of the times between a key's events.
//
//	word 0     number of gaps, at most gapMemory
//	word 1     mean, seconds (float32 bits, like the following)
//	word 2     variance, square seconds
//	word 3     mean of log2(1 + milliseconds)
//	word 4     shortest, seconds
//	words 5-8  16 counts of a byte, by floor(log2(1 + milliseconds)); all are halved when one is full
const (
	gapWords   = 9
	gapBuckets = 16
	gapMemory  = 64
)

type gapCell [gapWords]uint32

// add counts a gap in nanoseconds. Until gapMemory the mean and the variance are those of all gaps (West 1979); then
// each new gap weighs 1/gapMemory.
func (c *gapCell) add(gap int64) {
	n := min(c[0]+1, gapMemory)
	weight := 1 / float64(n)
	seconds := float64(gap) / float64(time.Second)
	log := math.Log2(1 + 1e3*seconds)
	mean, variance := c.float(1), c.float(2)
	delta := seconds - mean
	if c[0] == 0 || seconds < c.float(4) {
		c.setFloat(4, seconds)
	}
	c[0] = n
	c.setFloat(1, mean+float64(delta*weight))
	c.setFloat(2, (1-weight)*(variance+float64(delta*delta*weight)))
	c.setFloat(3, c.float(3)+float64((log-c.float(3))*weight))
	c.count(bucketOfGap(gap))
}

func bucketOfGap(gap int64) int {
	milliseconds := uint64(gap / int64(time.Millisecond))
	return min(bits.Len64(1+milliseconds)-1, gapBuckets-1)
}

func (c *gapCell) count(bucket int) {
	if c.bucket(bucket) == 0xff {
		for i := 5; i < gapWords; i++ {
			c[i] = c[i] >> 1 & 0x7f7f7f7f
		}
	}
	c[5+bucket/4] += 1 << (8 * (bucket % 4))
}

func (c *gapCell) bucket(i int) uint32 { return c[5+i/4] >> (8 * (i % 4)) & 0xff }

func (c *gapCell) float(i int) float64 { return float64(math.Float32frombits(c[i])) }

func (c *gapCell) setFloat(i int, v float64) { c[i] = math.Float32bits(float32(v)) }

// mean, shortest, variation and entropy are NaN before the first gap.

func (c *gapCell) mean() float32 { return c.told(c.float(3)) }

func (c *gapCell) shortest() float32 { return c.told(c.float(4)) }

// variation is the coefficient of variation; all gaps zero vary by 0.
func (c *gapCell) variation() float32 {
	if c[0] > 0 && c.float(1) == 0 {
		return 0
	}
	return c.told(math.Sqrt(c.float(2)) / c.float(1))
}

func (c *gapCell) entropy() float32 {
	var counts [gapBuckets]float64
	for i := range counts {
		counts[i] = float64(c.bucket(i))
	}
	return c.told(entropy(counts[:]))
}

func (c *gapCell) told(v float64) float32 {
	if c[0] == 0 {
		return nan
	}
	return float32(v)
}

// entropy is the Shannon entropy of counts in bits, 0 where there are none.
func entropy(counts []float64) float64 {
	total, sum := 0.0, 0.0
	for _, n := range counts {
		if n > 0 {
			total += n
			sum += float64(n * math.Log2(n))
		}
	}
	if total == 0 {
		return 0
	}
	return math.Log2(total) - sum/total
}

var nan = float32(math.NaN())
