package window

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// plan is how the features of one dimension are kept: which words of a cell hold what, each kept
// once however many features need it, and how each column's value comes from them. What every event
// changes lies together at the front of the cell; the panes of the distinct counts follow on
// 32-byte bounds, the even ones apart from the odd ones, since an event changes one side only.
type plan struct {
	clock       *clock
	windows     []window // of the sums, shortest first
	sums        []sum    // in the order of their words, those of a window together
	amounts     []uint8  // what is added to them: numbers in the clock, in the same order
	peaks       []peak
	keyMeasures []keyMeasure
	floods      []flood // peaks that keep a key
	distincts   []distinct
	counts      []count
	first       int     // word of the time of the first event, or -1
	gaps        []gaps  // statistics of the times between events
	hours       int     // first word of the counts by hour, or -1
	opaque      string  // what the words are of a block; empty: of a key's cell
	usuals      usuals  // what is usual of its clients
	opens       opens   // of open requests
	agent       int     // first word of the facts of the user agent, or -1
	parts       []int   // words of the sums of the FoldPathEntropy columns, one after the other
	sides       []sides // of the distinct cells
	front       int     // words before the panes
	words       int     // size of a cell
	columns     []column
}

// window is a run of sums that decay alike, in words that stand side by side.
type window struct {
	tau    time.Duration
	clock  int // its number in the clock
	at, to int // words
}

// sides is where the even and the odd panes of distinct cells with panes of one length begin. Those
// of a side stand side by side, since an event changes one side only.
type sides struct {
	clock int // number of the length in the clock
	at    [2]int
	words int // of a side
}

// sum is a decayed sum: one float32. So is a peak, which the decayed sum of its measure over
// another window raises.
type sum struct {
	measure traffic.Measure
	window  time.Duration
	// 0: a sum; otherwise it is the peak of the measure's sum over this window
	peak time.Duration
	at   int
	of   int // place of its window in plan.windows
}

// peak is a sum of the same cell that raises a peak.
type peak struct {
	sum, peak int // words
	of, by    int // numbers of their windows in the clock
}

// distinct is a distinct cell.
type distinct struct {
	object traffic.Object
	pane   time.Duration
	clock  int    // number of the pane's length in the clock
	at     int    // its word of state
	panes  [2]int // the even one and the odd one
}

// count is an integer that an event raises, sets back or leaves; of a Last, the bits of what the
// last event had, and of a Fraction those of what it was divided by last.
type count struct {
	kind    traffic.FoldKind // Streak, Since, Seen, Last or Fraction
	measure traffic.Measure
	per     traffic.Measure
	at      int
}

const (
	// bounds the different measures and decays of all dimensions: an amount's number is a byte
	maxAmounts = 255
	noAmount   = 255     // the number of what adds nothing
	maxWindows = 8       // bounds the different decays of one dimension
	cellAlign  = 8       // words: a cell is a multiple of 32 bytes
	maxWords   = 1 << 14 // of a cell
)

// newPlan plans a dimension that has features. What depends on the time alone it leaves to c.
func newPlan(features []traffic.Feature, c *clock) (*plan, error) {
	p := &plan{clock: c, first: -1, hours: -1, agent: -1, opens: opens{at: -1}}
	for _, f := range features {
		err := check(f.Fold)
		if err == nil {
			err = p.need(f.Fold, f.Dimension)
		}
		if err != nil {
			return nil, fmt.Errorf("feature %s: %w", f.FullName(), err)
		}
	}
	p.layOut()
	if len(p.windows) > maxWindows {
		return nil, fmt.Errorf("dimension %s has %d windows, at most %d are allowed",
			features[0].Dimension, len(p.windows), maxWindows)
	}
	if len(c.amounts) > maxAmounts {
		return nil, fmt.Errorf("dimensions up to %s have %d pairs of a measure and a window, at most %d are allowed",
			features[0].Dimension, len(c.amounts), maxAmounts)
	}
	if p.words > maxWords {
		return nil, fmt.Errorf("dimension %s needs %d words for a key, at most %d are allowed",
			features[0].Dimension, p.words, maxWords)
	}
	for _, f := range features {
		p.columns = append(p.columns, p.column(f.Fold))
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
		return fmt.Errorf("window %v, %v to %v are allowed", f.Window, minWindow,
			time.Duration(maxWindow))
	case f.Kind == traffic.FoldPeak && (f.Memory < f.Window || f.Memory > maxWindow):
		return fmt.Errorf("memory of %v for a window of %v, that much to %v are allowed", f.Memory,
			f.Window, time.Duration(maxWindow))
	case f.Measure >= traffic.NumMeasures || f.Per >= traffic.NumMeasures ||
		f.Usual >= traffic.NumMeasures || f.Object >= traffic.NumObjects ||
		f.Fact >= traffic.NumAgentFacts:
		return fmt.Errorf("measure %d per %d, object %d or fact %d is unknown", f.Measure, f.Per,
			f.Object, f.Fact)
	}
	return nil
}

