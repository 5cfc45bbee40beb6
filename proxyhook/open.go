package proxyhook

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/lane"
)

// openTable has the requests of this process that are open, so that the supervisor can tell the daemon of those that have
// been so for long. It is bounded; requests that find no place are counted, and told by their end alone. Opening and
// ending wait for nobody and allocate nothing: a place is taken from one of several stacks of free ones, and its word
// decides who gives it back.
type openTable struct {
	lanes    [openLanes]openLane
	slots    [openLanes * laneSlots]openSlot
	overflow atomic.Uint64
	reports  atomic.Uint64
	lost     atomic.Uint64 // reports that the ring did not take: what they told is told by the next one
	step     int           // the supervisor's: which part it looks through next
}

const (
	openLanes = 16
	laneSlots = 1024
)

// openLane is a stack of places (Treiber's), and how many were ever in use.
type openLane struct {
	free  atomic.Uint64 // bits 0-31: the number of the first slot and 1, or 0; bits 32-63: changes, against ABA
	fresh atomic.Uint32 // slots from here on were never in use
	_     [112]byte     // to 128 bytes
}

// openSlot is one request. What is not atomic belongs to whoever made word what it is.
type openSlot struct {
	word  atomic.Uint64 // bits 0-1: its phase; bits 2-63: how often it was taken
	start atomic.Int64  // ns since 1970 UTC
	until atomic.Int64  // to what time it was told, likewise
	next  atomic.Uint32 // in its stack: the number of the next slot and 1, or 0

	client  [16]byte
	session uint64
	host    [traffic.MaxHost]byte
	length  uint8 // of host
}

// The phases of a slot.
const (
	slotFree  = iota
	slotOpen  // the request is open
	slotRead  // the supervisor reads it
	slotEnded // the request ended meanwhile: the supervisor gives the slot back
	slotPhase = 3
)

// OpenRequest is a request that a Filter knows to be open. The zero value is none. It is a small value; of its copies,
// the first one that is ended counts.
type OpenRequest struct {
	table  *openTable
	number uint32
	word   uint64
}

// Open notes that a request that was decided on is open, until the result's End. While it is, and once it has been for
// traffic.OpenAfter, the daemon is told so once a second, for the features of open requests. Handler does that by itself. ev is
// not kept.
func (f *Filter) Open(ev *traffic.Event) OpenRequest { return f.open.open(ev) }

// End tells that the request has ended. It notes in ev how much of its duration the daemon knows, and is to be called
// before Done.
func (o OpenRequest) End(ev *traffic.Event) {
	if o.table == nil {
		return
	}
	s := &o.table.slots[o.number]
	for {
		word := s.word.Load()
		phase := word & slotPhase
		if word&^slotPhase != o.word&^slotPhase || phase != slotOpen && phase != slotRead {
			return // ended before
		}
		told := s.until.Load() - s.start.Load() // what the supervisor tells at this very moment is told twice
		if phase == slotRead && s.word.CompareAndSwap(word, word|slotEnded) {
			ev.Told = uint64(max(told, 0))
			return
		}
		if phase == slotOpen && s.word.CompareAndSwap(word, word&^slotPhase) {
			ev.Told = uint64(max(s.until.Load()-s.start.Load(), 0))
			o.table.put(o.number)
			return
		}
	}
}

func (t *openTable) open(ev *traffic.Event) OpenRequest {
	n, ok := t.take()
	if !ok {
		t.overflow.Add(1)
		return OpenRequest{}
	}
	s := &t.slots[n]
	s.start.Store(ev.Time)
	s.until.Store(ev.Time)
	s.client, s.session = ev.Client, ev.Session
	s.length = uint8(copy(s.host[:], ev.Host))
	word := s.word.Load()&^slotPhase + slotPhase + 1 | slotOpen
	s.word.Store(word)
	return OpenRequest{t, n, word}
}

