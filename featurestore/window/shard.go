package window

import (
	"math"
	"time"

	"github.com/headgate/headgate/internal/base/prefetch"
)

// shard keeps some of the keys of a dimension in flat arrays, which the garbage collector does not
// scan. Which keys is decided by their hash and by Config.MaxKeys alone, and all it does is a
// function of the events of its keys and the minutes of Tick, in their order: how many goroutines
// share the shards makes no difference.
//
// A place is a cell's index in all of the arrays.
type shard struct {
	// What every event needs: two cache lines.
	index index
	cells []uint32 // plan.words words for each place
	plan  *plan
	// of the last event, or a later one before which a key is kept, by place: what expire looks
	// through
	minutes []int32
	dirty   bitmap // places that changed since they were collected last

	capacity int
	promote  uint8 // Config.Promote

	free   bitmap // places below len(minutes) that hold no key
	spare  int    // how many those are
	lowest uint32 // no free place is below

	known bitmap   // collected once: to be deleted where they are published
	gone  []uint64 // keys that were known and are dropped, at most one for each place

	admission admission
	random    uint64 // state of the eviction's choice
	counts    shardCounts
	_         [56]byte // to whole cache lines: 384 bytes
}

// shardCounts are what a shard adds to Stats.
type shardCounts struct{ evicted, expired, waiting uint64 }

func newShard(p *plan, capacity int, promote uint8) shard {
	return shard{plan: p, capacity: capacity, promote: promote, index: newIndex(), random: 1}
}

func (s *shard) keys() int { return len(s.minutes) - s.spare }

func (s *shard) cell(place uint32) []uint32 {
	at := int(place) * s.plan.words
	return s.cells[at : at+s.plan.words : at+s.plan.words]
}

// find returns the place of a key with the mixed hash h, or none.
func (s *shard) find(key, h uint64) uint32 {
	tag := uint32(h)
	for i := tag & s.index.mask; ; i = (i + 1) & s.index.mask {
		e := s.index.slots[i]
		if e == 0 {
			return none
		}
		if place := uint32(e) - 1; uint32(e>>32) == tag && cellKey(s.cell(place)) == key {
			return place
		}
	}
}

// prefetch asks for every cache line of a cell that an effect changes, and for its place's mark.
func (s *shard) prefetch(place uint32, e *effect) {
	cell := s.cell(place)
	prefetch.Words(cell[:s.plan.front])
	for i := range s.plan.sides {
		side := &s.plan.sides[i]
		from := side.at[e.panes[side.clock].number&1]
		prefetch.Words(cell[from : from+side.words])
	}
	prefetch.Word(&s.dirty[place/64])
}

// add folds e into the cell of key, which is probably at the place guess, and returns its place, or
// none where the key has to wait for one. late is an effect that may be set for a key that has seen
// a later event.
func (s *shard) add(key, h uint64, guess uint32, e, late *effect) (place uint32) {
	place = guess
	if place >= uint32(len(s.minutes)) || cellKey(s.cell(place)) != key {
		place = s.find(key, h)
	}
	if place != none {
		s.fold(s.cell(place), place, e, late)
		return place
	}
	if 2*s.keys() >= s.capacity && s.promote > 1 && !s.admission.admit(h, s.promote, s.capacity) {
		s.counts.waiting++
		return none
	}
	place = s.place()
	s.index.insert(uint32(h), place)
	cell := s.cell(place)
	setKey(cell, key)
	if e.observation.Report {
		s.plan.begin(cell, e)
	} else {
		s.plan.fold(cell, e, true)
	}
	s.note(place, never, s.plan.cellStamp(cell), e)
	return place
}

// fold adds an effect to the cell at a place. Of a report it takes what is open and nothing else.
func (s *shard) fold(cell []uint32, place uint32, e, late *effect) {
	stamp := s.plan.cellStamp(cell)
	if e.observation.Report {
		s.plan.opens.fold(cell, e.observation, false)
	} else {
		isNew := s.plan.opens.eventless(cell)
		if last := cellLast(cell); last > e.now && !isNew {
			late.set(e.observation, last)
			e = late
		}
		s.plan.fold(cell, e, isNew)
	}
	s.note(place, stamp, s.plan.cellStamp(cell), e)
}

