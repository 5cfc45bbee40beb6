package window

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// A gaps cell keeps statistics of the times between a key's events, or between those that have a
// measure.
//
//	word 0     bits 0-15 number of gaps, at most gapMemory; bits 16-31 number of the newer pane (its low bits)
//	word 1     mean, seconds (float32 bits, like the following)
//	word 2     variance, square seconds
//	word 3     mean of log2(1 + milliseconds)
//	words 4-5  shortest that ended in the even and in the odd pane, seconds; infinite: none
//	words 6-9  16 counts of a byte, by floor(log2(1 + milliseconds)); all are halved when one is full
const (
	gapWords   = 10
	gapShort   = 4 // its first pane
	gapCounts  = 6
	gapBuckets = 16
	gapMemory  = 64
	gapCount   = 0xffff
)

type gapCell [gapWords]uint32

// gaps are statistics of the times between the events of a key that have a measure.
type gaps struct {
	measure traffic.Measure // Requests: between any two events
	pane    time.Duration   // half the window of their minimum; 0: none is wanted
	clock   int             // its number in the clock
	at      int             // first word of a gapCell
	// first of two words of the last such event's time, see lastBegin; -1: that is the cell's
	last int
}

// lastBegin is what a time is kept in these words with, so that 0 stands for none.
const lastBegin = 1 << 63

func (p *plan) findGaps(m traffic.Measure) *gaps {
	i := slices.IndexFunc(p.gaps, func(g gaps) bool { return g.measure == m })
	if i < 0 {
		return nil
	}
	return &p.gaps[i]
}

func (p *plan) needGaps(m traffic.Measure) *gaps {
	if p.findGaps(m) == nil {
		p.gaps = append(p.gaps, gaps{measure: m})
	}
	return p.findGaps(m)
}

func (p *plan) layOutGaps() {
	slices.SortFunc(p.gaps, func(a, b gaps) int { return cmp.Compare(a.measure, b.measure) })
	for i := range p.gaps {
		g := &p.gaps[i]
		if g.at, g.last = p.take(gapWords), -1; g.measure != traffic.MeasureRequests {
			g.last = p.take(2)
		}
		if g.pane != 0 {
			g.clock = p.clock.pane(g.pane)
		}
	}
}

// fold counts the gap that an event ends. last is the time of the event before.
func (g *gaps) fold(cell []uint32, e *effect, last int64, isNew bool) {
	if g.last >= 0 {
		if e.observation.Measures[g.measure] <= 0 {
			return
		}
		words := cell[g.last : g.last+2]
		before := uint64(words[0]) | uint64(words[1])<<32
		now := uint64(e.now) ^ lastBegin
		words[0], words[1] = uint32(now), uint32(now>>32)
		last, isNew = int64(before^lastBegin), before == 0
	}
	if isNew {
		return
	}
	number := uint16(0)
	if g.pane != 0 {
		number = uint16(e.panes[g.clock].number)
	}
	(*gapCell)(cell[g.at:]).add(between(last, e.now), number)
}

// add counts a gap in nanoseconds that ends in the pane of the given number. Until gapMemory the
// mean and the variance are those of all gaps (West 1979); then each new gap weighs 1/gapMemory.
func (c *gapCell) add(gap int64, number uint16) {
	seconds := float64(gap) / float64(time.Second)
	c.shorten(seconds, number)
	n := min(c[0]&gapCount+1, gapMemory)
	c[0] = c[0]&^gapCount | n
	weight := 1 / float64(n)
	log := log2(1 + 1e3*seconds)
	mean, variance := c.float(1), c.float(2)
	delta := seconds - mean
	c.setFloat(1, mean+float64(delta*weight))
	c.setFloat(2, (1-weight)*(variance+float64(delta*delta*weight)))
	c.setFloat(3, c.float(3)+float64((log-c.float(3))*weight))
	c.count(bucketOfGap(gap))
}

// shorten keeps the minimum in two panes of half a window each, as a distinct cell keeps its
// objects.
func (c *gapCell) shorten(seconds float64, number uint16) {
	forever := math.Float32bits(float32(math.Inf(1)))
	ahead := number - uint16(c[0]>>16)
	if c[0]&gapCount == 0 {
		ahead = 2 // nothing is in either pane
	}
	side := gapShort + int(number&1)
	if ahead > 0 {
		c[side] = forever
	}
	if ahead > 1 {
		c[side^1] = forever
	}
	c[0] = c[0]&gapCount | uint32(number)<<16
	c.setFloat(side, min(c.float(side), seconds))
}

func bucketOfGap(gap int64) int {
	milliseconds := uint64(gap / int64(time.Millisecond))
	return min(bits.Len64(1+milliseconds)-1, gapBuckets-1)
}

func (c *gapCell) count(bucket int) {
	if c.bucket(bucket) == 0xff {
		for i := gapCounts; i < gapWords; i++ {
			c[i] = c[i] >> 1 & 0x7f7f7f7f
		}
	}
	c[gapCounts+bucket/4] += 1 << (8 * (bucket % 4))
}

func (c *gapCell) bucket(i int) uint32 { return c[gapCounts+i/4] >> (8 * (i % 4)) & 0xff }

func (c *gapCell) float(i int) float64 { return float64(math.Float32frombits(c[i])) }

func (c *gapCell) setFloat(i int, v float64) { c[i] = math.Float32bits(float32(v)) }

// value is NaN before the first gap.
func (c *gapCell) value(kind traffic.FoldKind) float32 {
	if c[0]&gapCount == 0 {
		return nan
	}
	switch kind {
	case traffic.FoldGapMean:
		return float32(c.float(3))
	case traffic.FoldGapMin:
		return float32(min(c.float(gapShort), c.float(gapShort+1)))
	case traffic.FoldGapVariation:
		return c.variation()
	}
	return c.entropy()
}

// variation is the coefficient of variation; all gaps zero vary by 0.
func (c *gapCell) variation() float32 {
	if c.float(1) == 0 {
		return 0
	}
	return float32(math.Sqrt(c.float(2)) / c.float(1))
}

func (c *gapCell) entropy() float32 {
	var counts [gapBuckets]float64
	for i := range counts {
		counts[i] = float64(c.bucket(i))
	}
	return float32(entropy(counts[:]))
}