func needsWindow(k traffic.FoldKind) bool {
	switch k {
	case traffic.FoldSum, traffic.FoldRate, traffic.FoldShare, traffic.FoldPart,
		traffic.FoldAcceleration, traffic.FoldDistinct, traffic.FoldPathEntropy,
		traffic.FoldGapMin, traffic.FoldOpen, traffic.FoldPeak, traffic.FoldExcess,
		traffic.FoldUsual, traffic.FoldPerObject, traffic.FoldFraction:
		return true
	}
	return false
}

// need notes what f is kept by.
func (p *plan) need(f traffic.Fold, d traffic.Dimension) error {
	switch f.Kind {
	case traffic.FoldSum, traffic.FoldRate, traffic.FoldPart:
		p.needSum(f.Measure, f.Window)
	case traffic.FoldShare:
		p.needSum(f.Measure, f.Window)
		p.needSum(f.Per, f.Window)
	case traffic.FoldExcess:
		p.needSum(f.Measure, f.Window)
		p.needSum(f.Usual, f.Window)
		p.needSum(f.Per, f.Window)
	case traffic.FoldUsual:
		return p.needUsual(f, d)
	case traffic.FoldAcceleration:
		p.needSum(f.Measure, f.Window)
		p.needSum(f.Measure, 10*f.Window)
	case traffic.FoldPathEntropy:
		for m := traffic.MeasurePages; m <= traffic.MeasureNoHTTP; m++ {
			p.needSum(m, f.Window)
		}
	case traffic.FoldDistinct:
		if p.findDistinct(f) == nil {
			p.distincts = append(p.distincts, distinct{object: f.Object, pane: f.Window / 2})
		}
	case traffic.FoldFraction:
		p.needSum(f.Measure, f.Window)
		if p.findCount(f) == nil {
			p.counts = append(p.counts, count{kind: f.Kind, measure: f.Measure, per: f.Per})
		}
	case traffic.FoldPerObject:
		p.needSum(f.Measure, f.Window)
		if p.findDistinct(f) == nil {
			p.distincts = append(p.distincts, distinct{object: f.Object, pane: f.Window / 2})
		}
	case traffic.FoldStreak, traffic.FoldSince, traffic.FoldSeen, traffic.FoldLast:
		if p.findCount(f) == nil {
			p.counts = append(p.counts, count{kind: f.Kind, measure: f.Measure, per: f.Per})
		}
	case traffic.FoldAge:
		p.first = 0
	case traffic.FoldGapMin:
		g := p.needGaps(f.Measure)
		if g.pane != 0 && g.pane != f.Window/2 {
			return fmt.Errorf("window %v and %v of the shortest gap in one dimension", 2*g.pane,
				f.Window)
		}
		g.pane = f.Window / 2
	case traffic.FoldGapMean, traffic.FoldGapVariation, traffic.FoldGapEntropy:
		p.needGaps(f.Measure)
	case traffic.FoldPeak:
		p.needSum(f.Measure, f.Window)
		if p.findPeak(f) == nil {
			p.sums = append(p.sums, sum{measure: f.Measure, window: f.Memory, peak: f.Window})
		}
		if f.Keep > 0 {
			p.floods = append(p.floods, flood{fold: f, least: f.Keep, memory: int64(f.Memory)})
		}
	case traffic.FoldHourEntropy:
		p.hours = 0
	case traffic.FoldAgent:
		p.agent = 0
	case traffic.FoldOpen:
		p.opens.at = 0
		if !slices.Contains(p.opens.taus, f.Window) {
			p.opens.taus = append(p.opens.taus, f.Window)
		}
	default:
		return fmt.Errorf("unknown fold %d", f.Kind)
	}
	return nil
}

func (p *plan) needSum(m traffic.Measure, window time.Duration) {
	if p.findSum(m, window) == nil {
		p.sums = append(p.sums, sum{measure: m, window: window})
	}
}

func (p *plan) findSum(m traffic.Measure, window time.Duration) *sum {
	i := slices.IndexFunc(p.sums, func(s sum) bool {
		return s.measure == m && s.window == window &&
			s.peak == 0
	})
	if i < 0 {
		return nil
	}
	return &p.sums[i]
}

