package hostlimits

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/base/keyhash"
	"github.com/headgate/headgate/internal/base/mmap"
)

// The limits file. Its length follows from its header and never changes. Numbers are little endian;
// what follows the geometry are words in the machine's order. P is the number of seats, S that of
// sets, C that of cells (rows × columns). All is zero unless the table says otherwise.
//
//	offset      size   content
//	0           8      magic "hglimits"
//	8           4      format version, 2
//	12          4      rows of the sketch
//	16          4      columns of the sketch
//	20          4      sets of the exact table
//	24          4      seats
//	28          4      zero
//	32          8      generation: when the file was made, nanoseconds since 1970 UTC
//	40          8      seats in use: one more than the highest that was ever taken; never lowered
//	48          8      seats freed after their process had died
//	56          8      tickets that such processes held
//	64          64     tallies of the processes that are gone, as at 256 + 8
//	128         64     zero; byte 128 is the lock byte of the process that reaps
//	192         16     the secret that keys are hashed under, see internal/base/keyhash
//	208         8      1 if the Keeper has given the file up, see audit.go
//	216         40     zero
//	256+256k    8      seat k: 0 if free, else when it was taken, and flags (see move.go); its
//	                   first byte is the lock byte of its process
//	256+256k+8  8 × 8  its tallies: admitted, refused over threshold, over estimate, drained,
//	                   ticket in use, shed, over lowered, and clipped; written once a second
//	256+256k+72 8      requests that its process has open from before it changed the key, see
//	                   transition.go
//	locks       8 S    locks of the sets of the exact table
//	tags        64 S   tags of the exact counters
//	names       1024 S keys of the exact counters
//	held        64 S P exact counters: counter by counter, in each the words of all seats
//	cells       4 C P  the sketch: cell by cell, in each the words of all seats
const (
	fileMagic     = 0x7374696d696c6768
	fileFormat    = 2
	generationAt  = 32
	usedAt        = 40
	reapedAt      = 48
	orphansAt     = 56
	pastAt        = 64
	reaperLockAt  = 128
	secretAt      = 192
	givenUpAt     = 208
	fileHeader    = 256
	seatHeader    = 256
	seatTalliesAt = 8
	seatTallies   = 8
	earlierAt     = 72
	tallyClipped  = 7 // index of clipped releases in the tallies

	// MaxProcesses is the most seats that a file can have.
	MaxProcesses = 1024

	maxFileSize = 1 << 30
)

// FormatError says what is wrong with a limits file.
type FormatError struct {
	Path   string
	Reason string
}

// Error implements error.
func (e *FormatError) Error() string { return fmt.Sprintf("limits: %s: %s", e.Path, e.Reason) }

// header is the decoded header of a limits file.
type header struct {
	shape
	generation uint64
	secret     keyhash.Secret
}

// offsets are where the parts of a file begin, and its length.
type offsets struct{ locks, tags, names, held, cells, end int64 }

func (s shape) offsets() (o offsets) {
	counters, processes := int64(s.counters()), int64(s.seats)
	o.locks = fileHeader + seatHeader*processes
	o.tags = o.locks + roundUp(8*int64(s.sets))
	o.names = o.tags + 8*counters
	o.held = o.names + 8*nameWords*counters
	o.cells = roundUp(o.held + 8*counters*processes)
	o.end = roundUp(o.cells + 4*int64(s.Geometry.Cells())*processes)
	return o
}

// roundUp rounds up to cache lines, so that no two parts share one.
func roundUp(n int64) int64 { return (n + 127) &^ 127 }

// check refuses invalid shapes. Every bound is small enough that no product of them overflows.
func (s shape) check() error {
	switch {
	case s.sets < 1 || s.sets > maxExactSets || s.sets&(s.sets-1) != 0:
		return fmt.Errorf("%d sets, want a power of two up to %d", s.sets, maxExactSets)
	case s.seats < 1 || s.seats > MaxProcesses:
		return fmt.Errorf("room for %d processes, want 1 to %d", s.seats, MaxProcesses)
	case s.offsets().end > maxFileSize:
		return fmt.Errorf("%d bytes, want at most %d", s.offsets().end, maxFileSize)
	}
	return nil
}

