package window

import (
	"math"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// opens is what a cell keeps of open requests: how many were open on average, over one or more
// windows. It has a time of its own, the end of the last report, apart from the cell's last
// event: reports of requests that go on must change nothing else. A mean v over tau fades by
// exp(-t/tau) in a time t without an open request, and each request that was open from a time t
// before until now adds 1 - exp(-t/tau): the integral of its share, so that it makes no difference
// into how many reports that time was divided, but for rounding.
//
//	words 0-1  end of the last report, ns after -2^62, low half first; 0: nothing was. Bit 63: the key had no event yet
//	words 2-   the means as of then, float32, shortest window first
type opens struct {
	at   int // first word, or -1
	taus []time.Duration
}

const (
	openHead  = 2
	eventless = 1 << 63
	zeroUntil = 1 << 62
)

// words is how many a cell has.
func (o *opens) words() int { return openHead + len(o.taus) }

// never is before all times.
const never = math.MinInt64

// until is when the last telling of a cell ended, or never.
func (o *opens) until(cell []uint32) int64 {
	if o.at < 0 || cell[o.at]|cell[o.at+1]<<1 == 0 {
		return never
	}
	return int64((uint64(cell[o.at])|uint64(cell[o.at+1])<<32)&^eventless) - zeroUntil
}

func (o *opens) setUntil(cell []uint32, until int64, flag uint64) {
	w := flag
	if until != never {
		w |= uint64(min(max(until, 1-zeroUntil), zeroUntil-1) + zeroUntil)
	}
	cell[o.at], cell[o.at+1] = uint32(w), uint32(w>>32)
}

// eventless reports whether a cell was made by a report, and has seen none of its key's events.
func (o *opens) eventless(cell []uint32) bool { return o.at >= 0 && cell[o.at+1]>>31 != 0 }

// fold adds the time that the request of an observation was open. first is whether a report
// made the cell.
func (o *opens) fold(cell []uint32, ob *traffic.Observation, first bool) {
	if o.at < 0 {
		return
	}
	flag := uint64(0)
	if first || ob.Report && o.eventless(cell) {
		flag = eventless
	}
	last := o.until(cell)
	if ob.OpenTo <= ob.OpenFrom {
		if flag != 0 || o.eventless(cell) {
			o.setUntil(cell, last, flag)
		}
		return
	}
	until := max(last, ob.OpenTo)
	for i, tau := range o.taus {
		word := &cell[o.at+openHead+i]
		v := 0.0
		if last != never {
			v = float64(float(*word)) * faded(last, until, tau)
		}
		v -= math.Expm1(-float64(between(ob.OpenFrom, ob.OpenTo))/float64(tau)) * faded(ob.OpenTo,
			until, tau)
		*word = math.Float32bits(float32(v))
	}
	o.setUntil(cell, until, flag)
}

// value is a mean as of a time that is not before the last telling.
func (o *opens) value(cell []uint32, window int, at int64) float32 {
	until := o.until(cell)
	if until == never {
		return 0
	}
	v := float32(float64(float(cell[o.at+openHead+window])) * faded(until, at, o.taus[window]))
	if v < faint {
		return 0
	}
	return v
}

// faded is what is left at one time of what was 1 at an earlier one.
func faded(from, to int64, tau time.Duration) float64 {
	return math.Exp(-float64(between(from, to)) / float64(tau))
}

// cellStamp is the time as of which a cell's values are published: that of its last event, or of a
// later report.
func (p *plan) cellStamp(cell []uint32) int64 { return max(cellLast(cell), p.opens.until(cell)) }

// begin makes a cell that is zero but for its key that of a key of which there was a report and no
// event yet.
func (p *plan) begin(cell []uint32, e *effect) {
	setLast(cell, e.now)
	p.opens.fold(cell, e.observation, true)
}