func (p *plan) findPeak(f traffic.Fold) *sum {
	i := slices.IndexFunc(p.sums, func(s sum) bool {
		return s.measure == f.Measure &&
			s.window == f.Memory && s.peak == f.Window
	})
	if i < 0 {
		return nil
	}
	return &p.sums[i]
}

func (p *plan) findDistinct(f traffic.Fold) *distinct {
	i := slices.IndexFunc(p.distincts, func(d distinct) bool {
		return d.object == f.Object &&
			d.pane == f.Window/2
	})
	if i < 0 {
		return nil
	}
	return &p.distincts[i]
}

func (p *plan) findCount(f traffic.Fold) *count {
	i := slices.IndexFunc(p.counts, func(c count) bool {
		return c.kind == f.Kind &&
			c.measure == f.Measure && c.per == f.Per
	})
	if i < 0 {
		return nil
	}
	return &p.counts[i]
}

// layOut assigns the words of a cell.
func (p *plan) layOut() {
	p.words = headWords
	if slices.Sort(p.opens.taus); p.opens.at >= 0 {
		p.opens.at = p.take(p.opens.words())
	}
	for _, once := range []struct {
		at    *int
		words int
	}{{&p.first, 2}, {&p.hours, hourWords}} {
		if *once.at >= 0 {
			*once.at = p.take(once.words)
		}
	}
	p.layOutGaps()
	p.layOutSums()
	p.layOutKeyMeasures()
	p.layOutUsuals()
	for i := range p.counts {
		p.counts[i].at = p.take(1)
	}
	for i := range p.distincts {
		p.distincts[i].at = p.take(1)
	}
	if p.agent >= 0 {
		p.agent = p.take(int(traffic.NumAgentFacts))
	}
	p.align()
	p.front = p.words
	p.layOutPanes()
}

func (p *plan) layOutPanes() {
	slices.SortStableFunc(p.distincts, func(a,
		b distinct) int {
		return cmp.Compare(a.pane, b.pane)
	})
	for from := 0; from < len(p.distincts); {
		to := from
		for to < len(p.distincts) && p.distincts[to].pane == p.distincts[from].pane {
			to++
		}
		side := sides{clock: p.clock.pane(p.distincts[from].pane), words: (to - from) * paneWords}
		for parity := range side.at {
			side.at[parity] = p.words
			for i := from; i < to; i++ {
				p.distincts[i].clock, p.distincts[i].panes[parity] = side.clock, p.take(paneWords)
			}
		}
		p.sides = append(p.sides, side)
		from = to
	}
}

func (p *plan) layOutSums() {
	slices.SortStableFunc(p.sums, func(a, b sum) int { return cmp.Compare(a.window, b.window) })
	for i := range p.sums {
		p.sums[i].at = p.take(1)
		if n := len(p.windows); n == 0 || p.windows[n-1].tau != p.sums[i].window {
			p.windows = append(p.windows, window{tau: p.sums[i].window,
				clock: p.clock.window(p.sums[i].window), at: p.sums[i].at})
		}
		w := &p.windows[len(p.windows)-1]
		w.to = p.words
		p.sums[i].of = len(p.windows) - 1
		amount := noAmount
		if p.sums[i].peak == 0 {
			amount = p.clock.amount(p.sums[i].measure, w.clock)
		}
		p.amounts = append(p.amounts, uint8(amount))
	}
	for _, s := range p.sums {
		if s.peak > 0 {
			from := p.findSum(s.measure, s.peak)
			p.peaks = append(p.peaks, peak{from.at, s.at, p.windows[from.of].clock,
				p.windows[s.of].clock})
		}
	}
	for i := range p.floods {
		f := &p.floods[i]
		s := p.findPeak(f.fold)
		f.at, f.clock = s.at, p.windows[s.of].clock
	}
}

func (p *plan) take(words int) int {
	at := p.words
	p.words += words
	return at
}

func (p *plan) align() { p.words = (p.words + cellAlign - 1) &^ (cellAlign - 1) }

// sound reports whether whatever bounds the access to a cell is within its bounds. Any other bits
// are values.
func (p *plan) sound(cell []uint32) bool {
	for _, d := range p.distincts {
		if !distinctState(cell[d.at]).sound() {
			return false
		}
	}
	for i := range p.gaps {
		if cell[p.gaps[i].at]&gapCount > gapMemory {
			return false
		}
	}
	return true
}
