package featurestore

import (
	"math"
	"time"
)

// ticksPerSecond is the resolution of a row's stamp. A stamp is a 32-bit count of ticks since the image's epoch, which
// is a whole second, so that stamps lie on one grid whatever the epoch.
const ticksPerSecond = 256

// tick is the resolution in nanoseconds.
const tick = int64(time.Second) / ticksPerSecond

// span is the time that stamps of one image cover: 2^31 ticks, 97 days, before and after the publication.
const span = (1 << 31) / ticksPerSecond * int64(time.Second)

// earliest is the first whole second that an int64 of nanoseconds can tell. What is before it counts as it.
const earliest = math.MinInt64 / int64(time.Second) * int64(time.Second)

// Stamp cuts a time, in nanoseconds since 1970 UTC, to the resolution of a row's stamp: 1/256 s. Offline code uses it
// to see the very numbers that the published table would have given.
func Stamp(ns int64) int64 {
	seconds, rest := floorDiv(max(ns, earliest), int64(time.Second))
	return seconds*int64(time.Second) + rest*ticksPerSecond/int64(time.Second)*(int64(time.Second)/ticksPerSecond)
}

// Decay is the factor by which a column with time constant tau has faded after elapsed nanoseconds:
// exp(-elapsed/tau), with a relative error of at most 7e-8, and the same bits on every processor. Without a time
// constant, or before the stamp, it is 1.
func Decay(elapsed int64, tau time.Duration) float32 {
	if tau <= 0 {
		return 1
	}
	return fade(float64(max(0, elapsed)), rateOf(tau))
}

// epochFor gives the epoch of an image that is published at now.
func epochFor(now int64) int64 {
	seconds, _ := floorDiv(max(now, earliest+span)-span, int64(time.Second))
	return seconds * int64(time.Second)
}

// ticksSince gives the stamp of a row last changed at ns; what lies outside of the span is put to its end.
func ticksSince(epoch, ns int64) uint32 {
	elapsed := ns - epoch
	switch {
	case ns <= epoch:
		return 0
	case elapsed < 0, elapsed >= 2*span: // < 0: beyond what an int64 holds
		return math.MaxUint32
	}
	seconds, rest := floorDiv(elapsed, int64(time.Second))
	return uint32(seconds*ticksPerSecond + rest*ticksPerSecond/int64(time.Second))
}

// stampTime is the inverse of ticksSince.
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
