package pipeline

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/scorer"
)

// Config configures a Pipeline. Model is needed; the rest has defaults.
type Config struct {
	Model    *scorer.Model
	Window   window.Config
	Interval time.Duration    // between two publications; default 1 s, the longest of a daemon by default
	Rules    heuristics.Rules // default: all

	// Features are the full names of the features that rows hold; one that nobody computes is an error. Default: all,
	// single-request features first, each in the catalog's order.
	Features []string
}

// Row is what a Pipeline makes of one request. Its slices are reused for the next one.
type Row struct {
	Score    uint8 // 1 = certainly a bot .. 99 = certainly human
	Finding  heuristics.Finding
	Features []float32 // in the order of Pipeline.Features
}

// Pipeline scores requests in virtual time. It is for one goroutine.
type Pipeline struct {
	aggregator *window.Aggregator
	pending    pending
	interval   int64
	published  int64 // time of the last publication
	early      int   // requests that counted before that was published
	ticked     int64 // the latest time that the aggregation was told

	names     []string // of a row's features
	vector    *traffic.Vector
	selection *window.Selection // of the vector's features, then more for the heuristics
	history   heuristics.Places // of the heuristics' in the selection
	rules     heuristics.Rules
	notTold   []notTold
	inter     []float32
	values    []float32 // a row's features, then the model's inputs that are not among them

	model  *scorer.Model
	places []int // of the model's inputs in values
	inputs []float32
	row    *scorer.Row
	out    Row
}

// notTold is a feature of the selection that any of these facts makes unknown.
type notTold struct {
	at    int
	facts traffic.Facts
}

// hashSeed seeds the keys. Offline, where nobody chooses keys to collide, it is a constant.
const hashSeed = 1

// New makes a Pipeline with nothing in it.
func New(config Config) (*Pipeline, error) {
	if _, ok := config.Model.PositiveClass(); !ok {
		return nil, fmt.Errorf("pipeline: the model (objective %.100q, %d outputs) gives no probability of a class, so that there is no score",
			config.Model.Objective(), config.Model.Outputs())
	}
	if err := config.Model.TakesNumbers(); err != nil {
		return nil, fmt.Errorf("pipeline: the model cannot score rows of numbers: %w", err)
	}
	aggregator, err := window.New(config.Window)
	if err != nil {
		return nil, err
	}
	if config.Interval <= 0 {
		config.Interval = time.Second
	}
	if config.Features == nil {
		config.Features = AllFeatures()
	}
	p := &Pipeline{
		aggregator: aggregator,
		interval:   int64(config.Interval),
		names:      config.Features,
		model:      config.Model,
		row:        config.Model.NewRow(),
		rules:      config.Rules,
	}
	features := config.Window.Features
	if features == nil {
		features = traffic.Catalog()
	}
	p.resolve(features)
	for _, name := range p.Unknown() {
		if slices.Contains(p.names, name) {
			return nil, fmt.Errorf("pipeline: there is no feature named %s", name)
		}
	}
	return p, nil
}

// resolve finds out how each feature is computed, once for those that both the rows and the model want.
func (p *Pipeline) resolve(features []traffic.Feature) {
	all := slices.Clone(p.names)
	for _, f := range p.model.Features() {
		place := slices.Index(all, f.Name)
		if place < 0 {
			place = len(all)
			all = append(all, f.Name)
		}
		p.places = append(p.places, place)
	}
	p.vector = traffic.NewVector(all)
	wanted, history := heuristics.Wanted(p.vector.Inter())
	p.history = history
	p.selection = p.aggregator.Select(wanted)
	p.inter = make([]float32, len(wanted))
	for _, f := range features {
		if at := slices.Index(wanted, f.FullName()); at >= 0 && f.NotTold() != 0 {
			p.notTold = append(p.notTold, notTold{at, f.NotTold()})
		}
	}
	p.values = make([]float32, len(all))
	p.inputs = make([]float32, len(p.places))
	p.out.Features = p.values[:len(p.names)]
}

