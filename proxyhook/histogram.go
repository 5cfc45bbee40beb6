package proxyhook

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets of a relative width of 1/8: every power of two of
// nanoseconds is divided into eight. Its size is 2 KiB, and counting is one atomic add.
type histogram struct {
	counts [buckets]atomic.Uint64
}

const (
	subBits = 3
	buckets = 32 << subBits // up to 2^34 ns, 17 s; the last bucket has all longer ones
)

func bucketIndex(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 1<<subBits {
		return int(n)
	}
	exponent := bits.Len64(n) - 1 - subBits
	return min(exponent<<subBits+int(n>>exponent), buckets-1)
}

// upper returns the smallest duration above a bucket.
func upper(bucket int) time.Duration {
	if bucket < 1<<subBits {
		return time.Duration(bucket + 1)
	}
	exponent := bucket>>subBits - 1
	return time.Duration(bucket&(1<<subBits-1)+1<<subBits+1) << exponent
}

// doublings sums up the buckets of each power of two.
func (h *histogram) doublings() (times [numTimes]uint64) {
	for i := range h.counts {
		longest := uint64(upper(i) - 1)
		exponent := max(bits.Len64(longest), 1) - 1
		times[min(exponent, numTimes-1)] += h.counts[i].Load()
	}
	return times
}

func (h *histogram) add(d time.Duration) { h.counts[bucketIndex(d)].Add(1) }

// quantile returns the upper end of the bucket with the q-th part of all durations, or 0 if there
// are none. It is at most one eighth too high.
func (h *histogram) quantile(q float64) time.Duration {
	var total uint64
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	rank := uint64(q * float64(total))
	var seen uint64
	for i := range h.counts {
		seen += h.counts[i].Load()
		if seen > rank || seen == total && total > 0 {
			return upper(i)
		}
	}
	return 0
}
