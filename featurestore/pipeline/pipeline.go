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

// Config configures a Pipeline. Model is required; the rest has defaults.
type Config struct {
	Model    *scorer.Model
	Window   window.Config
	Interval time.Duration    // between publications; default 1 s
	Rules    heuristics.Rules // default: all

	// Features lists the full names of the features in a row; an unknown name is an error. Default:
	// all, single-request features first, each in the catalog's order.
	Features []string
}

// Row is the result for one request. Its slices are reused for the next one.
type Row struct {
	Score    uint8 // 1 = certainly a bot .. 99 = certainly human
	Finding  heuristics.Finding
	Features []float32 // in the order of Pipeline.Features
}

// Pipeline scores requests in virtual time. It is for one goroutine.
type Pipeline struct {
	aggregator      *window.Aggregator
	pending         pending
	interval        int64
	lastPublication int64 // time of the last publication
	earlyCount      int   // requests that counted before the publication after their end
	lastTick        int64 // the latest time passed to the aggregation

	names     []string // of a row's features
	vector    *traffic.Vector
	selection *window.Selection    // the vector's features, then more for the heuristics
	history   heuristics.Positions // indices of the heuristics' features in the selection
	rules     heuristics.Rules
	masked    []maskedFeature
	inter     []float32
	values    []float32 // a row's features, then the other inputs of the model

	model      *scorer.Model
	inputIndex []int // indices of the model's inputs in values
	inputs     []float32
	scratch    *scorer.Scratch
	out        Row
}

// maskedFeature is a feature of the selection that any of these facts makes unknown.
type maskedFeature struct {
	at    int
	facts traffic.Facts
}

// hashSeed seeds the keys. It is constant, since offline no client can exploit collisions.
const hashSeed = 1

// New returns an empty Pipeline.
func New(config Config) (*Pipeline, error) {
	if _, ok := config.Model.PositiveClass(); !ok {
		return nil, fmt.Errorf("pipeline: the model (objective %.100q, %d outputs) has no class probability to score with",
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
		scratch:    config.Model.NewScratch(),
		rules:      config.Rules,
	}
	features := config.Window.Features
	if features == nil {
		features = traffic.Catalog()
	}
	p.resolve(features)
	for _, name := range p.Unknown() {
		if slices.Contains(p.names, name) {
			return nil, fmt.Errorf("pipeline: unknown feature %s", name)
		}
	}
	return p, nil
}

// resolve finds out how each feature is computed, once for those that both the rows and the model
// use.
func (p *Pipeline) resolve(features []traffic.Feature) {
	all := slices.Clone(p.names)
	for _, f := range p.model.Features() {
		at := slices.Index(all, f.Name)
		if at < 0 {
			at = len(all)
			all = append(all, f.Name)
		}
		p.inputIndex = append(p.inputIndex, at)
	}
	p.vector = traffic.NewVector(all)
	wanted, history := heuristics.AppendFeatures(p.vector.Inter())
	p.history = history
	p.selection = p.aggregator.Select(wanted)
	p.inter = make([]float32, len(wanted))
	for _, f := range features {
		if at := slices.Index(wanted, f.FullName()); at >= 0 && f.UnknownIf() != 0 {
			p.masked = append(p.masked, maskedFeature{at, f.UnknownIf()})
		}
	}
	p.values = make([]float32, len(all))
	p.inputs = make([]float32, len(p.inputIndex))
	p.out.Features = p.values[:len(p.names)]
}

// AllFeatures returns the full names of all features.
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

// Unknown returns the features that the model uses and nothing computes: they are NaN in every row.
func (p *Pipeline) Unknown() []string {
	return slices.Concat(p.vector.Unknown(), slices.DeleteFunc(slices.Clone(p.selection.Unknown()), func(name string) bool {
		return !slices.Contains(p.vector.Inter(), name)
	}))
}

// Stats returns the aggregation's counts.
func (p *Pipeline) Stats() window.Stats { return p.aggregator.Stats() }

// Score returns the row of the next request. The request counts for later ones once it has ended
// and a publication has followed. Pass requests in the order of their times; an earlier one sees
// the features of its predecessor's instant. The row is valid until the next call.
func (p *Pipeline) Score(ev *traffic.Event) *Row { return p.score(ev, endTime(ev)) }

// score is Score for a request that is known from the time ends on.
func (p *Pipeline) score(ev *traffic.Event, ends int64) *Row {
	p.publish(ev.Time)
	keys := traffic.NewKeys(ev, hashSeed)
	p.selection.Read(p.inter, &keys, max(ev.Time, p.lastPublication))
	p.maskUnknown(ev.Facts)
	history := p.history.History(p.inter)
	p.out.Finding = p.rules.WithHistory(p.rules.Request(ev), ev, &history)
	p.vector.Fill(p.values, ev, p.inter)
	for i, at := range p.inputIndex {
		p.inputs[i] = p.values[at]
	}
	raw, _ := p.model.Raw(p.scratch, p.inputs) // no error: resolve made one input for each feature
	p.out.Score = p.out.Finding.Bound(uint8(scorer.Score(p.model.Probability(raw))))
	ev.Score = p.out.Score
	p.pending.push(ev, ends)
	if p.pending.full() {
		p.earlyCount++
		p.aggregator.Add(p.pending.pop())
	}
	return &p.out
}

// maskUnknown sets the features to NaN that events with these facts do not contain. The facts are
// those of the source: what is missing in one log line is missing in all.
func (p *Pipeline) maskUnknown(facts traffic.Facts) {
	for _, n := range p.masked {
		if n.facts&facts != 0 {
			p.inter[n.at] = float32(math.NaN())
		}
	}
}

// publish advances the aggregation to the last publication at or before now: it adds the requests
// that had ended by then and the reports of each full second, and drops idle keys when the
// publications up to then would have.
func (p *Pipeline) publish(now int64) {
	at := now - now%p.interval
	if at <= p.lastPublication {
		p.addEnded(p.lastPublication) // late requests have ended long ago
		return
	}
	const second = int64(traffic.OpenAfter) // the interval of proxies' reports
	last := min(at, p.pending.openUntil)    // nothing is open later, even if years follow
	for next := p.lastPublication - p.lastPublication%second + second; next <= last && len(p.pending.items) > 0; next += second {
		p.addEnded(next)
		p.tick(next - second)
		p.pending.report(next, p.aggregator.Add)
	}
	p.lastPublication = at
	p.addEnded(at)
	p.tick(at)
}

// addEnded adds the requests that had ended by a time.
func (p *Pipeline) addEnded(at int64) {
	for p.pending.endedBefore(at) {
		ends := p.pending.end()
		p.tick(ends - ends%p.interval)
		p.aggregator.Add(p.pending.pop())
	}
}

// tick passes the time to the aggregation. Time never goes back, even in a log that does.
func (p *Pipeline) tick(now int64) {
	p.lastTick = max(p.lastTick, now)
	p.aggregator.Tick(p.lastTick)
}
