package pipeline

import (
	"container/heap"
	"errors"
	"math"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/traffic"
)

// A log is written in the order in which requests end, and some servers write down when they began:
// Apache does. Its clock is the latest time read so far. When a line is written its request has
// ended, so the request counts for others from what the clock shows then, and not from the line's
// own time.

// Window is by how much a line may be out of the order of time: so long it is held back, so that
// those that follow it and belong before it come first.
const Window = time.Minute

// Bounds of what is held back at a time. Beyond them the earliest lines go on.
const (
	maxHeld      = 1 << 15
	maxHeldBytes = 32 << 20
)

// witnesses is how many of the following lines are asked whether a line that is ahead of the clock
// is right.
const witnesses = 16

// errHeld says that a line was read and is held back.
var errHeld = errors.New("pipeline: the line is held back")

// order gives the records of a source in the order of their times.
type order struct {
	source Source
	err    error     // what ended the source
	next   []*Record // read, and not yet held against the clock: the first one, and its witnesses
	free   []*Record

	begun    bool
	clock    int64 // latest time that was believed
	released int64 // time of the latest record given

	inOrder queue // records that came in the order of time
	others  heldRecords
	bytes   int
	serial  uint64

	counts orderCounts
}

// orderCounts are the records that the order could not be kept for.
type orderCounts struct {
	backward int // more than Window late, taken as of the record before
	ahead    int // from the future, taken as of the clock
}

func newOrder(source Source) *order { return &order{source: source, released: math.MinInt64} }

// held is a record that waits for its turn.
type held struct {
	record *Record
	serial uint64
}

func (h held) before(other held) bool {
	if h.record.Event.Time != other.record.Event.Time {
		return h.record.Event.Time < other.record.Event.Time
	}
	return h.serial < other.serial
}

// read fills r with the next record. It reads at most one line: errHeld says that there is none to
// give yet. Other errors are those of the source; one that ends it comes when all is given that was
// read before.
func (o *order) read(r *Record) error {
	if o.give(r) {
		return nil
	}
	if o.err == nil {
		if err := o.readLine(); err != nil {
			return err
		}
	}
	if len(o.next) > witnesses || o.err != nil && len(o.next) > 0 {
		o.place()
	}
	if o.give(r) {
		return nil
	}
	if o.err != nil && len(o.next) == 0 {
		return o.err
	}
	return errHeld
}

// readLine reads a record of the source. The error is that of a malformed line.
func (o *order) readLine() error {
	record := o.record()
	err := o.source.Next(record)
	if err == nil {
		o.next = append(o.next, record)
		return nil
	}
	o.release(record)
	var malformed *accesslog.LineError
	if errors.As(err, &malformed) {
		return err
	}
	o.err = err
	return nil
}

func (o *order) record() *Record {
	if n := len(o.free); n > 0 {
		record := o.free[n-1]
		o.free = o.free[:n-1]
		return record
	}
	return new(Record)
}

// release keeps a record to be used again, but not the texts that it has.
func (o *order) release(record *Record) {
	*record = Record{}
	o.free = append(o.free, record)
}

// place takes the first of the records that were read and puts it among those that are held back.
func (o *order) place() {
	record := o.next[0]
	copy(o.next, o.next[1:])
	o.next = o.next[:len(o.next)-1]
	record.Clipped = o.hold(&record.Event)
	record.ends = max(endOf(&record.Event), o.clock)
	o.bytes += sizeOf(record)
	h := held{record, o.serial}
	o.serial++
	if o.inOrder.len() == 0 || !h.before(o.inOrder.last()) {
		o.inOrder.push(h)
	} else {
		heap.Push(&o.others, h)
	}
}

// hold holds the time of an event against the clock, which moves to it where it is later. A time
// more than traffic.MaxAhead later is believed where the lines that follow bear it out: so a log
// goes on after a night without a line, and one line from the future does not take from all others
// what was before it. An event that is not believed is clipped to the clock, as the daemon does,
// unless it is early enough for Window to put it right.
func (o *order) hold(ev *traffic.Event) (clipped bool) {
	if !o.begun {
		o.begun, o.clock = true, ev.Time
		for _, r := range o.next {
			o.clock = min(o.clock, r.Event.Time)
		}
	}
	if ev.Time-int64(traffic.MaxAhead) <= o.clock || o.borneOut(ev.Time) {
		o.clock = max(o.clock, ev.Time)
		return false
	}
	if !ev.ClipTime(o.clock, Window) {
		return false
	}
	o.counts.ahead++
	return true
}

// borneOut reports whether at least half of the lines that follow are of a time or later. They may
// be earlier by a little, and by more where the event would be clipped if they did not bear it out.
func (o *order) borneOut(t int64) bool {
	earliest := t - int64(time.Second)
	if t-o.clock > int64(Window) {
		earliest = t - int64(traffic.MaxAhead)
	}
	agree := 0
	for _, r := range o.next {
		if r.Event.Time >= earliest {
			agree++
		}
	}
	return 2*agree >= len(o.next)
}

// give fills r with the earliest record, if none can come any more that belongs before it.
func (o *order) give(r *Record) bool {
	n := o.inOrder.len() + len(o.others)
	if n == 0 {
		return false
	}
	fromOthers := len(o.others) > 0 && (o.inOrder.len() == 0 || o.others[0].before(o.inOrder.first()))
	earliest := o.earliest(fromOthers)
	ended := o.err != nil && len(o.next) == 0
	if !ended && n <= maxHeld && o.bytes <= maxHeldBytes && earliest.Event.Time > o.clock-int64(Window) {
		return false
	}
	if fromOthers {
		heap.Pop(&o.others)
	} else {
		o.inOrder.pop()
	}
	o.bytes -= sizeOf(earliest)
	*r = *earliest
	o.release(earliest)
	if r.Event.Time < o.released {
		o.counts.backward++
		r.ends = endOf(&r.Event) // long ago: it counts at once
		r.Event.Time, r.Clipped = o.released, true
	}
	o.released = r.Event.Time
	return true
}

func (o *order) earliest(fromOthers bool) *Record {
	if fromOthers {
		return o.others[0].record
	}
	return o.inOrder.first().record
}

// sizeOf is about the memory of a record.
func sizeOf(r *Record) int {
	const fixed = 600
	return fixed + len(r.Referer) + len(r.Path) + len(r.Agent) + len(r.Event.Path) + len(r.Event.UserAgent)
}

// heldRecords implements heap.Interface.
type heldRecords []held

func (h heldRecords) Len() int           { return len(h) }
func (h heldRecords) Less(i, j int) bool { return h[i].before(h[j]) }
func (h heldRecords) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heldRecords) Push(x any)        { *h = append(*h, x.(held)) }

func (h *heldRecords) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// queue is first in, first out, in a ring that grows.
type queue struct {
	ring []held // a power of two of them
	head uint
	tail uint
}

func (q *queue) len() int    { return int(q.tail - q.head) }
func (q *queue) first() held { return q.ring[q.head%uint(len(q.ring))] }
func (q *queue) last() held  { return q.ring[(q.tail-1)%uint(len(q.ring))] }
func (q *queue) pop()        { q.head++ }

func (q *queue) push(h held) {
	if q.len() == len(q.ring) {
		ring := make([]held, max(2*len(q.ring), 64))
		for i := range q.len() {
			ring[i] = q.ring[(q.head+uint(i))%uint(len(q.ring))]
		}
		q.head, q.tail, q.ring = 0, uint(q.len()), ring
	}
	q.ring[q.tail%uint(len(q.ring))] = h
	q.tail++
}
