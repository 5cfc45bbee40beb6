package window

import (
	"cmp"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
)

// table keeps the cells of one dimension in flat arrays, which the garbage collector does not scan. A place is a cell's
// index in all of them.
type table struct {
	plan    *plan
	maxKeys int
	index   map[uint64]uint32 // place by key
	keys    []uint64          // by place; 0: the place is free
	last    []int64           // time of the last event, by place
	cells   []uint32          // plan.words words for each place
	free    []uint32          // places that were given back, the one to be taken next at the end
	random  uint64            // state of the eviction's choice
	evicted uint64
	expired uint64
}

func newTable(p *plan, maxKeys int) *table {
	return &table{plan: p, maxKeys: maxKeys, index: make(map[uint64]uint32), random: 1}
}

// add folds o into the cell of key.
func (t *table) add(key uint64, o *traffic.Observation) {
	place, ok := t.index[key]
	if !ok {
		place = t.place()
		t.index[key], t.keys[place], t.last[place] = place, key, o.Time
	}
	now := max(o.Time, t.last[place])
	t.plan.fold(t.cell(place), o, t.last[place], now, !ok)
	t.last[place] = now
}

func (t *table) cell(place uint32) []uint32 {
	at := int(place) * t.plan.words
	return t.cells[at : at+t.plan.words : at+t.plan.words]
}

// place gives a place whose cell is zero.
func (t *table) place() uint32 {
	if len(t.free) == 0 && len(t.keys) < t.maxKeys {
		t.keys = append(t.keys, 0)
		t.last = append(t.last, 0)
		t.cells = append(t.cells, make([]uint32, t.plan.words)...)
		return uint32(len(t.keys) - 1)
	}
	if len(t.free) == 0 {
		t.drop(t.oldest())
		t.evicted++
	}
	place := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	return place
}

// oldest gives the place that was idle longest among eight picked at random, as Redis approximates LRU. The choice is a
// function of what came before, so that a replay evicts the same keys.
func (t *table) oldest() uint32 {
	oldest := t.pick()
	for range 7 {
		if p := t.pick(); t.last[p] < t.last[oldest] {
			oldest = p
		}
	}
	return oldest
}

// pick is xorshift64* (Vigna 2016), reduced to a place. The table is full when it is called: every place is in use.
func (t *table) pick() uint32 {
	t.random ^= t.random >> 12
	t.random ^= t.random << 25
	t.random ^= t.random >> 27
	return uint32((t.random * 0x2545f4914f6cdd1d >> 32) * uint64(len(t.keys)) >> 32)
}

// drop frees a place.
func (t *table) drop(place uint32) {
	delete(t.index, t.keys[place])
	t.keys[place] = 0
	clear(t.cell(place))
	t.free = append(t.free, place)
}

// expire drops the keys whose last event was before the given time. Free places are taken from the lowest up, so that
// it makes no difference to what is evicted later how often, and when, idle keys were looked for.
func (t *table) expire(before int64) {
	free := len(t.free)
	for place, key := range t.keys {
		if key != 0 && t.last[place] < before {
			t.drop(uint32(place))
			t.expired++
		}
	}
	if len(t.free) > free {
		slices.SortFunc(t.free, func(a, b uint32) int { return cmp.Compare(b, a) })
	}
}
