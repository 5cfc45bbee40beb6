package hostlimits

import (
	"math"
	"sync/atomic"
	"time"
)

// Adaptive lowers the thresholds of keys whose origins are slow, as an [AdaptivePolicy] says. It
// holds at most 1024 lowered thresholds at a time; of two keys that share an entry the first has it
// until its threshold has recovered. The zero value is ready. All methods are safe for concurrent
// use and allocate nothing.
type Adaptive struct {
	entries [adaptiveKeys]adaptiveEntry
}

const adaptiveKeys = 1024

// adaptiveEntry is one key's threshold.
type adaptiveEntry struct {
	// bits 32-63: those of the hash; bits 0-31: the threshold, a float32. 0: free
	word    atomic.Uint64
	lowered atomic.Int64 // when it was lowered last, nanoseconds since 1970
	// about when an origin of the entry answered last, nanoseconds since 1970
	answered atomic.Int64
}

func (a *Adaptive) entry(hash uint64) *adaptiveEntry { return &a.entries[hash%adaptiveKeys] }

// load returns the word and the lowered threshold of hash; ok is false if it has none.
func (e *adaptiveEntry) load(hash uint64) (word uint64, threshold float64, ok bool) {
	word = e.word.Load()
	return word, float64(math.Float32frombits(uint32(word))),
		word>>32 == hash>>32 && uint32(word) != 0
}

// Threshold returns the threshold of a key now, given the configured one.
func (a *Adaptive) Threshold(hash uint64, configured uint32) uint32 {
	if _, lowered, ok := a.entry(hash).load(hash); ok {
		return min(configured, uint32(lowered))
	}
	return configured
}

// Ending is how the wait for an origin ended.
type Ending uint8

const (
	// Answered: with the first byte of an answer. It is slow if that took longer than the policy's
	// Latency.
	Answered Ending = iota
	// Failed: with an error, such as a refused or a reset connection. It is slow, however soon it
	// came.
	Failed
	// Abandoned: with a client that left. It is slow if it was longer than Latency, and also from
	// an eighth of Latency on if the origin has answered nothing else for Latency: then it hangs.
	// Otherwise it does not count, since clients that leave early must not lower the threshold of
	// an origin that answers.
	Abandoned
)

// Observe notes a request that found estimate in flight, itself included, and was answered after
// took.
func (a *Adaptive) Observe(p *AdaptivePolicy, hash uint64, configured uint32, estimate uint64,
	took time.Duration, now time.Time) {
	a.ObserveEnding(p, hash, configured, estimate, took, Answered, now)
}

// ObserveEnding is [Adaptive.Observe] for a wait that ended in any way. No wait counts that is as
// long as the policy's LongLived or longer.
func (a *Adaptive) ObserveEnding(p *AdaptivePolicy, hash uint64, configured uint32, estimate uint64,
	took time.Duration, how Ending, now time.Time) {
	if configured == Unlimited || configured == 0 ||
		p.LongLived > 0 && took >= time.Duration(p.LongLived) {
		return // there is nothing to lower, or nothing to learn
	}
	e := a.entry(hash)
	slow := took > time.Duration(p.Latency)
	switch how {
	case Answered:
		e.noteAnswer(p, now)
	case Failed:
		slow = true
	case Abandoned:
		if slow = slow || took >= time.Duration(p.Latency/8) && e.silent(p, now); !slow {
			return
		}
	}
	e.adapt(p, hash, configured, estimate, slow, now)
}

// noteAnswer notes when the origin answered, exact to a quarter of Latency, so that not every
// answer writes.
func (e *adaptiveEntry) noteAnswer(p *AdaptivePolicy, now time.Time) {
	if distance(&e.answered, now) > time.Duration(p.Latency/4) {
		e.answered.Store(now.UnixNano())
	}
}

// silent reports whether no answer came for the policy's Latency. Keys that share the entry are not
// distinguished.
func (e *adaptiveEntry) silent(p *AdaptivePolicy, now time.Time) bool {
	return distance(&e.answered, now) > time.Duration(p.Latency)
}

// distance returns the time between a noted instant and now, as a positive duration: if the clock
// was set back meanwhile, nothing may wait until it has caught up.
func distance(noted *atomic.Int64, now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - noted.Load()).Abs()
}

// adapt lowers or raises the threshold.
func (e *adaptiveEntry) adapt(p *AdaptivePolicy, hash uint64, configured uint32, estimate uint64,
	slow bool, now time.Time) {
	word, threshold, ok := e.load(hash)
	switch {
	case !ok && (!slow || word != 0):
		return
	case !ok:
		threshold = float64(configured)
		fallthrough
	case slow:
		last := e.lowered.Load()
		if distance(&e.lowered, now) < time.Duration(p.Latency) ||
			!e.lowered.CompareAndSwap(last, now.UnixNano()) {
			return
		}
		threshold = max(threshold*0.9, float64(max(p.Floor, 1)))
	case 2*float64(estimate) >= threshold:
		threshold += max(1/threshold, threshold/1e4) // at least what a float32 can represent
	}
	next := hash>>32<<32 | uint64(math.Float32bits(float32(threshold)))
	if threshold >= float64(configured) {
		next = 0
	}
	e.word.CompareAndSwap(word, next)
}

// Lowered returns the number of keys with a lowered threshold.
func (a *Adaptive) Lowered() (n int) {
	for i := range a.entries {
		if a.entries[i].word.Load() != 0 {
			n++
		}
	}
	return n
}
