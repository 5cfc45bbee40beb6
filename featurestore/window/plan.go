package window

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
)

// plan is how the features of one dimension are kept: which words of a cell hold what, each kept once however many
// features need it, and how each column's value comes from them.
type plan struct {
	windows   []time.Duration // of the sums
	sums      []sum
	distincts []distinct
	counts    []count
	first     int // word of the time of the first event, or -1
	gaps      int // first word of the gap statistics, or -1
	agent     int // first word of the facts of the user agent, or -1
	words     int // size of a cell
	columns   []column
}

// sum is a decayed sum: one float32.
type sum struct {
	measure traffic.Measure
	window  int // place in plan.windows
	at      int
}

// distinct is a distinct cell.
type distinct struct {
	object traffic.Object
	pane   time.Duration
	at     int
}

// count is an integer that an event raises, sets back or leaves.
type count struct {
	kind    traffic.FoldKind // Streak, Since or Seen
	measure traffic.Measure
	per     traffic.Measure
	at      int
}

// column gives one feature's value from the words it needs.
type column struct {
	kind   traffic.FoldKind
	window float32 // seconds
	a, b   int     // words; what they hold is kind's business
	parts  []int   // words of a PathEntropy
}

// maxWindows bounds the different decays of one dimension.
const maxWindows = 8

func newPlan(features []traffic.Feature) (*plan, error) {
	p := &plan{first: -1, gaps: -1, agent: -1}
	for _, f := range features {
		err := check(f.Fold)
		if err != nil {
			return nil, fmt.Errorf("feature %s: %w", f.FullName(), err)
		}
		c, err := p.column(f.Fold)
		if err != nil {
			return nil, fmt.Errorf("feature %s: %w", f.FullName(), err)
		}
		p.columns = append(p.columns, c)
	}
	if len(p.windows) > maxWindows {
		return nil, fmt.Errorf("dimension %s has %d windows, at most %d are allowed", features[0].Dimension, len(p.windows), maxWindows)
	}
	return p, nil
}

// Bounds of a window: a distinct cell needs two panes, and an acceleration ten windows.
const (
	minWindow = time.Microsecond
	maxWindow = math.MaxInt64 / 10
)

// check refuses what a fold would trip over with every event.
func check(f traffic.Fold) error {
	switch {
	case needsWindow(f.Kind) && (f.Window < minWindow || f.Window > maxWindow):
		return fmt.Errorf("window %v, %v to %v are allowed", f.Window, minWindow, time.Duration(maxWindow))
	case f.Measure >= traffic.NumMeasures || f.Per >= traffic.NumMeasures || f.Object >= traffic.NumObjects ||
		f.Fact >= traffic.NumAgentFacts:
		return fmt.Errorf("measure %d per %d, object %d or fact %d is unknown", f.Measure, f.Per, f.Object, f.Fact)
	}
	return nil
}

func needsWindow(k traffic.FoldKind) bool {
	switch k {
	case traffic.Sum, traffic.Rate, traffic.Share, traffic.Acceleration, traffic.Distinct, traffic.PathEntropy:
		return true
	}
	return false
}

// column finds or makes the words that f needs.
func (p *plan) column(f traffic.Fold) (column, error) {
	c := column{kind: f.Kind, window: float32(f.Window.Seconds())}
	switch f.Kind {
	case traffic.Sum, traffic.Rate:
		c.a = p.sum(f.Measure, f.Window)
	case traffic.Share:
		c.a, c.b = p.sum(f.Measure, f.Window), p.sum(f.Per, f.Window)
	case traffic.Acceleration:
		c.a, c.b = p.sum(f.Measure, f.Window), p.sum(f.Measure, 10*f.Window)
	case traffic.Distinct:
		c.a = p.distinct(f.Object, f.Window)
	case traffic.Streak, traffic.Since, traffic.Seen:
		c.a = p.count(f)
	case traffic.Age:
		c.a = p.once(&p.first, 2)
	case traffic.GapMean, traffic.GapMin, traffic.GapVariation, traffic.GapEntropy:
		c.a = p.once(&p.gaps, gapWords)
	case traffic.PathEntropy:
		for m := traffic.Pages; m <= traffic.NoHTTP; m++ {
			c.parts = append(c.parts, p.sum(m, f.Window))
		}
	case traffic.Agent:
		c.a = p.once(&p.agent, int(traffic.NumAgentFacts)) + int(f.Fact)
	default:
		return c, fmt.Errorf("unknown fold %d", f.Kind)
	}
	return c, nil
}

