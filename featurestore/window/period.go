package window

import (
	"math"
	"time"
)

// period is one of those of equal length into which time is cut, from 1970 on and back.
type period struct {
	number     int64
	start, end int64 // as far as an int64 holds them
}

// move makes p the period of the given length that now lies in. Nearly always it is that already,
// and nothing has to be divided.
func (p *period) move(now, length int64) {
	if p.start <= now && now < p.end {
		return
	}
	*p = newPeriod(now, length)
}

func newPeriod(now, length int64) period {
	p := period{number: now / length, start: math.MinInt64, end: math.MaxInt64}
	into := now % length
	if into < 0 {
		into += length
		p.number--
	}
	if now >= math.MinInt64+into {
		p.start = now - into
	}
	if rest := length - into; now <= math.MaxInt64-rest {
		p.end = now + rest
	}
	return p
}

// minuteNumber is the number of the minute of a time; an int64 of nanoseconds has fewer than an
// int32 holds.
func minuteNumber(ns int64) int32 { return int32(newPeriod(ns, int64(time.Minute)).number) }
