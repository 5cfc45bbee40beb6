package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/mmap"
)

// skipsPerCall bounds the cells without an event that one call of Next walks over, so that no file, whatever its content,
// holds up the others.
const skipsPerCall = 256

// maxDropped bounds what a producer's own count of drops adds to ours: a wild word must not make the sum overflow.
const maxDropped = 1 << 53

// Counts is what a consumer has seen of one ring, or of several, since it attached.
type Counts struct {
	Events    uint64 // delivered
	Bytes     uint64 // delivered: payload bytes
	Dropped   uint64 // by producers, as they tell, since the ring was made: the ring was full
	Abandoned uint64 // by producers: claimed, then given up because encoding failed or the event was too large
	Lost      uint64 // claimed and never completed by a producer that died
	Damaged   uint64 // cells skipped because their sequence or length cannot be
	Resyncs   uint64 // times that head and tail contradicted each other
}

func (c *Counts) add(d Counts) {
	c.Events += d.Events
	c.Bytes += d.Bytes
	c.Dropped += d.Dropped
	c.Abandoned += d.Abandoned
	c.Lost += d.Lost
	c.Damaged += d.Damaged
	c.Resyncs += d.Resyncs
}

// Consumer is the reading end of one ring, for one goroutine at a time.
type Consumer struct {
	q      queue
	head   uint64 // position to look at next; the word in the file is written for a successor and never read again
	held   bool   // the event at head has been returned and not been given back
	dead   bool   // the producer is gone, and
	end    uint64 // what tail was then: nothing that happens to the file later prolongs the ring
	broken bool   // the file was truncated under the mapping, or the consumer is closed
	counts Counts

	unlinked bool // the Set has found that the file was removed

	gone func() bool // whether the producer's lock is free
	path string
	file *os.File
	info os.FileInfo
}