// encode fills the header of a new file.
func (h header) encode(memory []byte) {
	binary.LittleEndian.PutUint64(memory, fileMagic)
	binary.LittleEndian.PutUint64(memory[generationAt:], h.generation)
	copy(memory[secretAt:], h.secret[:])
	for i, v := range []uint32{fileFormat, uint32(h.Rows), 1 << h.Width, uint32(h.sets),
		uint32(h.seats)} {
		binary.LittleEndian.PutUint32(memory[8+4*i:], v)
	}
}

// decodeHeader checks a file of the given length by its first bytes.
func decodeHeader(b []byte, size int64) (h header, err error) {
	if len(b) < fileHeader {
		return h, fmt.Errorf("%d bytes, want at least %d", size, fileHeader)
	}
	if magic := binary.LittleEndian.Uint64(b); magic != fileMagic {
		return h, fmt.Errorf("no limits file: magic %#016x, want %#016x", magic, uint64(fileMagic))
	}
	var v [5]uint32
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[8+4*i:])
	}
	if v[0] != fileFormat {
		return h, fmt.Errorf("limits format %d, this program knows %d", v[0], fileFormat)
	}
	// A zero would mean the default.
	if v[1] < 1 || v[1] > countmin.MaxRows || v[2] < 2 || v[2] > countmin.MaxColumns {
		return h, fmt.Errorf("a sketch of %d rows and %d columns", v[1], v[2])
	}
	g, err := countmin.Size{Rows: int(v[1]), Columns: int(v[2])}.Geometry()
	if err != nil {
		return h, fmt.Errorf("a sketch of %d rows and %d columns", v[1], v[2])
	}
	h = header{shape{g, uint(v[3]), uint(v[4])}, binary.LittleEndian.Uint64(b[generationAt:]),
		keyhash.Secret(b[secretAt:])}
	if err := h.check(); err != nil {
		return h, err
	}
	if end := h.offsets().end; end != size {
		return h, fmt.Errorf("%d bytes, want %d for %d rows, %d columns, %d sets and %d processes",
			size, end, h.Rows, 1<<bits.TrailingZeros32(v[2]), h.sets, h.seats)
	}
	return h, nil
}

// board is a mapped limits file.
type board struct {
	generation uint64
	secret     keyhash.Secret
	memory     []byte
	ledgers
}

// newBoard returns the parts of memory, which must be as long as the header says. seat may be
// noSeat.
func newBoard(h header, memory []byte, seat uint) *board {
	o := h.offsets()
	return &board{generation: h.generation, secret: h.secret, memory: memory, ledgers: ledgers{
		shape:  h.shape,
		hasher: keyhash.New(h.secret),
		seat:   seat,
		used:   mmap.Word64(memory, usedAt),
		locks:  mmap.Uint64s(memory[o.locks:][:8*h.sets]),
		tags:   mmap.Uint64s(memory[o.tags:o.names]),
		names:  mmap.Uint64s(memory[o.names:o.held]),
		held:   mmap.Uint64s(memory[o.held:][:8*uint(h.counters())*h.seats]),
		cells:  mmap.Uint32s(memory[o.cells:][:4*uint(h.Geometry.Cells())*h.seats]),
	}}
}

func seatOffset(k uint) int64 { return fileHeader + seatHeader*int64(k) }

// seatWord returns the word that says whether seat k is taken, and when.
func (b *board) seatWord(k uint) *atomic.Uint64 { return mmap.Word64(b.memory, int(seatOffset(k))) }

// tallyWords returns the tallies of seat k.
func (b *board) tallyWords(k uint) []uint64 {
	return mmap.Uint64s(b.memory[seatOffset(k)+seatTalliesAt:][:8*seatTallies])
}

// earlierWord returns the word in which the process of seat k writes how many requests it has open
// from before its last change of the key.
func (b *board) earlierWord(k uint) *atomic.Uint64 {
	return mmap.Word64(b.memory, int(seatOffset(k)+earlierAt))
}

// pastTallyWords returns the tallies of all processes that are gone.
func (b *board) pastTallyWords() []uint64 { return mmap.Uint64s(b.memory[pastAt:][:8*seatTallies]) }

func (b *board) word(at int) *atomic.Uint64 { return mmap.Word64(b.memory, at) }

// raise makes other processes include seat k in their sums.
func (b *board) raise(k uint) {
	for {
		used := b.used.Load()
		if used > uint64(k) && used <= uint64(b.seats) ||
			b.used.CompareAndSwap(used, max(min(used, uint64(b.seats)), uint64(k)+1)) {
			return
		}
	}
}
