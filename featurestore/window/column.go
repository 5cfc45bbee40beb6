package window

import (
	"math"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// column gives one feature's value from the words it needs.
type column struct {
	kind   traffic.FoldKind
	window float32 // seconds
	a, b   int     // words; what they hold is kind's business
}

// column finds the words that a fold which was noted needs.
func (p *plan) column(f traffic.Fold) column {
	c := column{kind: f.Kind, window: float32(f.Window.Seconds())}
	switch f.Kind {
	case traffic.Sum, traffic.Rate, traffic.Part:
		c.a = p.findSum(f.Measure, f.Window).at
	case traffic.Share:
		c.a, c.b = p.findSum(f.Measure, f.Window).at, p.findSum(f.Per, f.Window).at
	case traffic.Acceleration:
		c.a, c.b = p.findSum(f.Measure, f.Window).at, p.findSum(f.Measure, 10*f.Window).at
	case traffic.PathEntropy:
		c.a, c.b = len(p.parts), len(p.parts)+pathKinds
		for m := traffic.Pages; m <= traffic.NoHTTP; m++ {
			p.parts = append(p.parts, p.findSum(m, f.Window).at)
		}
	case traffic.Distinct:
		d := p.findDistinct(f)
		c.a, c.b = d.at, d.panes
	case traffic.Streak, traffic.Since, traffic.Seen:
		c.a = p.findCount(f).at
	case traffic.Age:
		c.a = p.first
	case traffic.HourEntropy:
		c.a = p.hours
	case traffic.Agent:
		c.a = p.agent + int(f.Fact)
	default:
		c.a = p.gaps
	}
	return c
}

// pathKinds are the sums of a PathEntropy.
const pathKinds = int(traffic.NumPathKinds) + 1

// row writes the cell's values, as of its last event, to dst.
func (p *plan) row(dst []float32, cell []uint32) {
	for i := range p.columns {
		dst[i] = p.value(&p.columns[i], cell)
	}
}

func (p *plan) value(c *column, cell []uint32) float32 {
	switch c.kind {
	case traffic.Sum, traffic.Agent:
		return float(cell[c.a])
	case traffic.Rate:
		return float(cell[c.a]) / c.window
	case traffic.Part:
		return min(1, float(cell[c.a]))
	case traffic.Share:
		if float(cell[c.b]) == 0 {
			return nan // nothing to share
		}
		return float(cell[c.a]) / float(cell[c.b])
	case traffic.Acceleration:
		return 10 * float(cell[c.a]) / float(cell[c.b])
	case traffic.Distinct:
		return distinctIn(cell, c.a, c.b).count()
	case traffic.Streak, traffic.Since, traffic.Seen:
		return float32(cell[c.a])
	case traffic.Age:
		first := int64(uint64(cell[c.a]) | uint64(cell[c.a+1])<<32)
		return float32(float64(between(first, lastOf(cell))) / float64(time.Second))
	case traffic.PathEntropy:
		return p.pathEntropy(c, cell)
	case traffic.HourEntropy:
		return (*hourCell)(cell[c.a:]).entropy()
	}
	return (*gapCell)(cell[c.a:]).value(c.kind)
}

func (p *plan) pathEntropy(c *column, cell []uint32) float32 {
	var counts [pathKinds]float64
	for i, at := range p.parts[c.a:c.b] {
		counts[i] = float64(float(cell[at]))
	}
	return float32(entropy(counts[:]))
}

// entropy is the Shannon entropy of counts in bits, 0 where there are none.
func entropy(counts []float64) float64 {
	total, sum := 0.0, 0.0
	for _, n := range counts {
		if n > 0 {
			total += n
			sum += float64(n * math.Log2(n))
		}
	}
	if total == 0 {
		return 0
	}
	return max(0, math.Log2(total)-sum/total) // of one count it would be a rounding error, perhaps below 0
}

var nan = float32(math.NaN())