// OpenConsumer opens the ring at path to consume it. It returns a [*FormatError] for a file that
// is not a ring, and an error that wraps mmap.ErrLocked for one that another consumer has open.
func OpenConsumer(path string) (_ *Consumer, err error) {
	f, err := mmap.OpenRegular(path, mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size := info.Size(); size < headerSize || size > maxFileSize {
		return nil, &FormatError{path, "size", fmt.Sprint(size), fmt.Sprintf("%d to %d bytes", headerSize, maxFileSize)}
	}
	if err := mmap.LockByte(f, consumerByte); err != nil {
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	mem, err := mmap.Map(f, info.Size(), mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	c, err := attach(mem, func() bool { return mmap.LockByte(f, producerByte) == nil })
	if err != nil {
		mmap.Unmap(mem)
		var format *FormatError
		if errors.As(err, &format) {
			format.Path = path
		}
		return nil, err
	}
	c.path, c.file, c.info = path, f, info
	return c, nil
}

// attach takes up the ring in mem where a former consumer left it. gone reports whether the producer's lock is free; it is
// not asked again once it was.
func attach(mem []byte, gone func() bool) (*Consumer, error) {
	c := &Consumer{gone: gone}
	err := error(&FormatError{Field: "file", Found: "truncated", Want: "the size it had when it was opened"})
	mmap.Intact(func() {
		if c.q, err = parse(mem); err == nil {
			c.takeUp()
		}
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// takeUp finds the position to begin at. A consumer that died between the two stores of giving a cell back has left
// head one short, at a cell that is free for the next lap or, with tail one lap and one further, complete in it.
func (c *Consumer) takeUp() {
	c.head = c.q.head.Load()
	cells := c.q.cells()
	ahead := c.q.cell(c.head).seq().Load() - c.head
	if ahead == cells || ahead == cells+1 && c.waiting() == cells+1 {
		c.moveTo(c.head + 1)
	}
}

// Next returns the next event, copied into buf from its start; buf grows where it is too small. False means that there is
// none now. The event counts as delivered at the following call of Next, Release or Close: if the process dies before, the
// next consumer gets it again.
func (c *Consumer) Next(buf []byte) (payload []byte, ok bool) {
	c.touch(func() { payload, ok = c.next(buf[:0]) })
	return payload, ok
}

// Release marks the event that Next returned as delivered and returns its cell to the producer. Next does so by itself.
func (c *Consumer) Release() { c.touch(c.release) }

// touch is for every access to the mapping: one that faults ends this ring and nothing else.
func (c *Consumer) touch(f func()) {
	if !c.broken {
		c.broken = !mmap.Intact(f)
	}
}

func (c *Consumer) next(buf []byte) ([]byte, bool) {
	c.release()
	for range skipsPerCall {
		waiting := c.waiting()
		if waiting == 0 {
			return nil, false
		}
		if waiting > c.q.cells() {
			c.resync(waiting)
			continue
		}
		cell := c.q.cell(c.head)
		switch ahead := cell.seq().Load() - c.head; {
		case ahead == 1:
			if payload, ok := c.take(cell, buf); ok {
				return payload, true
			}
		case ahead == 0 && !c.dead:
			if !c.producerDied() {
				return nil, false
			}
			// Look again: it may have completed the cell before it died.
		case ahead == 0:
			c.counts.Lost++
			c.giveBack(cell)
		case ahead == c.q.cells(): // Given back before; only after a resync.
			c.moveTo(c.head + 1)
		case ahead > c.q.cells() && c.waiting() > c.q.cells():
			// Also given back, and producers have gone on into the next lap since tail was loaded.
		default:
			c.counts.Damaged++
			c.giveBack(cell)
		}
	}
	return nil, false
}

// waiting is the number of positions claimed and not given back; more than there are cells is nonsense.
func (c *Consumer) waiting() uint64 {
	if c.dead {
		return c.end - c.head
	}
	return c.q.tail.Load() - c.head
}

// resync is the way out when head and tail contradict each other. From the last position that one lap before the end allows,
// the walk finds every cell in its state: if only head was wrong, all events come through, once. If tail was wrong, no
// cell fits; each is counted as damaged and set free for its position after the wild tail, and the ring works again.
func (c *Consumer) resync(waiting uint64) {
	c.counts.Resyncs++
	c.moveTo(c.head + waiting - c.q.cells())
}

// take copies the event out of a complete cell and holds the cell. Nobody keeps a hostile producer from writing
// meanwhile, so the length is read once and the bytes are parsed only in the copy.
func (c *Consumer) take(cell cell, buf []byte) ([]byte, bool) {
	n := uint64(cell.length().Load())
	payload := cell.payload()
	if n == 0 || n > uint64(len(payload)) {
		if n == 0 {
			c.counts.Abandoned++
		} else {
			c.counts.Damaged++
		}
		c.giveBack(cell)
		return nil, false
	}
	c.held = true
	c.counts.Events++
	c.counts.Bytes += n
	return append(buf, payload[:n]...), true
}

func (c *Consumer) release() {
	if c.held {
		c.held = false
		c.giveBack(c.q.cell(c.head))
	}
}

// giveBack frees the cell at head. The order matters: a crash before the first store repeats the event, a crash between the
// two is seen by takeUp; the other way round, it would leave a cell that no consumer ever frees.
func (c *Consumer) giveBack(cell cell) {
	cell.seq().Store(c.head + c.q.cells())
	c.moveTo(c.head + 1)
}

func (c *Consumer) moveTo(pos uint64) {
	c.head = pos
	c.q.head.Store(pos)
}

// Alive reports whether the producer still holds its lock. It makes one system call until the answer is no, which is final.
func (c *Consumer) Alive() bool {
	c.touch(func() { c.producerDied() })
	return !c.dead
}

func (c *Consumer) producerDied() bool {
	if !c.dead && c.gone() {
		c.dead, c.end = true, c.q.tail.Load()
	}
	return c.dead
}

// Backlog is the number of cells that hold, or are to hold, an event that has not been delivered.
func (c *Consumer) Backlog() (n uint64) {
	c.touch(func() { n = min(c.waiting(), c.q.cells()) })
	return n
}

// Drained reports that the producer is gone and everything it left has been delivered.
func (c *Consumer) Drained() bool { return !c.Alive() && c.Backlog() == 0 }

// Broken reports that the file was truncated and that nothing more can come from it.
func (c *Consumer) Broken() bool { return c.broken }

// Counts is what has been seen so far.
func (c *Consumer) Counts() Counts {
	c.touch(func() { c.counts.Dropped = max(c.counts.Dropped, min(c.q.dropped.Load(), maxDropped)) })
	return c.counts
}

// Close ends the use of the file; the file stays, and another consumer may go on.
func (c *Consumer) Close() error {
	c.Release()
	c.broken = true
	if c.file == nil {
		return nil
	}
	err := mmap.Unmap(c.q.mem)
	err = errors.Join(err, c.file.Close())
	c.file = nil
	return err
}