func (p *plan) sum(m traffic.Measure, window time.Duration) int {
	w := slices.Index(p.windows, window)
	if w < 0 {
		w = len(p.windows)
		p.windows = append(p.windows, window)
	}
	for _, s := range p.sums {
		if s.measure == m && s.window == w {
			return s.at
		}
	}
	p.sums = append(p.sums, sum{m, w, p.take(1)})
	return p.sums[len(p.sums)-1].at
}

func (p *plan) distinct(o traffic.Object, window time.Duration) int {
	for _, d := range p.distincts {
		if d.object == o && d.pane == window/2 {
			return d.at
		}
	}
	p.distincts = append(p.distincts, distinct{o, window / 2, p.take(distinctWords)})
	return p.distincts[len(p.distincts)-1].at
}

func (p *plan) count(f traffic.Fold) int {
	p.counts = append(p.counts, count{f.Kind, f.Measure, f.Per, p.take(1)})
	return p.counts[len(p.counts)-1].at
}

func (p *plan) once(at *int, words int) int {
	if *at < 0 {
		*at = p.take(words)
	}
	return *at
}

func (p *plan) take(words int) int {
	at := p.words
	p.words += words
	return at
}

// fold adds an observation to a cell whose last event was at last; now is not before it. A new cell is all zero and
// isNew.
func (p *plan) fold(cell []uint32, o *traffic.Observation, last, now int64, isNew bool) {
	if isNew {
		last = now
	}
	gap := between(last, now)
	var factors [maxWindows]float32
	for i, w := range p.windows {
		factors[i] = featurestore.Decay(gap, w)
	}
	for _, s := range p.sums {
		v := math.Float32frombits(cell[s.at])
		cell[s.at] = math.Float32bits(float32(v*factors[s.window]) + o.Measures[s.measure])
	}
	for _, d := range p.distincts {
		(*distinctCell)(cell[d.at:]).add(uint64(now)/uint64(d.pane), o.Objects[d.object])
	}
	for _, c := range p.counts {
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
		(*gapCell)(cell[p.gaps:]).add(gap)
	}
}

// between gives the nanoseconds from one time to a later one, at most what an int64 holds.
func between(from, to int64) int64 {
	if d := to - from; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// sound tells whether whatever bounds the access to a cell is within its bounds. Any other bits are values.
func (p *plan) sound(cell []uint32) bool {
	for _, d := range p.distincts {
		if !(*distinctCell)(cell[d.at:]).sound() {
			return false
		}
	}
	return p.gaps < 0 || cell[p.gaps] <= gapMemory
}

// next gives the count after o. It stays at its largest value.
func (c count) next(n uint32, o *traffic.Observation) uint32 {
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

// row writes the cell's values, as of its last event, to dst.
func (p *plan) row(dst []float32, cell []uint32, last int64) {
	for i := range p.columns {
		dst[i] = p.columns[i].value(cell, last)
	}
}

func (c *column) value(cell []uint32, last int64) float32 {
	switch c.kind {
	case traffic.Sum, traffic.Agent:
		return float(cell[c.a])
	case traffic.Rate:
		return float(cell[c.a]) / c.window
	case traffic.Share:
		return float(cell[c.a]) / float(cell[c.b]) // 0/0 is NaN: nothing to share
	case traffic.Acceleration:
		return 10 * float(cell[c.a]) / float(cell[c.b])
	case traffic.Distinct:
		return (*distinctCell)(cell[c.a:]).count()
	case traffic.Streak, traffic.Since, traffic.Seen:
		return float32(cell[c.a])
	case traffic.Age:
		first := int64(uint64(cell[c.a]) | uint64(cell[c.a+1])<<32)
		return float32(float64(between(first, last)) / float64(time.Second))
	case traffic.PathEntropy:
		return c.pathEntropy(cell)
	}
	g := (*gapCell)(cell[c.a:])
	switch c.kind {
	case traffic.GapMean:
		return g.mean()
	case traffic.GapMin:
		return g.shortest()
	case traffic.GapVariation:
		return g.variation()
	}
	return g.entropy()
}

func (c *column) pathEntropy(cell []uint32) float32 {
	var counts [traffic.NumPathKinds + 1]float64
	for i, at := range c.parts {
		counts[i] = float64(float(cell[at]))
	}
	return float32(entropy(counts[:]))
}

func float(word uint32) float32 { return math.Float32frombits(word) }
