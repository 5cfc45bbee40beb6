package window_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// naive keeps every observation of every key and computes each feature from all of them by its
// definition (traffic.FoldKind), in float64 and with exact sets: what an Aggregator must come near.
type naive struct {
	features []traffic.Feature
	keys     [traffic.NumDimensions]map[uint64]*history
	hosts    map[uint64]*history // of all requests, also where no feature is of the dimension
}

// history is a key's observations. Time that runs backwards counts as no time at all.
type history struct {
	observations []traffic.Observation
	hours        [24]int // of the observations, halved when one is full
	gaps         [traffic.NumMeasures]gapHistory
	pages        []uint16 // the last different ones, newest last
	posts        []uint64 // the last different paths that were sent a POST
	usuals       map[usualKey]*usualHistory
	open         [][2]int64 // when its requests were open, where a feature counts them: from and to
}

// gapHistory is of the gaps between the observations that have a measure; of Requests, between any
// two.
type gapHistory struct {
	begun   bool
	last    int64   // such observation
	gaps    []int64 // nanoseconds
	ends    []int64 // of the gaps
	buckets [16]int // of the gaps, halved when one is full
}

func newNaive(features []traffic.Feature) *naive {
	n := &naive{features: features, hosts: make(map[uint64]*history)}
	for d := range n.keys {
		n.keys[d] = make(map[uint64]*history)
	}
	return n
}

// addWith adds an observation to both. What takes a memory of all traffic, which intake_test.go is
// about, the naive model has from the Aggregator.
func (n *naive) addWith(a *window.Aggregator, o *traffic.Observation) {
	a.Add(o)
	filled, told := *o, a.Filled()
	for _, m := range []traffic.Measure{traffic.MeasureUnshared, traffic.MeasureNewAddresses, traffic.MeasureNewAgents, traffic.MeasureNewClients, traffic.MeasureAllClients, traffic.MeasureVersionLag,
		traffic.MeasureNewWireClients, traffic.MeasureProgramClients} {
		filled.Measures[m] = told.Measures[m]
	}
	n.add(&filled)
}

func (n *naive) add(original *traffic.Observation) {
	o := *original
	n.addParts(&o)
	for d, key := range o.Keys {
		if key == 0 {
			continue
		}
		h := n.keys[d][key]
		if h == nil {
			h = &history{}
			n.keys[d][key] = h
		}
		if o.OpenTo > o.OpenFrom && n.counts(traffic.Dimension(d)) {
			h.open = append(h.open, [2]int64{o.OpenFrom, o.OpenTo})
		}
		if !o.Report {
			h.add(o)
		}
	}
}

// counts reports whether a feature of the dimension counts open requests.
func (n *naive) counts(d traffic.Dimension) bool {
	return slices.ContainsFunc(n.features, func(f traffic.Feature) bool { return f.Dimension == d && f.Fold.Kind == traffic.FoldOpen })
}

// addParts sets what an observation is of its host's requests and seconds, and what is usual there.
func (n *naive) addParts(o *traffic.Observation) {
	if o.Report {
		return
	}
	key := o.Keys[traffic.DimHost]
	h := n.hosts[key]
	if h == nil {
		h = &history{}
		n.hosts[key] = h
	}
	h.add(*o)
	for _, u := range traffic.UsualShares {
		share := h.usual(traffic.Fold{Window: traffic.UsualWindow, Measure: u.Measure, Per: u.Per}, traffic.ObjectNetworks)
		if o.Measures[u.Usual] = o.Measures[u.Measure]; share == share {
			o.Measures[u.Usual] = float32(share * float64(o.Measures[u.Per]))
		}
	}
	part := func(m traffic.Measure, window time.Duration) float32 {
		if all := h.sum(m, window); all > 0 {
			return float32(float64(o.Measures[m]) / all)
		}
		return 0
	}
	if key == 0 {
		return
	}
	o.Measures[traffic.MeasureHostPart], o.Measures[traffic.MeasureOriginPart] = part(traffic.MeasureRequests, traffic.HostWindow), part(traffic.MeasureOriginSeconds, traffic.HostWindow)
}

