package limits

import (
	"math"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/countmin"
)

// Epochs are consecutive intervals, numbered. A key has two cells per row, one for even and one for
// odd epochs, so the previous epoch can be read, and late events added to it, while the current one
// is being counted.

// firstEpoch leaves room below it for "the epoch before", and makes the zero words of a new sketch
// older than any epoch.
const firstEpoch = 2

// epochCell is one word of an epochSketch: the epoch that its count belongs to, and the count. Both
// change in one compare-and-swap; that is what keeps an event from falling between a reset and an
// addition.
//
//	bits 32-63  tag: the epoch divided by two, modulo 2^32 (its parity is the cell's index's)
//	bits  0-31  count; stays at the maximum once there, until the next epoch
type epochCell uint64

// cellIn returns the cell that holds count in epoch.
func cellIn(epoch uint64, count uint32) epochCell {
	return epochCell(uint64(uint32(epoch>>1))<<32 | uint64(count))
}

func (c epochCell) count() uint32 { return uint32(c) }

// plus adds n to the count, stopping at the maximum.
func (c epochCell) plus(n uint32) epochCell {
	room := math.MaxUint32 - c.count()
	return c + epochCell(min(n, room))
}

// distance returns the number of epochs of the cell's parity from epoch to the cell: negative if
// the cell is older. Beyond 2^31 the sign is wrong, which [epochSketch.ahead] corrects.
func (c epochCell) distance(epoch uint64) int32 {
	return int32(uint32(c>>32) - uint32(epoch>>1))
}

// epochSketch is a count-min sketch whose cells know their epoch, over words that its user owns.
// The cells of a key's even and odd epochs are beside each other, on one cache line.
type epochSketch struct {
	countmin.Geometry
	words  []uint64 // len == 2 * cells(); atomic access only
	newest atomic.Uint64
}

// epochWords returns how many words an epochSketch of this shape needs.
func epochWords(g countmin.Geometry) int { return 2 * g.Cells() }

// begin notes that epoch has begun and returns the epoch in which an event of that epoch counts:
// its own if that is the newest or the second newest, and otherwise the second newest, the oldest
// that is reported.
//
// newest only rises, and rises before any cell gets the new epoch's tag.
func (s *epochSketch) begin(epoch uint64) uint64 {
	newest := s.newest.Load()
	for newest < epoch {
		if s.newest.CompareAndSwap(newest, epoch) {
			return epoch
		}
		newest = s.newest.Load()
	}
	return max(epoch, newest-1)
}

// add counts n events of hash in epoch, which came from begin, and returns the count and the epoch
// in which it counted. That is a later one only if two rotations overtook this call; it then starts
// again in the later epoch, so that every row has the event there. What the first try left in the
// old epoch is not reported any more by then.
func (s *epochSketch) add(hash uint64, n uint32, epoch uint64) (count uint32, in uint64) {
	g, words := s.Geometry, s.words // see sketch.add
	count = math.MaxUint32
	for row := uint(0); row < g.Rows; row++ {
		c, in := s.addCell(&words[epochCellIndex(g, hash, row, epoch)], n, epoch)
		if in != epoch {
			epoch, count, row = in, math.MaxUint32, ^uint(0) // the increment makes it row 0
			continue
		}
		count = min(count, c)
	}
	return count, epoch
}

// addCell counts n in one cell. If the cell is of a later epoch, addCell changes nothing and
// returns that epoch.
func (s *epochSketch) addCell(word *uint64, n uint32, epoch uint64) (count uint32, in uint64) {
	for {
		old := epochCell(atomic.LoadUint64(word))
		var next epochCell
		switch d := old.distance(epoch); {
		case d == 0:
			next = old.plus(n)
		case s.ahead(d, epoch):
			return 0, epoch + 2*uint64(d)
		default:
			next = cellIn(epoch, n) // the first touch in this epoch renews the cell
		}
		if atomic.CompareAndSwapUint64(word, uint64(old), uint64(next)) {
			return next.count(), epoch
		}
	}
}

// peek returns the count of hash in epoch. ok is false if a cell has moved on to a later epoch, so
// that the count of this one is gone.
func (s *epochSketch) peek(hash uint64, epoch uint64) (count uint32, ok bool) {
	g, words := s.Geometry, s.words
	count = math.MaxUint32
	for row := range g.Rows {
		c := epochCell(atomic.LoadUint64(&words[epochCellIndex(g, hash, row, epoch)]))
		switch d := c.distance(epoch); {
		case d == 0:
			count = min(count, c.count())
		case s.ahead(d, epoch):
			return 0, false
		default:
			count = 0
		}
	}
	return count, true
}

// ahead distinguishes a cell that is d steps newer than epoch from one so old that its tag has
// wrapped around: no cell is newer than the newest epoch. The one exception is a cell that was last
// written exactly 2^33 epochs before the epoch in question (272 years of 1 s epochs, 99 days of 1
// ms). It counts as a cell of that epoch, whose count is then too high; it is never too low.
func (s *epochSketch) ahead(d int32, epoch uint64) bool {
	return d > 0 && epoch+2*uint64(d) <= s.newest.Load()
}

// epochCellIndex returns the index of the cell of hash in row for epochs of this parity.
func epochCellIndex(g countmin.Geometry, hash uint64, row uint, epoch uint64) uint64 {
	return g.Cell(hash, row)<<1 | epoch&1
}
