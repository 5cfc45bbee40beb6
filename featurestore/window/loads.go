package window

import (
	"github.com/headgate/headgate/featurestore/traffic"
)

// loads keeps what the parts of a host's load are taken of: its decayed requests and seconds. It belongs to the
// caller's goroutine, which fills the parts in before an observation is folded anywhere, so that they do not depend on
// who folds what when.
type loads struct {
	shard             shard
	requests, seconds int // words

	// Of a clock that has the one window of these sums and no more: every event sets it.
	effect, late effect
}

// loadKeys bounds the hosts whose load is known. While they are more than half, a new one has to be asked for as often
// as a new key of any dimension; until then its requests are all of it.
const loadKeys = 1 << 16

// newLoads gives nil where no feature needs it.
func newLoads(config *Config) (*loads, error) {
	needed := false
	for _, f := range config.Features {
		for _, m := range []traffic.Measure{f.Fold.Measure, f.Fold.Per} {
			needed = needed || m == traffic.HostPart || m == traffic.UpstreamPart
		}
	}
	if !needed {
		return nil, nil
	}
	c := new(clock)
	p, err := newPlan([]traffic.Feature{
		{Dimension: traffic.Host, Name: "requests", Fold: traffic.Fold{Kind: traffic.Sum, Window: traffic.HostWindow, Measure: traffic.Requests}},
		{Dimension: traffic.Host, Name: "seconds", Fold: traffic.Fold{Kind: traffic.Sum, Window: traffic.HostWindow, Measure: traffic.OriginSeconds}},
	}, c)
	if err != nil {
		return nil, err
	}
	return &loads{
		shard:    newShard(p, min(config.MaxKeys, loadKeys), uint8(config.Promote)),
		requests: p.columns[0].a, seconds: p.columns[1].a,
		effect: c.effect(), late: c.effect(),
	}, nil
}

// fill counts o for its host and sets its parts. A request for no host has none.
func (l *loads) fill(o *traffic.Observation) {
	key := o.Keys[traffic.Host]
	if key == 0 || o.Report {
		return
	}
	l.effect.set(o, o.Time)
	place := l.shard.add(key, mix(key), none, &l.effect, &l.late)
	if place == none {
		o.Measures[traffic.HostPart] = part(o.Measures[traffic.Requests], o.Measures[traffic.Requests])
		o.Measures[traffic.UpstreamPart] = part(o.Measures[traffic.OriginSeconds], o.Measures[traffic.OriginSeconds])
		return
	}
	cell := l.shard.cell(place)
	e := &l.effect
	if e.now != lastOf(cell) {
		e = &l.late // to which add has set it
	}
	growth := e.growth[0]
	o.Measures[traffic.HostPart] = part(o.Measures[traffic.Requests], decayed(cell[l.requests], growth))
	o.Measures[traffic.UpstreamPart] = part(o.Measures[traffic.OriginSeconds], decayed(cell[l.seconds], growth))
}

func part(own, all float32) float32 {
	if all <= 0 {
		return 0
	}
	return own / all
}