func (h *history) add(o traffic.Observation) {
	if n := len(h.observations); n > 0 {
		o.Time = max(o.Time, h.observations[n-1].Time)
	}
	h.addOwn(&o)
	for m := range traffic.NumMeasures {
		if m == traffic.MeasureRequests || o.Measures[m] > 0 {
			h.gaps[m].add(o.Time)
		}
	}
	countTo255(h.hours[:], int(((o.Time/3600e9)%24+24)%24))
	h.observations = append(h.observations, o)
}

// addOwn sets the measures that depend on the key's past.
func (h *history) addOwn(o *traffic.Observation) {
	o.Measures[traffic.MeasureLinksFollowed], o.Measures[traffic.MeasurePostsRepeated] = 0, 0
	if recent := h.pages[max(0, len(h.pages)-16):]; o.Link != 0 && slices.Contains(recent, o.Link) {
		o.Measures[traffic.MeasureLinksFollowed] = 1
	}
	if recent := h.pages[max(0, len(h.pages)-16):]; o.Page != 0 && !slices.Contains(recent, o.Page) {
		h.pages = append(h.pages, o.Page)
	}
	path := o.Objects[traffic.ObjectPaths]
	if o.Measures[traffic.MeasurePosts] == 0 || path == 0 {
		return
	}
	recent := h.posts[max(0, len(h.posts)-2):]
	if slices.Contains(recent, path) {
		o.Measures[traffic.MeasurePostsRepeated] = 1
	}
	if len(recent) == 0 || recent[len(recent)-1] != path {
		h.posts = append(h.posts, path)
	}
}

func (h *gapHistory) add(now int64) {
	if h.begun {
		gap := now - h.last
		h.gaps, h.ends = append(h.gaps, gap), append(h.ends, now)
		countTo255(h.buckets[:], min(int(math.Log2(float64(1+gap/1e6))), 15))
	}
	h.begun, h.last = true, now
}

// countTo255 raises a count. All are halved when it is full.
func countTo255(counts []int, i int) {
	if counts[i] == 255 {
		for j := range counts {
			counts[j] /= 2
		}
	}
	counts[i]++
}

func (h *history) last() int64 { return h.observations[len(h.observations)-1].Time }

// stamp is the time as of which what fades is told: that of the last observation, or when it was
// known last that a request was open.
func (h *history) stamp() int64 {
	stamp := h.last()
	for _, o := range h.open {
		stamp = max(stamp, o[1])
	}
	return stamp
}

// openOver is the integral of the number of open requests, decayed, per window.
func (h *history) openOver(window time.Duration) (mean float64) {
	until := func(t int64) float64 { return math.Exp(-float64(h.stamp()-t) / float64(window)) }
	for _, o := range h.open {
		mean += until(o[1]) - until(o[0])
	}
	return mean
}

