package ring

import (
	"math/bits"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// queue is the bytes of a ring as words and cells; it has no state of its own. It works on any
// memory, so that the protocol runs on the heap under the race detector.
type queue struct {
	mem     []byte
	tail    *atomic.Uint64
	head    *atomic.Uint64
	dropped *atomic.Uint64
	mask    uint64 // cells - 1
	shift   int    // log2 of the cell size
}

func newQueue(mem []byte, cfg Config) queue {
	return queue{
		mem:     mem,
		tail:    mmap.Word64(mem, tailOffset),
		head:    mmap.Word64(mem, headOffset),
		dropped: mmap.Word64(mem, droppedOffset),
		mask:    uint64(cfg.Cells - 1),
		shift:   bits.TrailingZeros(uint(cfg.CellSize)),
	}
}

func (q *queue) cells() uint64 { return q.mask + 1 }

// cell returns the cell of a position; every position has one.
func (q *queue) cell(pos uint64) cell {
	start := headerSize + int(pos&q.mask)<<q.shift
	end := start + 1<<q.shift
	return q.mem[start:end:end]
}

// cell is the bytes of one cell.
type cell []byte

func (c cell) seq() *atomic.Uint64    { return mmap.Word64(c, seqOffset) }
func (c cell) length() *atomic.Uint32 { return mmap.Word32(c, lengthOffset) }

func (c cell) payload() []byte { return c[payloadOffset:] }
