package window

import (
	"math"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
)

// own is a measure that depends on what its key did before: beside the sums of the measure a cell
// keeps what tells.
type own struct {
	measure traffic.Measure
	at      int // first word of its state
	sums    []ownSum
}

// ownSum is a sum of such a measure. What an event adds to sums on its own is 0 for it.
type ownSum struct{ at, clock int }

// trailWords hold the last sixteen different pages, 16 bits each, the newest in the low half of the
// first word; 0: none.
const trailWords = 8

// repeatWords hold the last two different paths of POSTs, 32 bits of a hash each, the newest first;
// 0: none.
const repeatWords = 2

func (o *own) words() int {
	if o.measure == traffic.MeasureLinksFollowed {
		return trailWords
	}
	return repeatWords
}

// layOutOwn assigns words to the state of the measures of a key.
func (p *plan) layOutOwn() {
	for i := range p.sums {
		s := &p.sums[i]
		if !s.measure.IsOfKey() || s.peak > 0 {
			continue
		}
		at := slices.IndexFunc(p.owns, func(o own) bool { return o.measure == s.measure })
		if at < 0 {
			at = len(p.owns)
			p.owns = append(p.owns, own{measure: s.measure})
			p.owns[at].at = p.take(p.owns[at].words())
		}
		p.owns[at].sums = append(p.owns[at].sums, ownSum{s.at, p.windows[s.of].clock})
	}
}

// fold counts an event where it has the measure.
func (o *own) fold(cell []uint32, e *effect) {
	if !o.tell(cell[o.at:], e) {
		return
	}
	for _, s := range o.sums {
		cell[s.at] = math.Float32bits(float(cell[s.at]) + e.growth[s.clock])
	}
}

// tell reports whether an event has the measure, and notes the event.
func (o *own) tell(words []uint32, e *effect) bool {
	if o.measure == traffic.MeasureLinksFollowed {
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