// value is a feature's value: of what fades as of the stamp, of the rest as of the key's last
// observation.
func (h *history) value(f traffic.Fold, d traffic.Dimension) float64 {
	seconds, faded := f.Window.Seconds(), math.Exp(-float64(h.stamp()-h.last())/float64(f.Window))
	switch f.Kind {
	case traffic.FoldSum:
		return h.sum(f.Measure, f.Window) * faded
	case traffic.FoldPeak:
		return h.peak(f) * math.Exp(-float64(h.stamp()-h.last())/float64(f.Memory))
	case traffic.FoldRate:
		return h.sum(f.Measure, f.Window) / seconds * faded
	case traffic.FoldPart:
		return min(1, h.sum(f.Measure, f.Window)) * faded
	case traffic.FoldOpen:
		return h.openOver(f.Window)
	case traffic.FoldHourEntropy:
		return shannonInts(h.hours[:])
	case traffic.FoldShare:
		if h.sum(f.Per, f.Window) == 0 {
			return math.NaN()
		}
		return h.sum(f.Measure, f.Window) / h.sum(f.Per, f.Window)
	case traffic.FoldExcess:
		if h.sum(f.Per, f.Window) == 0 {
			return math.NaN()
		}
		return (h.sum(f.Measure, f.Window) - h.sum(f.Usual, f.Window)) / (h.sum(f.Per, f.Window) + float64(f.Damp))
	case traffic.FoldFraction:
		if all := float64(h.observations[len(h.observations)-1].Measures[f.Per]); all > 0 {
			return min(1, h.sum(f.Measure, f.Window)/all)
		}
		return math.NaN()
	case traffic.FoldLast:
		return float64(h.observations[len(h.observations)-1].Measures[f.Measure])
	case traffic.FoldPerObject:
		return h.sum(f.Measure, f.Window) / h.distinct(f.Object, f.Window)
	case traffic.FoldUsual:
		if d == traffic.DimNet || d == traffic.DimNet64 {
			return h.usual(f, traffic.ObjectAddresses)
		}
		return h.usual(f, traffic.ObjectNetworks)
	case traffic.FoldAcceleration:
		return h.sum(f.Measure, f.Window) / seconds / (h.sum(f.Measure, 10*f.Window) / (10 * seconds))
	case traffic.FoldDistinct:
		return h.distinct(f.Object, f.Window)
	case traffic.FoldStreak:
		return float64(h.streak(f.Measure))
	case traffic.FoldSince:
		return float64(h.since(f.Measure, f.Per))
	case traffic.FoldSeen:
		return float64(min(1, h.since(f.Measure, traffic.NumMeasures)))
	case traffic.FoldAge:
		return float64(h.last()-h.observations[0].Time) / 1e9
	case traffic.FoldPathEntropy:
		var counts []float64
		for m := traffic.MeasurePages; m <= traffic.MeasureNoHTTP; m++ {
			counts = append(counts, h.sum(m, f.Window))
		}
		return shannon(counts)
	case traffic.FoldAgent:
		return float64(traffic.ParseAgent(h.observations[0].Agent)[f.Fact])
	}
	return h.gaps[f.Measure].value(f)
}

// peak is the largest that the sum was at any of the observations, faded since.
func (h *history) peak(f traffic.Fold) (peak float64) {
	sum, before := 0.0, h.observations[0].Time
	for _, o := range h.observations {
		sum = sum*math.Exp(-float64(o.Time-before)/float64(f.Window)) + float64(o.Measures[f.Measure])
		peak = max(peak*math.Exp(-float64(o.Time-before)/float64(f.Memory)), sum)
		before = o.Time
	}
	return peak
}

// usual is the weighted mean of the minutes' shares; of each client 15 events of a minute count.
func (h *history) usual(f traffic.Fold, clients traffic.Object) float64 {
	key := usualKey{f.Measure, f.Per, f.Window, clients}
	u := h.usuals[key]
	if u == nil {
		if h.usuals == nil {
			h.usuals = make(map[usualKey]*usualHistory)
		}
		u = &usualHistory{}
		h.usuals[key] = u
	}
	for ; u.seen < len(h.observations); u.seen++ {
		u.add(&h.observations[u.seen], key)
	}
	if u.weights < 2 {
		return math.NaN()
	}
	return u.shares / u.weights
}

type usualKey struct {
	measure, per traffic.Measure
	window       time.Duration
	clients      traffic.Object
}

// usualHistory is what the observations seen so far come to, as of the minute of the last.
type usualHistory struct {
	seen            int
	minute          int64
	sum, n          float64
	counts          map[uint64]int
	shares, weights float64
}

func (u *usualHistory) add(o *traffic.Observation, key usualKey) {
	if minute := o.Time / 60e9; minute != u.minute {
		if u.n > 0 {
			weight := u.n / (u.n + 8)
			u.shares, u.weights = u.shares+weight*u.sum/u.n, u.weights+weight
		}
		fade := math.Exp(-float64(minute-u.minute) / key.window.Minutes())
		u.shares, u.weights = u.shares*fade, u.weights*fade
		u.minute, u.sum, u.n, u.counts = minute, 0, 0, make(map[uint64]int)
	}
	client := window.ClientIndex(o.Objects[key.clients])
	if u.counts[client]++; u.counts[client] <= 15 {
		u.sum, u.n = u.sum+float64(o.Measures[key.measure]), u.n+float64(o.Measures[key.per])
	}
}

