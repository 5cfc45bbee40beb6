package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// fold adds an observation to a cell at now, which is not before the cell's last event. A new cell is zero but for its
// key.
func (p *plan) fold(cell []uint32, o *traffic.Observation, now int64, isNew bool) {
	gap := int64(0)
	if !isNew {
		gap = between(lastOf(cell), now)
	}
	setLast(cell, now)
	p.foldSums(cell, o, gap)
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
		(*gapCell)(cell[p.gaps:]).add(gap, p.gapNumber(now))
	}
	if p.hours >= 0 {
		(*hourCell)(cell[p.hours:]).add(now)
	}
	for i := range p.distincts {
		d := &p.distincts[i]
		distinctIn(cell, d.at, d.panes).add(uint64(now)/uint64(d.pane), o.Objects[d.object])
	}
}

// faint is what a decayed sum is forgotten below: far above the numbers that processors are slow with, and far below
// anything that somebody looks at.
const faint = 1e-30

func (p *plan) foldSums(cell []uint32, o *traffic.Observation, gap int64) {
	if len(p.sums) == 0 {
		return
	}
	at := p.sums[0].at
	if gap == 0 {
		for i := range p.sums {
			word := &cell[at+i]
			*word = math.Float32bits(float(*word) + o.Measures[p.sums[i].measure])
		}
		return
	}
	var factors [maxWindows]float32
	p.decay(gap, &factors)
	for w := range p.windows {
		factor := factors[w]
		for i := p.windows[w].from; i < p.windows[w].to; i++ {
			word := &cell[at+i]
			v := float32(float(*word) * factor)
			if v < faint {
				v = 0
			}
			*word = math.Float32bits(v + o.Measures[p.sums[i].measure])
		}
	}
}

// decay gives exp(-gap/tau) for each window. Where one window is a multiple of another, its factor's power is the
// other's, which is cheaper than an exponential and off by no more than the power times 1e-16 of it.
func (p *plan) decay(gap int64, factors *[maxWindows]float32) {
	longer := 0.0
	for i := len(p.windows) - 1; i >= 0; i-- {
		w := &p.windows[i]
		if w.power > 0 {
			longer = power(longer, w.power)
		} else {
			longer = math.Exp(-float64(gap) / float64(w.tau))
		}
		factors[i] = float32(longer)
	}
}

// power is x to the n-th by squaring. What is too small for a float32 to multiply by is 0.
func power(x float64, n int) float64 {
	if x < 1e-16 {
		return 0
	}
	result := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result *= x
		}
		x *= x
	}
	return result
}

func (p *plan) gapNumber(now int64) uint16 {
	if p.gapPane == 0 {
		return 0
	}
	return uint16(uint64(now) / uint64(p.gapPane))
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
