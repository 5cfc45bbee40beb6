package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// fold adds an effect to a cell whose last event it is not before. A new cell is zero but for its
// key.
func (p *plan) fold(cell []uint32, e *effect, isNew bool) {
	now, last := e.now, e.now
	if !isNew {
		last = cellLast(cell)
	}
	setLast(cell, now)
	p.foldSums(cell, e, last)
	for i := range p.keyMeasures {
		p.keyMeasures[i].fold(cell, e)
	}
	for i := range p.peaks {
		p.peaks[i].raise(cell, e)
	}
	for i := range p.counts {
		c := &p.counts[i]
		cell[c.at] = c.next(cell[c.at], e.observation)
	}
	if p.first >= 0 && isNew {
		cell[p.first], cell[p.first+1] = uint32(now), uint32(uint64(now)>>32)
	}
	// once for each user agent, since reading one takes microseconds
	if p.agent >= 0 && (isNew || cell[p.agent] == unread) {
		for i, v := range traffic.ParseAgent(e.observation.Agent) {
			cell[p.agent+i] = math.Float32bits(v)
		}
	}
	for i := range p.gaps {
		p.gaps[i].fold(cell, e, last, isNew)
	}
	if p.hours >= 0 {
		(*hourCell)(cell[p.hours:]).add(plus(now, p.clock.offset))
	}
	p.usuals.fold(cell, e)
	p.foldDistincts(cell, e)
	p.opens.fold(cell, e.observation, false)
}

// faint is what a decayed sum is forgotten below: far above the numbers that processors are slow
// with, and far below anything that somebody looks at.
const faint = 1e-30

// foldSums adds the amounts. last is the time of the cell's last event.
func (p *plan) foldSums(cell []uint32, e *effect, last int64) {
	if last < e.epoch {
		p.advance(cell, e, last)
	}
	if len(p.amounts) == 0 {
		return
	}
	words, amounts := cell[p.sums[0].at:][:len(p.amounts)], &e.amounts
	for i, number := range p.amounts {
		words[i] = math.Float32bits(float(words[i]) + amounts[number])
	}
}

// raise brings a peak up to what its sum is worth now. It decays as sums do: forward, so that it is
// compared with what a peak of now would count in its epoch.
func (k *peak) raise(cell []uint32, e *effect) {
	if v := float(cell[k.sum]) / e.growth[k.of] * e.growth[k.by]; v > float(cell[k.peak]) {
		cell[k.peak] = math.Float32bits(v)
	}
}

// advance brings the sums of a cell to the epochs of e from those of its last event.
func (p *plan) advance(cell []uint32, e *effect, last int64) {
	for i := range p.windows {
		w := &p.windows[i]
		if start := e.windows[w.clock].start; last < start {
			w.advance(cell[w.at:w.to], &p.clock.windows[w.clock], last, start)
		}
	}
}

// advance brings the sums of a window from the epoch of the last event to the one that begins at
// start.
func (w *window) advance(sums []uint32, e *epochs, last, start int64) {
	factor := float32(math.Exp(-float64(between(e.start(last), start)) / float64(e.tau)))
	for i, word := range sums {
		v := float32(float(word) * factor)
		if v < faint {
			v = 0
		}
		sums[i] = math.Float32bits(v)
	}
}

// foldDistincts counts the objects.
func (p *plan) foldDistincts(cell []uint32, e *effect) {
	for i := range p.distincts {
		d := &p.distincts[i]
		d.add(cell, e.panes[d.clock].number, e.objects[d.object])
	}
}

// growth returns for each window what an amount of 1 counted at the time of the cell's last event:
// the words divided by it are what the sums were worth then.
func (p *plan) growth(cell []uint32, growth *[maxWindows]float32) {
	last := cellLast(cell)
	for i := range p.windows {
		e := &p.clock.windows[p.windows[i].clock]
		growth[i] = e.growth(e.start(last), last)
	}
}

// between returns the nanoseconds from one time to a later one, at most what an int64 holds.
func between(from, to int64) int64 {
	if d := to - from; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// next returns the count after o. It stays at its largest value.
func (c *count) next(n uint32, o *traffic.Observation) uint32 {
	hit := o.Measures[c.measure] > 0
	switch c.kind {
	case traffic.FoldLast:
		return math.Float32bits(o.Measures[c.measure])
	case traffic.FoldFraction:
		return math.Float32bits(o.Measures[c.per])
	case traffic.FoldSeen:
		if hit {
			return 1
		}
	case traffic.FoldStreak:
		if !hit {
			return 0
		}
		return min(n+1, maxCount)
	case traffic.FoldSince:
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