func (h *history) sum(m traffic.Measure, window time.Duration) (sum float64) {
	for _, o := range h.observations {
		sum += float64(o.Measures[m]) * math.Exp(-float64(h.last()-o.Time)/float64(window))
	}
	return sum
}

// distinct counts what was seen in the pane of the last observation and in the previous one; a pane
// is half a window. Where nothing ever was seen it is NaN.
func (h *history) distinct(object traffic.Object, window time.Duration) float64 {
	pane, ever := int64(window/2), false
	seen := make(map[uint64]bool)
	for _, o := range h.observations {
		ever = ever || o.Objects[object] != 0
		if o.Objects[object] != 0 && o.Time/pane >= h.last()/pane-1 {
			seen[o.Objects[object]] = true
		}
	}
	if !ever {
		return math.NaN()
	}
	return float64(len(seen))
}

// shortest is the shortest gap that ended in the pane of the last gap or in the previous one.
func (h *gapHistory) shortest(window time.Duration) float64 {
	pane, shortest := int64(window/2), int64(math.MaxInt64)
	for i, end := range h.ends {
		if end/pane >= h.last/pane-1 {
			shortest = min(shortest, h.gaps[i])
		}
	}
	return float64(shortest) / 1e9
}

func (h *history) streak(m traffic.Measure) (n int) {
	for _, o := range slices.Backward(h.observations) {
		if o.Measures[m] == 0 {
			break
		}
		n++
	}
	return n
}

// since counts back to the last observation with per; NumMeasures stands for none.
func (h *history) since(m, per traffic.Measure) (n int) {
	for _, o := range slices.Backward(h.observations) {
		if per < traffic.NumMeasures && o.Measures[per] > 0 {
			break
		}
		if o.Measures[m] > 0 {
			n++
		}
	}
	return n
}

// value weighs the gaps: the i-th of them had the weight 1/min(i, 64) when it came, and every later
// one took its share of that.
func (h *gapHistory) value(f traffic.Fold) float64 {
	if len(h.gaps) == 0 {
		return math.NaN()
	}
	weights := make([]float64, len(h.gaps))
	rest := 1.0
	for i := len(h.gaps) - 1; i >= 0; i-- {
		weights[i] = rest / float64(min(i+1, 64))
		rest -= weights[i]
	}
	mean, logs, variance := 0.0, 0.0, 0.0
	for i, gap := range h.gaps {
		mean += weights[i] * float64(gap) / 1e9
		logs += weights[i] * math.Log2(1+float64(gap)/1e6)
	}
	for i, gap := range h.gaps {
		variance += weights[i] * (float64(gap)/1e9 - mean) * (float64(gap)/1e9 - mean)
	}
	switch f.Kind {
	case traffic.FoldGapMean:
		return logs
	case traffic.FoldGapMin:
		return h.shortest(f.Window)
	case traffic.FoldGapVariation:
		if mean == 0 {
			return 0
		}
		return math.Sqrt(variance) / mean
	}
	return shannonInts(h.buckets[:])
}

func shannonInts(ints []int) float64 {
	counts := make([]float64, len(ints))
	for i, n := range ints {
		counts[i] = float64(n)
	}
	return shannon(counts)
}

func shannon(counts []float64) (bits float64) {
	total := 0.0
	for _, n := range counts {
		total += n
	}
	for _, n := range counts {
		if n > 0 {
			bits -= n / total * math.Log2(n/total)
		}
	}
	return bits
}

// comparison collects how far an Aggregator is from the naive model.
type comparison struct {
	values    int
	faint     int       // shares of what is all but forgotten
	few       int       // distinct counts of at most 15
	collided  int       // of those that were not exact
	estimates []float64 // relative errors of the others
}

