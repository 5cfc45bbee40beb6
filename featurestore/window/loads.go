package window

import (
	"github.com/headgate/headgate/featurestore/traffic"
)

// loads keeps what an event is measured by of its host: the host's decayed requests and seconds, of which each event is a
// part, and what is usual of its clients. It belongs to the caller's goroutine, which fills the measures in before an
// observation is folded anywhere, so that they do not depend on who folds what when.
type loads struct {
	shard             shard
	requests, seconds int // words
	usual             [len(traffic.UsualShares)]int

	// Of a clock that has the windows of these sums and no more: every event sets it.
	effect, late effect
}

// loadKeys bounds the hosts whose load is known. While they are more than half, a new one has to be asked for as often
// as a new key of any dimension; until then its requests are all of it.
const loadKeys = 1 << 16

// hostless is the key of the requests that are for no host, or for one that nobody tells, such as those of a log: it has no
// load, but what is usual.
const hostless = 1

// newLoads gives nil where no feature needs it.
func newLoads(config *Config) (*loads, error) {
	if !needsLoads(config) {
		return nil, nil
	}
	features := []traffic.Feature{
		{Dimension: traffic.Host, Name: "requests", Fold: traffic.Fold{Kind: traffic.Sum, Window: traffic.HostWindow, Measure: traffic.Requests}},
		{Dimension: traffic.Host, Name: "seconds", Fold: traffic.Fold{Kind: traffic.Sum, Window: traffic.HostWindow, Measure: traffic.OriginSeconds}},
	}
	for _, u := range traffic.UsualShares {
		features = append(features, traffic.Feature{Dimension: traffic.Host, Name: u.Usual.String(),
			Fold: traffic.Fold{Kind: traffic.Usual, Window: traffic.UsualWindow, Measure: u.Measure, Per: u.Per}})
	}
	c := new(clock)
	p, err := newPlan(features, c)
	if err != nil {
		return nil, err
	}
	l := &loads{
		shard:    newShard(p, min(config.MaxKeys, loadKeys), uint8(config.Promote)),
		requests: p.columns[0].a, seconds: p.columns[1].a,
		effect: c.effect(), late: c.effect(),
	}
	for i := range l.usual {
		l.usual[i] = p.columns[2+i].a
	}
	return l, nil
}

// needsLoads reports whether a feature is made of what loads fill in.
func needsLoads(config *Config) bool {
	filled := [traffic.NumMeasures]bool{traffic.HostPart: true, traffic.UpstreamPart: true}
	for _, u := range traffic.UsualShares {
		filled[u.Usual] = true
	}
	for _, f := range config.Features {
		for _, m := range []traffic.Measure{f.Fold.Measure, f.Fold.Per, f.Fold.Usual} {
			if m < traffic.NumMeasures && filled[m] {
				return true
			}
		}
	}
	return false
}

// fill counts o for its host and sets what it is measured by.
func (l *loads) fill(o *traffic.Observation) {
	if o.Report {
		return
	}
	key := o.Keys[traffic.Host]
	if key == 0 {
		key = hostless
	}
	l.effect.set(o, o.Time)
	place := l.shard.add(key, mix(key), none, &l.effect, &l.late)
	l.fillUsual(o, place)
	if key == hostless {
		return
	}
	m := &o.Measures
	if place == none {
		m[traffic.HostPart] = part(m[traffic.Requests], m[traffic.Requests])
		m[traffic.UpstreamPart] = part(m[traffic.OriginSeconds], m[traffic.OriginSeconds])
		return
	}
	cell := l.shard.cell(place)
	e := &l.effect
	if e.now != lastOf(cell) {
		e = &l.late // to which add has set it
	}
	growth := e.growth[0]
	m[traffic.HostPart] = part(m[traffic.Requests], decayed(cell[l.requests], growth))
	m[traffic.UpstreamPart] = part(m[traffic.OriginSeconds], decayed(cell[l.seconds], growth))
}

// fillUsual sets what is usual of the host at a place, none where it has none.
func (l *loads) fillUsual(o *traffic.Observation, place uint32) {
	for i, u := range traffic.UsualShares {
		share := nan
		if place != none {
			share = usual(l.shard.cell(place), l.usual[i])
		}
		if share != share {
			o.Measures[u.Usual] = o.Measures[u.Measure]
		} else {
			o.Measures[u.Usual] = share * o.Measures[u.Per]
		}
	}
}

func part(own, all float32) float32 {
	if all <= 0 {
		return 0
	}
	return own / all
}
