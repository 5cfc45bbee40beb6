package proxyhook

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/lane"
)

// openTable holds the open requests of this process, so that the supervisor can report the long
// ones to the daemon. It is bounded; requests beyond the bound are counted, and reported only when
// they end. Opening and ending a request wait for nothing and allocate nothing: a record comes from
// one of several stacks of free ones, and its state word decides who returns it.
type openTable struct {
	lanes       [openLanes]openLane
	slots       [openLanes * laneSlots]openRecord
	overflow    atomic.Uint64
	reports     atomic.Uint64
	lostReports atomic.Uint64 // reports that the ring did not take; the next report includes them
	step        int           // the supervisor's: the lane to look through next
}

const (
	openLanes = 16
	laneSlots = 1024
)

// openLane is a stack of free records (Treiber's), and the number of records ever used.
type openLane struct {
	free  atomic.Uint64 // bits 0-31: number of the first record plus 1, or 0; 32-63: changes, against ABA
	fresh atomic.Uint32 // records from here on were never used
	_     [112]byte     // to 128 bytes
}

// openRecord is one request. Fields that are not atomic belong to the goroutine that set word.
type openRecord struct {
	word  atomic.Uint64 // bits 0-1: its phase; bits 2-63: how often it was taken
	start atomic.Int64  // ns since 1970 UTC
	until atomic.Int64  // end of the time reported so far, likewise
	next  atomic.Uint32 // in its stack: number of the next record plus 1, or 0

	client  [16]byte
	session uint64
	host    [traffic.MaxHost]byte
	length  uint8 // of host
}

// The phases of a record.
const (
	phaseFree  = iota
	phaseOpen  // the request is open
	phaseRead  // the supervisor reads it
	phaseEnded // the request ended while it was read: the supervisor returns the record
	slotPhase  = 3
)

// OpenRequest is a request that a Filter knows to be open. The zero value is not one. It is a small
// value; of its copies, only the first End counts.
type OpenRequest struct {
	table  *openTable
	number uint32
	word   uint64
}

// Open records that a request that was decided on is open, until End of the result. Once a request
// has been open for traffic.OpenAfter, the daemon gets a report once a second, for the features of
// open requests. Handler calls Open itself. ev is not kept.
func (f *Filter) Open(ev *traffic.Event) OpenRequest { return f.open.open(ev) }

// End records that the request has ended. It stores in ev how much of its duration the daemon
// knows; call it before Done.
func (o OpenRequest) End(ev *traffic.Event) {
	if o.table == nil {
		return
	}
	s := &o.table.slots[o.number]
	for {
		word := s.word.Load()
		phase := word & slotPhase
		if word&^slotPhase != o.word&^slotPhase || phase != phaseOpen && phase != phaseRead {
			return // ended before
		}
		told := s.until.Load() - s.start.Load() // a report in progress may be reported twice
		if phase == phaseRead && s.word.CompareAndSwap(word, word|phaseEnded) {
			ev.Reported = uint64(max(told, 0))
			return
		}
		if phase == phaseOpen && s.word.CompareAndSwap(word, word&^slotPhase) {
			ev.Reported = uint64(max(s.until.Load()-s.start.Load(), 0))
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
	word := s.word.Load()&^slotPhase + slotPhase + 1 | phaseOpen
	s.word.Store(word)
	return OpenRequest{t, n, word}
}

// take takes a free record, from this goroutine's lane if that has one.
func (t *openTable) take() (number uint32, ok bool) {
	own := lane.Hash() >> 28
	for i := range uint32(openLanes) {
		if number, ok = t.takeFrom((own + i) % openLanes); ok {
			return number, true
		}
	}
	return 0, false
}

func (t *openTable) takeFrom(number uint32) (slot uint32, ok bool) {
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

// put returns a record to its lane.
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

// reportEvery is the time between two rounds of the supervisor, each of one lane: every request is
// seen more than once a second, and a ring that the daemon empties every few milliseconds never has
// to take all reports at once. Tests change it.
var reportEvery = 40 * time.Millisecond

// reportLane reports the requests of the next lane that had been open for long at the last full
// second. Reports are of full seconds, so that a replay has the same.
func (t *openTable) reportLane(now int64, report func(*traffic.Event) bool) {
	number := t.step % openLanes
	t.step++
	second := now - now%int64(time.Second)
	for i := range t.lanes[number].fresh.Load() {
		n := uint32(number)*laneSlots + i
		s := &t.slots[n]
		word := s.word.Load()
		if word&slotPhase != phaseOpen || !s.due(second) {
			continue
		}
		if !s.word.CompareAndSwap(word, word&^slotPhase|phaseRead) {
			continue // it has ended
		}
		t.report(s, second, report)
		if !s.word.CompareAndSwap(word&^slotPhase|phaseRead, word) {
			s.word.Store(word &^ slotPhase)
			t.put(n)
		}
	}
}

// due reports whether an open request needs a report, or its times are of a clock that was set
// back.
func (s *openRecord) due(second int64) bool {
	until := s.until.Load()
	return second-s.start.Load() >= int64(traffic.OpenAfter) && second > until || until-second > maxEarly
}

// maxEarly is how far ahead of a full second a request may have been reported, or may have begun.
// Beyond it the clock was set back.
const maxEarly = int64(2 * time.Second)

// report reports one request, which stays open at least while it is read.
func (t *openTable) report(s *openRecord, second int64, report func(*traffic.Event) bool) {
	start, until := s.start.Load(), s.until.Load()
	if set := until - second; set > maxEarly {
		s.start.Store(start - set)
		s.until.Store(until - set)
		return
	}
	ev := traffic.Event{
		Time: start, Client: s.client, Session: s.session, Host: string(s.host[:s.length]),
		Open: true, Duration: uint64(second - start), Reported: uint64(until - start),
	}
	if !report(&ev) {
		t.lostReports.Add(1)
		return
	}
	s.until.Store(second)
	t.reports.Add(1)
}

// count returns the number of requests in the table.
func (t *openTable) count() (n int) {
	for i := range t.lanes {
		for k := range t.lanes[i].fresh.Load() {
			if phase := t.slots[i*laneSlots+int(k)].word.Load() & slotPhase; phase == phaseOpen || phase == phaseRead {
				n++
			}
		}
	}
	return n
}

// reportOpen reports open requests to the daemon.
func (f *Filter) reportOpen() {
	if f.reporter.current.Load() != nil {
		f.open.reportLane(time.Now().UnixNano(), f.tryReport)
	}
}