// compare checks all rows of all keys. Sums are float32 and rounded at every event, which the
// tolerance allows for; distinct counts up to 15 are exact but for two hashes that share 16 bits,
// which costs one.
func (c *comparison) compare(t *testing.T, a *window.Aggregator, n *naive) {
	t.Helper()
	for d := range traffic.NumDimensions {
		var features []traffic.Feature
		for _, f := range n.features {
			if f.Dimension == d {
				features = append(features, f)
			}
		}
		row := make([]float32, len(features))
		for key, h := range n.keys[d] {
			last, ok := a.Row(d, key, row)
			if len(features) == 0 {
				continue
			}
			if !ok || last != h.stamp() {
				t.Fatalf("%v %#x: last event at %d (%v), want %d", d, key, last, ok, h.stamp())
			}
			for i, f := range features {
				c.check(t, f, h, float64(row[i]))
			}
		}
	}
}

func (c *comparison) check(t *testing.T, f traffic.Feature, h *history, got float64) {
	t.Helper()
	c.values++
	want := h.value(f.Fold, f.Dimension)
	if (f.Fold.Kind == traffic.FoldShare || f.Fold.Kind == traffic.FoldExcess) && h.sum(f.Fold.Per, f.Fold.Window) < 1e-20 {
		c.faint++ // more than 46 windows ago: the sums are forgotten one by one
		if f.Unit == "share" && (got < 0 && f.Fold.Kind == traffic.FoldShare || got < -1 || got > 1) {
			t.Errorf("%s: %v is no share", f.FullName(), got)
		}
		return
	}
	if f.Fold.Kind == traffic.FoldDistinct {
		c.distinct(t, f, got, want)
		return
	}
	tolerance := 2e-5*math.Abs(want) + 1e-20
	switch f.Fold.Kind {
	case traffic.FoldPerObject:
		if n := h.distinct(f.Fold.Object, f.Fold.Window); n > 15 {
			tolerance = 0.6 * want // an estimate
		} else if n > 1 {
			tolerance = 1.01 * want / (n - 1) // two may have collided
		}
	case traffic.FoldExcess:
		tolerance += 1e-4 // a difference
	case traffic.FoldShare:
		tolerance += 1e-9 // a sum below 1e-30 is forgotten
	case traffic.FoldGapMean, traffic.FoldGapVariation, traffic.FoldGapEntropy, traffic.FoldPathEntropy, traffic.FoldHourEntropy:
		tolerance += 1e-3 // differences of larger numbers
	case traffic.FoldStreak, traffic.FoldSince, traffic.FoldSeen:
		tolerance = 0
	}
	if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > tolerance {
		t.Errorf("%s after %d events: %v, want %v", f.FullName(), len(h.observations), got, want)
	}
}

func (c *comparison) distinct(t *testing.T, f traffic.Feature, got, want float64) {
	t.Helper()
	if math.IsNaN(want) || math.IsNaN(got) {
		if !math.IsNaN(want) || !math.IsNaN(got) {
			t.Errorf("%s: %v, want %v", f.FullName(), got, want)
		}
		return
	}
	if want > 15 {
		c.estimates = append(c.estimates, got/want-1)
		return
	}
	c.few++
	if got != want {
		c.collided++
	}
	if want-got > 1 || got > want {
		t.Errorf("%s: %v, want %v", f.FullName(), got, want)
	}
}

// judge checks the distinct counts as a whole: two of 15 hashes share 16 bits in one of 600 rows,
// and a HyperLogLog of 64 registers has a standard error of 13 %.
func (c *comparison) judge(t *testing.T) {
	t.Helper()
	bias, square := 0.0, 0.0
	for _, e := range c.estimates {
		bias += e / float64(len(c.estimates))
		square += e * e / float64(len(c.estimates))
	}
	t.Logf("%d values, of which %d faint; %d of %d small distinct counts collided; %d estimates with bias %.3f, standard error %.3f",
		c.values, c.faint, c.collided, c.few, len(c.estimates), bias, math.Sqrt(square))
	if c.few == 0 || c.collided > 1+c.few/100 {
		t.Errorf("%d of %d small distinct counts are not exact", c.collided, c.few)
	}
	if len(c.estimates) >= 20 && (math.Abs(bias) > 0.1 || math.Sqrt(square) > 0.2) {
		t.Errorf("the estimates have bias %v, standard error %v", bias, math.Sqrt(square))
	}
}