// AllFeatures returns the full names of all features that there are.
func AllFeatures() []string {
	var names []string
	for _, f := range traffic.RequestCatalog {
		names = append(names, f.FullName())
	}
	for _, f := range traffic.Catalog() {
		names = append(names, f.FullName())
	}
	return names
}

// Features returns the names of a row's features.
func (p *Pipeline) Features() []string { return p.names }

// Unknown returns the features that the model wants and nobody computes: they are NaN in every row.
func (p *Pipeline) Unknown() []string {
	return slices.Concat(p.vector.Unknown(), slices.DeleteFunc(slices.Clone(p.selection.Unknown()), func(name string) bool {
		return !slices.Contains(p.vector.Inter(), name)
	}))
}

// Stats returns the aggregation's counts.
func (p *Pipeline) Stats() window.Stats { return p.aggregator.Stats() }

// Score makes the row of the next request, then lets the request count for those after it, once it has ended and a
// publication has come round. Requests are to come in the order of their times; one that is earlier than its
// predecessor sees the features of its predecessor's instant. The row stays valid until the next call.
func (p *Pipeline) Score(ev *traffic.Event) *Row { return p.score(ev, endOf(ev)) }

// score is Score of a request that is known from a time on.
func (p *Pipeline) score(ev *traffic.Event, ends int64) *Row {
	p.publish(ev.Time)
	keys := traffic.KeysOf(ev, hashSeed)
	p.selection.Read(p.inter, &keys, max(ev.Time, p.published))
	p.forget(ev.Facts)
	history := p.history.History(p.inter)
	p.out.Finding = p.rules.WithHistory(p.rules.Request(ev), ev, &history)
	p.vector.Fill(p.values, ev, p.inter)
	for i, place := range p.places {
		p.inputs[i] = p.values[place]
	}
	raw, _ := p.model.Raw(p.row, p.inputs) // resolve made room for one input for each feature: there is no error
	p.out.Score = p.out.Finding.Bound(uint8(scorer.Score(p.model.Probability(raw))))
	ev.Score = p.out.Score
	p.pending.push(ev, ends)
	if p.pending.full() {
		p.early++
		p.aggregator.Add(p.pending.pop())
	}
	return &p.out
}

// forget makes the features unknown that events with these facts do not tell. They are those of the
// source: what one log line does not tell none of them does.
func (p *Pipeline) forget(facts traffic.Facts) {
	for _, n := range p.notTold {
		if n.facts&facts != 0 {
			p.inter[n.at] = float32(math.NaN())
		}
	}
}

// publish brings the aggregation to the last publication at or before now: what had ended by then counts, and what was
// open at each full second, and idle keys are dropped as the publications up to then have dropped them.
func (p *Pipeline) publish(now int64) {
	at := now - now%p.interval
	if at <= p.published {
		p.settle(p.published) // what came late has ended long ago
		return
	}
	const second = int64(traffic.OpenAfter) // as often as proxies report
	last := min(at, p.pending.opened)       // later there is nothing to report, be it years
	for next := p.published - p.published%second + second; next <= last && len(p.pending.items) > 0; next += second {
		p.settle(next)
		p.tick(next - second)
		p.pending.report(next, p.aggregator.Add)
	}
	p.published = at
	p.settle(at)
	p.tick(at)
}

// settle folds what had ended by a time.
func (p *Pipeline) settle(at int64) {
	for p.pending.endedBefore(at) {
		ends := p.pending.ends()
		p.tick(ends - ends%p.interval)
		p.aggregator.Add(p.pending.pop())
	}
}

// tick tells the aggregation the time, which does not go back with a log that does.
func (p *Pipeline) tick(now int64) {
	p.ticked = max(p.ticked, now)
	p.aggregator.Tick(p.ticked)
}
