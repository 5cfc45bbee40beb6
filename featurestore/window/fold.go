package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// fold adds an observation to a cell at an instant that is not before the cell's last event. A new cell is zero but
// for its key.
func (p *plan) fold(cell []uint32, o *traffic.Observation, at *instant, isNew bool) {
	now, last := at.now, at.now
	if !isNew {
		last = lastOf(cell)
	}
	setLast(cell, now)
	p.foldSums(cell, o, at, last)
	for i := range p.counts {
		c := &p.counts[i]
		cell[c.at] = c.next(cell[c.at], o)
	}
	if p.first >= 0 && isNew {
		cell[p.first], cell[p.first+1] = uint32(now), uint32(uint64(now)>>32)
	}
	if p.agent >= 0 && isNew { // once for each user agent, since reading one takes microseconds
		for i, v := range traffic.FactsOfAgent(o.Agent) {
			cell[p.agent+i] = math.Float32bits(v)
		}
	}
	if p.gaps >= 0 && !isNew {
		(*gapCell)(cell[p.gaps:]).add(between(last, now), p.gapNumber(at))
	}
	if p.hours >= 0 {
		(*hourCell)(cell[p.hours:]).add(now)
	}
	for i := range p.distincts {
		d := &p.distincts[i]
		d.in(cell).add(at.panes[d.clock], o.Objects[d.object])
	}
}

// faint is what a decayed sum is forgotten below: far above the numbers that processors are slow with, and far below
// anything that somebody looks at.
const faint = 1e-30

// foldSums adds the amounts of o. last is the time of the cell's last event.
func (p *plan) foldSums(cell []uint32, o *traffic.Observation, at *instant, last int64) {
	for i := range p.windows {
		w := &p.windows[i]
		epoch := &at.spans[w.clock]
		if last < epoch.start {
			w.advance(cell, &p.clock.windows[w.clock], last, epoch.start)
		}
		words := cell[w.at:][:len(w.measures)]
		for k, measure := range w.measures {
			words[k] = math.Float32bits(float(words[k]) + float32(o.Measures[measure]*epoch.growth))
		}
	}
}

// advance brings the sums of a window from the epoch of the last event to the one that begins at start.
func (w *window) advance(cell []uint32, e *epochs, last, start int64) {
	factor := float32(math.Exp(-float64(between(e.start(last), start)) / float64(e.tau)))
	for i := range w.measures {
		word := &cell[w.at+i]
		v := float32(float(*word) * factor)
		if v < faint {
			v = 0
		}
		*word = math.Float32bits(v)
	}
}

// growth gives for each window what an amount of 1 counted at the time of the cell's last event: the words divided by it are what
// the sums were worth then.
func (p *plan) growth(cell []uint32, growth *[maxWindows]float32) {
	last := lastOf(cell)
	for i := range p.windows {
		e := &p.clock.windows[p.windows[i].clock]
		growth[i] = e.growth(e.start(last), last)
	}
}

func (p *plan) gapNumber(at *instant) uint16 {
	if p.gapPane == 0 {
		return 0
	}
	return uint16(at.panes[p.gapClock])
}

// between gives the nanoseconds from one time to a later one, at most what an int64 holds.
func between(from, to int64) int64 {
	if d := to - from; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// next gives the count after o. It stays at its largest value.
func (c *count) next(n uint32, o *traffic.Observation) uint32 {
	hit := o.Measures[c.measure] > 0
	switch c.kind {
	case traffic.Seen:
		if hit {
			return 1
		}
	case traffic.Streak:
		if !hit {
			return 0
		}
		return min(n+1, maxCount)
	case traffic.Since:
		if o.Measures[c.per] > 0 {
			return 0
		}
		if hit {
			return min(n+1, maxCount)
		}
	}
	return n
}

// maxCount is the largest count that a float32 holds exactly.
const maxCount = 1 << 24