// take takes a free slot, from this goroutine's lane if that has one.
func (t *openTable) take() (number uint32, ok bool) {
	own := lane.Hash() >> 28
	for i := range uint32(openLanes) {
		if number, ok = t.takeOf((own + i) % openLanes); ok {
			return number, true
		}
	}
	return 0, false
}

func (t *openTable) takeOf(number uint32) (slot uint32, ok bool) {
	l := &t.lanes[number]
	for {
		first := l.free.Load()
		if uint32(first) == 0 {
			break
		}
		slot = uint32(first) - 1
		rest := uint64(t.slots[slot].next.Load())
		if l.free.CompareAndSwap(first, (first>>32+1)<<32|rest) {
			return slot, true
		}
	}
	for {
		n := l.fresh.Load()
		if n == laneSlots {
			return 0, false
		}
		if l.fresh.CompareAndSwap(n, n+1) {
			return number*laneSlots + n, true
		}
	}
}

// put gives a slot back to its lane.
func (t *openTable) put(slot uint32) {
	l := &t.lanes[slot/laneSlots]
	for {
		first := l.free.Load()
		t.slots[slot].next.Store(uint32(first))
		if l.free.CompareAndSwap(first, (first>>32+1)<<32|uint64(slot+1)) {
			return
		}
	}
}

// tellEvery is the time between two looks of the supervisor, each at one lane: every request is seen oftener than once a
// second, and a ring that the daemon empties every few milliseconds never has to take all reports at once. Tests change it.
var tellEvery = 40 * time.Millisecond

// tell reports the requests of the next lane that were open for long at the last full second. Reports are of full
// seconds, so that a replay tells the same.
func (t *openTable) tell(now int64, report func(*traffic.Event) bool) {
	number := t.step % openLanes
	t.step++
	second := now - now%int64(time.Second)
	for i := range t.lanes[number].fresh.Load() {
		n := uint32(number)*laneSlots + i
		s := &t.slots[n]
		word := s.word.Load()
		if word&slotPhase != slotOpen || !s.due(second) {
			continue
		}
		if !s.word.CompareAndSwap(word, word&^slotPhase|slotRead) {
			continue // it has ended
		}
		t.report(s, second, report)
		if !s.word.CompareAndSwap(word&^slotPhase|slotRead, word) {
			s.word.Store(word &^ slotPhase)
			t.put(n)
		}
	}
}

// due reports whether there is something to tell of an open request, or its times are of a clock that was set back.
func (s *openSlot) due(second int64) bool {
	until := s.until.Load()
	return second-s.start.Load() >= int64(traffic.OpenAfter) && second > until || until-second > maxEarly
}

// maxEarly is how far ahead of a full second a request may have been told, or begun: more than a second, and the clock was
// set back.
const maxEarly = int64(2 * time.Second)

// report tells of one request, which is open as long as it is read at least.
func (t *openTable) report(s *openSlot, second int64, report func(*traffic.Event) bool) {
	start, until := s.start.Load(), s.until.Load()
	if set := until - second; set > maxEarly {
		s.start.Store(start - set)
		s.until.Store(until - set)
		return
	}
	ev := traffic.Event{
		Time: start, Client: s.client, Session: s.session, Host: string(s.host[:s.length]),
		Open: true, Duration: uint64(second - start), Told: uint64(until - start),
	}
	if !report(&ev) {
		t.lost.Add(1)
		return
	}
	s.until.Store(second)
	t.reports.Add(1)
}

// count is the number of requests in the table.
func (t *openTable) count() (n int) {
	for i := range t.lanes {
		for k := range t.lanes[i].fresh.Load() {
			if phase := t.slots[i*laneSlots+int(k)].word.Load() & slotPhase; phase == slotOpen || phase == slotRead {
				n++
			}
		}
	}
	return n
}

// tellOpen tells the daemon of open requests.
func (f *Filter) tellOpen() {
	if f.reporter.current.Load() != nil {
		f.open.tell(time.Now().UnixNano(), f.tryReport)
	}
}
