package featurestore

import (
	"math"
	"time"
)

// ticksPerSecond is the resolution of a row's stamp. A stamp is a 32-bit count of ticks since the
// image's epoch. The epoch is a whole second, so the stamps of all images are on one grid.
const ticksPerSecond = 256

// tick is the resolution in nanoseconds.
const tick = int64(time.Second) / ticksPerSecond

// span is the time that the stamps of one image cover, before and after the publication: 2^31
// ticks, 97 days.
const span = (1 << 31) / ticksPerSecond * int64(time.Second)

// earliest is the first whole second that an int64 of nanoseconds can represent. Earlier times
// count as earliest.
const earliest = math.MinInt64 / int64(time.Second) * int64(time.Second)

// Stamp returns a time, in nanoseconds since 1970 UTC, rounded down to the resolution of a row's
// stamp, 1/256 s. Offline code uses it to compute the same values as the published table.
func Stamp(ns int64) int64 {
	seconds, rest := floorDiv(max(ns, earliest), int64(time.Second))
	return seconds*int64(time.Second) + rest*ticksPerSecond/int64(time.Second)*(int64(time.Second)/ticksPerSecond)
}

// Decay returns the factor by which a column with time constant tau has faded after elapsed
// nanoseconds: exp(-elapsed/tau), with a relative error of at most 7e-8 and the same bits on every
// processor. It returns 1 if tau or elapsed is not positive.
func Decay(elapsed int64, tau time.Duration) float32 {
	if tau <= 0 {
		return 1
	}
	return fade(float64(max(0, elapsed)), newFadeRate(tau))
}

// epochFor returns the epoch of an image that is published at now.
func epochFor(now int64) int64 {
	seconds, _ := floorDiv(max(now, earliest+span)-span, int64(time.Second))
	return seconds * int64(time.Second)
}

// ticksSince returns the stamp of a row last changed at ns, clamped to the span.
func ticksSince(epoch, ns int64) uint32 {
	elapsed := ns - epoch
	switch {
	case ns <= epoch:
		return 0
	case elapsed < 0, elapsed >= 2*span: // < 0: int64 overflow
		return math.MaxUint32
	}
	seconds, rest := floorDiv(elapsed, int64(time.Second))
	return uint32(seconds*ticksPerSecond + rest*ticksPerSecond/int64(time.Second))
}

// stampTime inverts ticksSince.
func stampTime(epoch int64, ticks uint32) int64 {
	return epoch + int64(ticks)*tick
}

func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}
