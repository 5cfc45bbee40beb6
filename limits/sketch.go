package limits

import (
	"math"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/countmin"
)

// saturated is the value at which a cell stays. It is half of the range, so that an add that finds
// a cell just below it cannot wrap: that would take 2^31 goroutines between the two instructions of
// add.
const saturated = 1 << 63

// sketch is a count-min sketch over words that its user owns, row after row. All accesses to a word
// are atomic, and any goroutine may access it at any time.
type sketch struct {
	countmin.Geometry
	words []uint64 // len == cells()
}

// newSketch returns a sketch of geometry g over words, which must be g.Cells() long.
func newSketch(g countmin.Geometry, words []uint64) sketch {
	return sketch{Geometry: g, words: words[:g.Cells()]}
}

// add adds n to hash in every row and returns the lowest cell after its own addition. Wait-free:
// one atomic addition per row.
//
// Each cell counts everything that was added to it before, so the result is at least n plus the
// adds of hash that ended before this one began. Of two adds that overlap, each may miss the other;
// see [sketch.enter].
func (s *sketch) add(hash uint64, n uint32) uint64 {
	// Copies, since the compiler would read the fields again after each atomic operation; with two
	// goroutines that more than doubles the time.
	words, rows, width := s.words, s.Rows, s.Width&31
	low, high := uint64(math.MaxUint64), uint64(0)
	columns, base := uint64(1)<<width, uint64(0)
	for rest := hash; rows > 0; rows-- {
		// the cell of Geometry.Cell, step by step
		count := atomic.AddUint64(&words[base|rest&(columns-1)], uint64(n))
		low, high = min(low, count), high|count
		rest >>= width
		base += columns
	}
	if high >= saturated {
		return s.saturate(hash)
	}
	return low
}

// saturate sets the cells of hash that have reached the largest value back to it, and returns the
// lowest cell.
func (s *sketch) saturate(hash uint64) uint64 {
	for row := range s.Rows {
		word := &s.words[s.Cell(hash, row)]
		if atomic.LoadUint64(word) >= saturated {
			atomic.StoreUint64(word, saturated)
		}
	}
	return s.peek(hash)
}

// enter adds n and then reads all rows again. Of all the enters of a hash that have not been left,
// the one that finished its additions last sees all of them in every row: n of them together cannot
// each see fewer than n. The result of add alone does not have this property.
func (s *sketch) enter(hash uint64, n uint32) uint64 {
	s.add(hash, n)
	return s.peek(hash)
}

// peek returns the lowest cell of hash.
func (s *sketch) peek(hash uint64) uint64 {
	g, words := s.Geometry, s.words
	low := uint64(math.MaxUint64)
	for row := range g.Rows {
		low = min(low, atomic.LoadUint64(&words[g.Cell(hash, row)]))
	}
	return min(low, saturated)
}

// leave takes back what enter(hash, n) added, and reports whether every cell had that much. A cell
// stops at zero rather than wrap, and a saturated cell stays saturated, as it is unknown how much
// was added to it.
func (s *sketch) leave(hash uint64, n uint32) bool {
	g, words := s.Geometry, s.words
	whole := true
	for row := range g.Rows {
		if !subtract(&words[g.Cell(hash, row)], uint64(n)) {
			whole = false
		}
	}
	return whole
}

// subtract is a saturating atomic subtraction. Lock-free: a failed exchange means that another
// goroutine's succeeded.
func subtract(word *uint64, n uint64) bool {
	for {
		old := atomic.LoadUint64(word)
		if old >= saturated {
			return true
		}
		if atomic.CompareAndSwapUint64(word, old, old-min(old, n)) {
			return old >= n
		}
	}
}

// reset stores zero everywhere, one word at a time.
func (s *sketch) reset() {
	for i := range s.words {
		atomic.StoreUint64(&s.words[i], 0)
	}
}

// bytes returns the memory of the words.
func (s *sketch) bytes() int { return len(s.words) * 8 }
