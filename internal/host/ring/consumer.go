package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/base/mmap"
)

// skipsPerCall bounds the cells without an event that one call of Next skips, so that no file,
// whatever its content, delays the others.
const skipsPerCall = 256

// maxDropped bounds what a producer's own count of drops adds to ours: a wild word must not make
// the sum overflow.
const maxDropped = 1 << 53

// Counts is what a consumer has counted in one ring, or in several, since it attached.
type Counts struct {
	Events    uint64 // delivered
	Bytes     uint64 // delivered: payload bytes
	Dropped   uint64 // by producers, by their own count, since the ring was made: the ring was full
	Abandoned uint64 // by producers: claimed, but encoding failed or the event was too large
	Lost      uint64 // claimed and never completed by a producer that died
	Damaged   uint64 // cells skipped because their sequence or length is invalid
	Resyncs   uint64 // number of times that head and tail contradicted each other
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
	q queue
	// position of the next event; the word in the file is for a successor and never read again
	head   uint64
	held   bool   // the event at head has been returned, and its cell was not freed
	dead   bool   // the producer is gone
	end    uint64 // if dead: tail at that time; later changes of the file do not prolong the ring
	broken bool   // the file was truncated under the mapping, or the consumer is closed
	counts Counts

	unlinked bool // the Set has noticed that the file was removed

	gone func() bool // whether the producer's lock is free
	path string
	file *os.File
	info os.FileInfo
}

// OpenConsumer opens the ring at path to consume it. The error is a *[FormatError] if the file is
// not a ring, and wraps mmap.ErrLocked if another consumer has it open.
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
		return nil, &FormatError{path, "size", fmt.Sprint(size),
			fmt.Sprintf("%d to %d bytes", headerSize, maxFileSize)}
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

// attach continues the ring in mem where a previous consumer left it. gone reports whether the
// producer's lock is free; it is not called again once it was.
func attach(mem []byte, gone func() bool) (*Consumer, error) {
	c := &Consumer{gone: gone}
	err := error(&FormatError{Field: "file", Found: "truncated",
		Want: "the size it had when it was opened"})
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

// takeUp returns the position to begin at. A consumer that died between the two stores that free a
// cell has left head one short, at a cell that is free for the next lap or, with tail one lap and
// one further, complete in it.
func (c *Consumer) takeUp() {
	c.head = c.q.head.Load()
	cells := c.q.cells()
	ahead := c.q.cell(c.head).seq().Load() - c.head
	if ahead == cells || ahead == cells+1 && c.waiting() == cells+1 {
		c.moveTo(c.head + 1)
	}
}

// Next returns the next event, copied into buf from its start; buf grows if it is too small. It
// returns false if there is none now. The event counts as delivered at the following call of Next,
// Release or Close: if the process dies before, the next consumer gets it again.
func (c *Consumer) Next(buf []byte) (payload []byte, ok bool) {
	c.touch(func() { payload, ok = c.next(buf[:0]) })
	return payload, ok
}

// Release marks the event that Next returned as delivered and frees its cell. Next does so for the
// event before it.
func (c *Consumer) Release() { c.touch(c.release) }

// touch runs an access to the mapping: if it faults, only this ring ends.
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
			// Load again: it may have completed the cell before it died.
		case ahead == 0:
			c.counts.Lost++
			c.free(cell)
		case ahead == c.q.cells(): // Freed before; only after a resync.
			c.moveTo(c.head + 1)
		case ahead > c.q.cells() && c.waiting() > c.q.cells():
			// Also freed, and producers are in the next lap since tail was loaded.
		default:
			c.counts.Damaged++
			c.free(cell)
		}
	}
	return nil, false
}

// waiting returns the number of positions claimed and not freed; more than there are cells is
// invalid.
func (c *Consumer) waiting() uint64 {
	if c.dead {
		return c.end - c.head
	}
	return c.q.tail.Load() - c.head
}

// resync continues after head and tail contradicted each other. From the last position that one lap
// before the end allows, the walk finds every cell in its state: if only head was wrong, all events
// are delivered once. If tail was wrong, no cell fits; each is counted as damaged and freed for its
// position after the wild tail, and the ring works again.
func (c *Consumer) resync(waiting uint64) {
	c.counts.Resyncs++
	c.moveTo(c.head + waiting - c.q.cells())
}

// take copies the event out of a complete cell and holds the cell. A hostile producer can write
// meanwhile, so the length is read once and only the copy is parsed.
func (c *Consumer) take(cell cell, buf []byte) ([]byte, bool) {
	n := uint64(cell.length().Load())
	payload := cell.payload()
	if n == 0 || n > uint64(len(payload)) {
		if n == 0 {
			c.counts.Abandoned++
		} else {
			c.counts.Damaged++
		}
		c.free(cell)
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
		c.free(c.q.cell(c.head))
	}
}

// free frees the cell at head. The order matters: a crash before the first store repeats the event,
// a crash between the two is seen by takeUp; the other way round, a crash would leave a cell that
// no consumer ever frees.
func (c *Consumer) free(cell cell) {
	cell.seq().Store(c.head + c.q.cells())
	c.moveTo(c.head + 1)
}

func (c *Consumer) moveTo(pos uint64) {
	c.head = pos
	c.q.head.Store(pos)
}

// Alive reports whether the producer still holds its lock. It makes one system call until it
// returns false, which is final.
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

// Backlog returns the number of cells with an event that has not been delivered, finished or not.
func (c *Consumer) Backlog() (n uint64) {
	c.touch(func() { n = min(c.waiting(), c.q.cells()) })
	return n
}

// Drained reports whether the producer is gone and everything that it left has been delivered.
func (c *Consumer) Drained() bool { return !c.Alive() && c.Backlog() == 0 }

// Broken reports whether the file was truncated, so that it delivers nothing more.
func (c *Consumer) Broken() bool { return c.broken }

// Counts returns the counts as they are now.
func (c *Consumer) Counts() Counts {
	c.touch(func() {
		c.counts.Dropped = max(c.counts.Dropped, min(c.q.dropped.Load(), maxDropped))
	})
	return c.counts
}

// Close unmaps the file; the file stays, and another consumer may open it.
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