// note marks a place whose cell's stamp has moved.
func (s *shard) note(place uint32, before, after int64, e *effect) {
	switch {
	// told by a long request's end
	case after >= e.minute.start && after-e.minute.start >= int64(time.Minute):
		s.minutes[place] = minuteNumber(after)
	case before < e.minute.start: // else the minute is the same, and need not be fetched for it
		s.minutes[place] = int32(e.minute.number)
	}
	s.dirty.set(place)
}

// place returns the lowest place that is free. Its cell is zero.
func (s *shard) place() uint32 {
	if s.spare == 0 && len(s.minutes) < s.capacity {
		return s.append()
	}
	if s.spare == 0 {
		s.drop(s.oldest())
		s.counts.evicted++
	}
	place := s.free.next(s.lowest)
	s.free.clear(place)
	s.spare--
	s.lowest = place + 1
	clear(s.cell(place))
	return place
}

// append makes one more place. The arrays double, up to the capacity.
func (s *shard) append() uint32 {
	n := len(s.minutes)
	if n == cap(s.minutes) {
		s.reserve(min(max(2*n, 16), s.capacity))
	}
	s.minutes = s.minutes[:n+1]
	s.cells = s.cells[:(n+1)*s.plan.words]
	return uint32(n)
}

// reserve makes room for n places.
func (s *shard) reserve(n int) {
	minutes, cells := make([]int32, len(s.minutes), n), make([]uint32, len(s.cells), n*s.plan.words)
	adviseHuge(wholePages(cells))
	copy(minutes, s.minutes)
	copy(cells, s.cells)
	s.minutes, s.cells = minutes, cells
	s.free, s.dirty, s.known = s.free.grown(n), s.dirty.grown(n), s.known.grown(n)
}

// oldest returns the place that was idle longest among eight picked at random, as Redis
// approximates LRU. What a flood left counts as an hour younger. The choice is a function of what
// came before, so that a replay evicts the same keys.
func (s *shard) oldest() uint32 {
	oldest, last := none, int64(math.MaxInt64)
	for range 8 {
		p := s.pick()
		cell := s.cell(p)
		l := s.plan.cellStamp(cell)
		if s.plan.cellMemory(cell) > 0 {
			l = plus(l, floodBonus)
		}
		if oldest == none || l < last {
			oldest, last = p, l
		}
	}
	return oldest
}

// pick is xorshift64* (Vigna 2016), reduced to a place. The shard is full when it is called: every
// place is in use.
func (s *shard) pick() uint32 {
	s.random ^= s.random >> 12
	s.random ^= s.random << 25
	s.random ^= s.random >> 27
	return uint32((s.random * 0x2545f4914f6cdd1d >> 32) * uint64(len(s.minutes)) >> 32)
}

// drop frees a place.
func (s *shard) drop(place uint32) {
	cell := s.cell(place)
	key := cellKey(cell)
	setKey(cell, 0)
	s.index.remove(uint32(mix(key)), place)
	if s.known.has(place) {
		s.gone = append(s.gone, key)
	}
	s.known.clear(place)
	s.dirty.clear(place)
	s.free.set(place)
	s.spare++
	s.lowest = min(s.lowest, place)
}

// expire drops the keys whose last event was idle before the given time, and before more where a
// flood of theirs is to be remembered: those it looks at again when that has passed, so that each
// costs two looks and not one a minute.
func (s *shard) expire(before int64, idle time.Duration) {
	minute := minuteNumber(before)
	for place, m := range s.minutes {
		if m > minute || s.free.has(uint32(place)) {
			continue
		}
		cell := s.cell(uint32(place))
		due := plus(s.plan.cellStamp(cell), max(0, s.plan.cellMemory(cell)-int64(idle)))
		if due >= before {
			s.minutes[place] = minuteNumber(due)
			continue
		}
		s.drop(uint32(place))
		s.counts.expired++
	}
}
