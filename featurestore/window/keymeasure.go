package window

import (
	"math"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
)

// keyMeasure is a measure that depends on what its key did before. A cell has its state beside the
// sums of the measure.
type keyMeasure struct {
	measure traffic.Measure
	at      int // first word of its state
	sums    []keyMeasureSum
}

// keyMeasureSum is a sum of such a measure.
type keyMeasureSum struct{ at, clock int }

// trailWords hold the last sixteen different pages, 16 bits each, the newest in the low half of the
// first word; 0: none.
const trailWords = 8

// repeatWords hold the last two different paths of POSTs, 32 bits of a hash each, the newest first;
// 0: none.
const repeatWords = 2

func (k *keyMeasure) words() int {
	if k.measure == traffic.MeasureLinksFollowed {
		return trailWords
	}
	return repeatWords
}

// layOutKeyMeasures assigns words to the state of the measures of a key.
func (p *plan) layOutKeyMeasures() {
	for i := range p.sums {
		s := &p.sums[i]
		if !s.measure.IsOfKey() || s.peak > 0 {
			continue
		}
		at := slices.IndexFunc(p.keyMeasures, func(k keyMeasure) bool { return k.measure == s.measure })
		if at < 0 {
			at = len(p.keyMeasures)
			p.keyMeasures = append(p.keyMeasures, keyMeasure{measure: s.measure})
			p.keyMeasures[at].at = p.take(p.keyMeasures[at].words())
		}
		p.keyMeasures[at].sums = append(p.keyMeasures[at].sums,
			keyMeasureSum{s.at, p.windows[s.of].clock})
	}
}

// fold counts an event where it has the measure.
func (k *keyMeasure) fold(cell []uint32, e *effect) {
	if !k.observe(cell[k.at:], e) {
		return
	}
	for _, s := range k.sums {
		cell[s.at] = math.Float32bits(float(cell[s.at]) + e.growth[s.clock])
	}
}

// observe reports whether an event has the measure, and remembers the event.
func (k *keyMeasure) observe(words []uint32, e *effect) bool {
	if k.measure == traffic.MeasureLinksFollowed {
		return (*trail)(words).follow(e.observation)
	}
	path := e.objects[traffic.ObjectPaths]
	if path == 0 || e.observation.Measures[traffic.MeasurePosts] <= 0 {
		return false
	}
	return (*repeat)(words).post(max(1, uint32(path>>32)))
}

type repeat [repeatWords]uint32

func (r *repeat) post(path uint32) (again bool) {
	if path == r[0] {
		return true
	}
	again = path == r[1]
	r[0], r[1] = path, r[0]
	return again
}

type trail [trailWords]uint32

// follow reports whether o came from a page of the trail, to which it adds o's own.
func (t *trail) follow(o *traffic.Observation) (followed bool) {
	followed = o.Link != 0 && t.holds(o.Link)
	if o.Page != 0 && !t.holds(o.Page) {
		for i := trailWords - 1; i > 0; i-- {
			t[i] = t[i]<<16 | t[i-1]>>16
		}
		t[0] = t[0]<<16 | uint32(o.Page)
	}
	return followed
}

func (t *trail) holds(page uint16) bool { return (*pane)(t).holds(2*trailWords, page) }
