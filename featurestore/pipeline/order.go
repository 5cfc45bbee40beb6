package pipeline

import (
	"container/heap"
	"errors"
	"math"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/traffic"
)

// Servers write a log in the order in which requests end, and some of them, such as Apache, write
// the time when a request began. The clock of a log is the latest time read so far. When a line is
// written its request has ended, so the request counts for others from the clock's time at that
// line, not from the line's own time.

// Window is the time by which a line may be out of order: each line is held back for that long, so
// that earlier lines that come later in the log precede it.
const Window = time.Minute

// Bounds of the lines held back at a time. Beyond them the earliest lines are released.
const (
	maxHeld      = 1 << 15
	maxHeldBytes = 32 << 20
)

// witnesses is the number of following lines that are consulted about a line that is ahead of the
// clock.
const witnesses = 16

// errHeld reports that a line was read and is held back.
var errHeld = errors.New("pipeline: the line is held back")

// order returns the records of a source in the order of their times.
type order struct {
	source    Source
	err       error     // the error that ended the source
	lookahead []*Record // read but not yet compared with the clock: the first one, and its witnesses
	free      []*Record

	started  bool
	clock    int64 // latest accepted time
	lastTime int64 // time of the last released record

	inOrder    queue // records that came in order
	outOfOrder heldRecords
	bytes      int
	serial     uint64

	counts orderCounts
}

// orderCounts counts the records whose order could not be restored.
type orderCounts struct {
	backward int // more than Window late; given the time of the record before
	ahead    int // from the future; given the clock's time
}

func newOrder(source Source) *order { return &order{source: source, lastTime: math.MinInt64} }

// held is a record that is held back.
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

// read fills r with the next record. It reads at most one line; errHeld means that no record can be
// released yet. Other errors are those of the source. An error that ends the source is returned
// after all records read before it.
func (o *order) read(r *Record) error {
	if o.emit(r) {
		return nil
	}
	if o.err == nil {
		if err := o.readLine(); err != nil {
			return err
		}
	}
	if len(o.lookahead) > witnesses || o.err != nil && len(o.lookahead) > 0 {
		o.enqueue()
	}
	if o.emit(r) {
		return nil
	}
	if o.err != nil && len(o.lookahead) == 0 {
		return o.err
	}
	return errHeld
}

// readLine reads a record of the source. It returns an error only for a malformed line.
func (o *order) readLine() error {
	record := o.newRecord()
	err := o.source.Next(record)
	if err == nil {
		o.lookahead = append(o.lookahead, record)
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

func (o *order) newRecord() *Record {
	if n := len(o.free); n > 0 {
		record := o.free[n-1]
		o.free = o.free[:n-1]
		return record
	}
	return new(Record)
}

// release makes a record available again, without its strings.
func (o *order) release(record *Record) {
	*record = Record{}
	o.free = append(o.free, record)
}

// enqueue moves the first record of the lookahead to the records that are held back.
func (o *order) enqueue() {
	record := o.lookahead[0]
	copy(o.lookahead, o.lookahead[1:])
	o.lookahead = o.lookahead[:len(o.lookahead)-1]
	record.Clipped = o.checkTime(&record.Event)
	record.knownAt = max(endTime(&record.Event), o.clock)
	o.bytes += memorySize(record)
	h := held{record, o.serial}
	o.serial++
	if o.inOrder.len() == 0 || !h.before(o.inOrder.last()) {
		o.inOrder.push(h)
	} else {
		heap.Push(&o.outOfOrder, h)
	}
}

// checkTime compares the time of an event with the clock, and advances the clock to a later time. A
// time more than traffic.MaxAhead later is accepted only if the following lines confirm it: so a
// log can continue after a night without a line, and one line from the future does not make all
// others late. A rejected event is clipped to the clock, as by the daemon, unless it is early
// enough for Window to sort it.
func (o *order) checkTime(ev *traffic.Event) (clipped bool) {
	if !o.started {
		o.started, o.clock = true, ev.Time
		for _, r := range o.lookahead {
			o.clock = min(o.clock, r.Event.Time)
		}
	}
	if ev.Time-int64(traffic.MaxAhead) <= o.clock || o.confirmed(ev.Time) {
		o.clock = max(o.clock, ev.Time)
		return false
	}
	if !ev.ClipTime(o.clock, Window) {
		return false
	}
	o.counts.ahead++
	return true
}

// confirmed reports whether at least half of the following lines have time t or later. They may be
// a little earlier, and more if the event would otherwise be clipped.
func (o *order) confirmed(t int64) bool {
	earliest := t - int64(time.Second)
	if t-o.clock > int64(Window) {
		earliest = t - int64(traffic.MaxAhead)
	}
	agree := 0
	for _, r := range o.lookahead {
		if r.Event.Time >= earliest {
			agree++
		}
	}
	return 2*agree >= len(o.lookahead)
}

// emit fills r with the earliest record, if no record to come can precede it.
func (o *order) emit(r *Record) bool {
	n := o.inOrder.len() + len(o.outOfOrder)
	if n == 0 {
		return false
	}
	fromOthers := len(o.outOfOrder) > 0 && (o.inOrder.len() == 0 || o.outOfOrder[0].before(o.inOrder.first()))
	earliest := o.earliest(fromOthers)
	ended := o.err != nil && len(o.lookahead) == 0
	if !ended && n <= maxHeld && o.bytes <= maxHeldBytes && earliest.Event.Time > o.clock-int64(Window) {
		return false
	}
	if fromOthers {
		heap.Pop(&o.outOfOrder)
	} else {
		o.inOrder.pop()
	}
	o.bytes -= memorySize(earliest)
	*r = *earliest
	o.release(earliest)
	if r.Event.Time < o.lastTime {
		o.counts.backward++
		r.knownAt = endTime(&r.Event) // long ago: it counts at once
		r.Event.Time, r.Clipped = o.lastTime, true
	}
	o.lastTime = r.Event.Time
	return true
}

func (o *order) earliest(fromOthers bool) *Record {
	if fromOthers {
		return o.outOfOrder[0].record
	}
	return o.inOrder.first().record
}

// memorySize returns the approximate memory of a record.
func memorySize(r *Record) int {
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

// queue is a FIFO queue in a growing ring.
type queue struct {
	ring []held // its length is a power of two
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
