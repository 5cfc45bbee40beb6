package window

import (
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// column returns one feature's value from the words it needs.
type column struct {
	kind   traffic.FoldKind
	window float32 // seconds
	a, b   int     // words; what they hold is kind's business
	minus  int     // the word of what an Excess leaves out
	damp   float32 // of an Excess
	of, by int     // for sums: the places of the windows of a and b in plan.windows
}

// column finds the words that a fold which was noted needs.
func (p *plan) column(f traffic.Fold) column {
	c := column{kind: f.Kind, window: float32(f.Window.Seconds())}
	switch f.Kind {
	case traffic.FoldSum, traffic.FoldRate, traffic.FoldPart:
		p.addSums(&c, f.Measure, f.Window, f.Measure, f.Window)
	case traffic.FoldShare:
		p.addSums(&c, f.Measure, f.Window, f.Per, f.Window)
	case traffic.FoldExcess:
		p.addSums(&c, f.Measure, f.Window, f.Per, f.Window)
		c.minus, c.damp = p.findSum(f.Usual, f.Window).at, f.Damp
	case traffic.FoldUsual:
		c.a = p.usuals.find(f).at
	case traffic.FoldAcceleration:
		p.addSums(&c, f.Measure, f.Window, f.Measure, 10*f.Window)
	case traffic.FoldPathEntropy:
		c.a, c.b = len(p.parts), len(p.parts)+pathKinds
		for m := traffic.MeasurePages; m <= traffic.MeasureNoHTTP; m++ {
			s := p.findSum(m, f.Window)
			c.of, p.parts = s.of, append(p.parts, s.at)
		}
	case traffic.FoldDistinct:
		c.a = slices.Index(p.distincts, *p.findDistinct(f))
	case traffic.FoldFraction:
		s := p.findSum(f.Measure, f.Window)
		c.a, c.of, c.b = s.at, s.of, p.findCount(f).at
	case traffic.FoldPerObject:
		s := p.findSum(f.Measure, f.Window)
		c.a, c.of, c.b = s.at, s.of, slices.Index(p.distincts, *p.findDistinct(f))
	case traffic.FoldStreak, traffic.FoldSince, traffic.FoldSeen, traffic.FoldLast:
		c.a = p.findCount(f).at
	case traffic.FoldAge:
		c.a = p.first
	case traffic.FoldHourEntropy:
		c.a = p.hours
	case traffic.FoldAgent:
		c.a = p.agent + int(f.Fact)
	case traffic.FoldOpen:
		c.a = slices.Index(p.opens.taus, f.Window)
	case traffic.FoldPeak:
		s := p.findPeak(f)
		c.a, c.of, c.window = s.at, s.of, float32(f.Memory.Seconds())
	default:
		c.a = p.findGaps(f.Measure).at
	}
	return c
}

func (p *plan) addSums(c *column, m traffic.Measure, window time.Duration, per traffic.Measure,
	perWindow time.Duration) {
	a, b := p.findSum(m, window), p.findSum(per, perWindow)
	c.a, c.of, c.b, c.by = a.at, a.of, b.at, b.of
}

// pathKinds are the sums of a FoldPathEntropy.
const pathKinds = int(traffic.NumPathKinds) + 1

// row writes the cell's values to dst: those that fade as of its stamp, the others as of its last
// event.
func (p *plan) row(dst []float32, cell []uint32) {
	var growth [maxWindows]float32
	p.growth(cell, &growth)
	stamp := p.cellStamp(cell)
	later := between(cellLast(cell), stamp) > 0
	for i := range p.columns {
		c := &p.columns[i]
		if c.kind == traffic.FoldOpen {
			dst[i] = p.opens.value(cell, c.a, stamp)
			continue
		}
		dst[i] = p.value(c, cell, &growth)
		if later && c.fades() {
			dst[i] = c.fade(dst[i], between(cellLast(cell), stamp))
		}
	}
}

// fades reports whether a column's value fades without an event; see traffic.Feature.Fade.
func (c *column) fades() bool {
	return c.kind == traffic.FoldSum || c.kind == traffic.FoldRate || c.kind == traffic.FoldPart ||
		c.kind == traffic.FoldPeak
}

// fade is what a column's value as of the last event is worth later.
func (c *column) fade(v float32, by int64) float32 {
	v *= float32(math.Exp(-float64(by) / 1e9 / float64(c.window)))
	if v < faint {
		return 0
	}
	return v
}

// decayed is what a sum is worth when an amount of 1 counts growth.
func decayed(word uint32, growth float32) float32 {
	if v := float(word) / growth; v >= faint {
		return v
	}
	return 0
}

func (p *plan) value(c *column, cell []uint32, growth *[maxWindows]float32) float32 {
	switch c.kind {
	case traffic.FoldAgent, traffic.FoldLast:
		return float(cell[c.a])
	case traffic.FoldFraction:
		if all := float(cell[c.b]); all > 0 {
			return min(1, decayed(cell[c.a], growth[c.of])/all)
		}
		return nan
	case traffic.FoldPerObject:
		if n := p.distincts[c.b].count(cell); n > 0 {
			return decayed(cell[c.a], growth[c.of]) / n
		}
		return nan
	case traffic.FoldSum, traffic.FoldPeak:
		return decayed(cell[c.a], growth[c.of])
	case traffic.FoldRate:
		return decayed(cell[c.a], growth[c.of]) / c.window
	case traffic.FoldPart:
		return min(1, decayed(cell[c.a], growth[c.of]))
	case traffic.FoldShare:
		if decayed(cell[c.b], growth[c.by]) == 0 {
			return nan // nothing to share
		}
		return float(cell[c.a]) / float(cell[c.b])
	case traffic.FoldExcess:
		if decayed(cell[c.b], growth[c.by]) == 0 {
			return nan
		}
		return min(1, max(-1, (float(cell[c.a])-float(cell[c.minus]))/(float(cell[c.b])+c.damp*growth[c.by])))
	case traffic.FoldUsual:
		return usual(cell, c.a)
	case traffic.FoldAcceleration:
		short, long := decayed(cell[c.a], growth[c.of]), decayed(cell[c.b], growth[c.by])
		// which is long, unless a checkpoint had only the other one
		return 10 * short / max(short, long)
	case traffic.FoldDistinct:
		return p.distincts[c.a].count(cell)
	case traffic.FoldStreak, traffic.FoldSince, traffic.FoldSeen:
		return float32(cell[c.a])
	case traffic.FoldAge:
		first := int64(uint64(cell[c.a]) | uint64(cell[c.a+1])<<32)
		return float32(float64(between(first, cellLast(cell))) / float64(time.Second))
	case traffic.FoldPathEntropy:
		return p.pathEntropy(c, cell, growth)
	case traffic.FoldHourEntropy:
		return (*hourCell)(cell[c.a:]).entropy()
	}
	return (*gapCell)(cell[c.a:]).value(c.kind)
}

func (p *plan) pathEntropy(c *column, cell []uint32, growth *[maxWindows]float32) float32 {
	var counts [pathKinds]float64
	for i, at := range p.parts[c.a:c.b] {
		counts[i] = float64(decayed(cell[at], growth[c.of]))
	}
	return float32(entropy(counts[:]))
}

// entropy is the Shannon entropy of counts in bits, 0 where there are none.
func entropy(counts []float64) float64 {
	total, sum := 0.0, 0.0
	for _, n := range counts {
		if n > 0 {
			total += n
			sum += float64(n * log2(n))
		}
	}
	if total == 0 {
		return 0
	}
	// of one count it would be a rounding error, perhaps below 0
	return max(0, log2(total)-sum/total)
}

var nan = float32(math.NaN())
