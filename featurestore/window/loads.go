package window

import (
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/prefetch"
)

// loads keeps what an event is measured by of its host: the host's decayed requests and seconds, of
// which each event is a part, and what is usual of its clients. It belongs to the caller's
// goroutine, which fills the measures in before an observation is folded anywhere, so that they do
// not depend on who folds what when.
type loads struct {
	shard shard
	sums  [len(loadParts)]loadSum
	usual [len(traffic.UsualShares)]int // words

	// Of a clock that has the windows of these sums and no more: every event sets it.
	effect, late effect
}

// loadSum is where a host's sum is.
type loadSum struct{ at, clock int }

// loadKeys bounds the hosts whose load is known. While they are more than half, a new one has to be
// asked for as often as a new key of any dimension; until then its requests are all of it.
const loadKeys = 1 << 16

// hostless is the key of the requests that are for no host, or for one that nobody tells, such as
// those of a log: it has no load, but what is usual.
const hostless = 1

// newLoads returns nil where no feature needs it.
func newLoads(config *Config) (*loads, error) {
	filled := []traffic.Measure{traffic.MeasureHostPart, traffic.MeasureOriginPart}
	for _, u := range traffic.UsualShares {
		filled = append(filled, u.Usual)
	}
	if !config.needs(filled...) {
		return nil, nil
	}
	c := new(clock)
	p, err := newPlan(loadFeatures(), c)
	if err != nil {
		return nil, err
	}
	l := &loads{shard: newShard(p, min(config.MaxKeys, loadKeys), uint8(config.Promote)),
		effect: c.effect(), late: c.effect()}
	for i := range l.sums {
		l.sums[i] = loadSum{p.columns[i].a, p.windows[p.columns[i].of].clock}
	}
	for i := range l.usual {
		l.usual[i] = p.columns[len(l.sums)+i].a
	}
	return l, nil
}

func loadFeatures() (features []traffic.Feature) {
	for _, part := range loadParts {
		features = append(features, traffic.Feature{Dimension: traffic.DimHost,
			Name: part.part.String(),
			Fold: traffic.Fold{Kind: traffic.FoldSum, Window: part.window, Measure: part.of}})
	}
	for _, u := range traffic.UsualShares {
		features = append(features, traffic.Feature{Dimension: traffic.DimHost,
			Name: u.Usual.String(),
			Fold: traffic.Fold{Kind: traffic.FoldUsual, Window: traffic.UsualWindow,
				Measure: u.Measure, Per: u.Per}})
	}
	return features
}

// loadParts are the measures that are parts of a host's sum of another.
var loadParts = [...]struct {
	part, of traffic.Measure
	window   time.Duration
}{
	{traffic.MeasureHostPart, traffic.MeasureRequests, traffic.HostWindow},
	{traffic.MeasureOriginPart, traffic.MeasureOriginSeconds, traffic.HostWindow},
}

// prefetch asks for the cell of the host of o.
func (l *loads) prefetch(o *traffic.Observation) {
	if place := l.shard.index.first(uint32(mix(hostKey(o)))); place != none {
		prefetch.Words(l.shard.cell(place))
	}
}

// hostKey is the key of the host of o among the loads.
func hostKey(o *traffic.Observation) uint64 {
	if key := o.Keys[traffic.DimHost]; key != 0 {
		return key
	}
	return hostless
}

// fill counts o for its host and sets what it is measured by.
func (l *loads) fill(o *traffic.Observation) {
	if o.Report {
		return
	}
	key := hostKey(o)
	l.effect.set(o, o.Time)
	place := l.shard.add(key, mix(key), none, &l.effect, &l.late)
	l.fillUsual(o, place)
	var cell []uint32
	e := &l.effect
	if place != none {
		if cell = l.shard.cell(place); e.now != cellLast(cell) {
			e = &l.late // to which add has set it
		}
	}
	for i, p := range loadParts {
		own := o.Measures[p.of]
		all := own
		if place != none {
			all = decayed(cell[l.sums[i].at], e.growth[l.sums[i].clock])
		}
		if o.Measures[p.part] = part(own, all); key == hostless {
			o.Measures[p.part] = 0
		}
	}
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
