package hostlimits

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/headgate/headgate/internal/countmin"
	"github.com/headgate/headgate/internal/keyhash"
	"github.com/headgate/headgate/internal/mmap"
)

// The limits file. Its length follows from its header and never changes. Numbers are little endian; what follows the
// geometry are words in the machine's order. P is the number of processes, S that of sets, C that of cells (rows ×
// columns). All is zero but where a table says otherwise.
//
//	offset      size   content
//	0           8      magic "hglimits"
//	8           4      format version, 2
//	12          4      rows of the sketch
//	16          4      columns of the sketch
//	20          4      sets of the exact table
//	24          4      processes that can count
//	28          4      zero
//	32          8      generation: when the file was made, nanoseconds since 1970 UTC
//	40          8      number of the ledgers ever taken: the highest one's, and one; never lowered
//	48          8      ledgers freed after their process had died
//	56          8      tickets that such processes held
//	64          64     what processes that are gone had counted, as at 256 + 8
//	128         64     zero; byte 128 is the lock byte of whoever reaps
//	192         16     the secret that keys are hashed under, see internal/keyhash
//	208         8      1 where the Keeper has given the file up, see audit.go
//	216         40     zero
//	256+256k    8      ledger k: 0 free, else when it was taken and two flags (see move.go); its first byte is the lock
//	                   byte of its process
//	256+256k+8  8 × 8  what it has counted: admitted, refused over threshold, over estimate, drained, ticket in use, shed,
//	                   over lowered, and what was clipped; written once a second
//	256+256k+72 8      requests that its process has open from before it changed the key, see transition.go
//	locks       8 S    who assigns slots in a set
//	tags        64 S   whose a slot is
//	names       1024 S the keys of the slots
//	held        64 S P exact counters: slot after slot, in each the words of all ledgers
//	cells       4 C P  the sketch: cell after cell, in each the words of all ledgers
const (
	fileMagic       = 0x7374696d696c6768
	fileFormat      = 2
	generationAt    = 32
	usedAt          = 40
	reapedAt        = 48
	orphansAt       = 56
	pastAt          = 64
	reaperLockAt    = 128
	secretAt        = 192
	givenUpAt       = 208
	fileHeader      = 256
	ledgerHeader    = 256
	ledgerTalliesAt = 8
	fileTallies     = 8
	earlierAt       = 72
	toldClipped     = 7 // place of these among the tallies

	// MaxProcesses bounds how many processes can count together.
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

// header is what a limits file says of itself.
type header struct {
	shape
	generation uint64
	secret     keyhash.Secret
}

// offsets are where the parts of a file of some shape begin, and its length.
type offsets struct{ locks, tags, names, held, cells, end int64 }

func (s shape) offsets() (o offsets) {
	slots, processes := int64(s.slots()), int64(s.processes)
	o.locks = fileHeader + ledgerHeader*processes
	o.tags = o.locks + roundUp(8*int64(s.sets))
	o.names = o.tags + 8*slots
	o.held = o.names + 8*nameWords*slots
	o.cells = roundUp(o.held + 8*slots*processes)
	o.end = roundUp(o.cells + 4*int64(s.Geometry.Cells())*processes)
	return o
}

// roundUp keeps parts on cache lines of their own.
func roundUp(n int64) int64 { return (n + 127) &^ 127 }

// check refuses shapes that make no file. Every bound is small enough that no product of them overflows.
func (s shape) check() error {
	switch {
	case s.sets < 1 || s.sets > maxExactSets || s.sets&(s.sets-1) != 0:
		return fmt.Errorf("%d sets, want a power of two up to %d", s.sets, maxExactSets)
	case s.processes < 1 || s.processes > MaxProcesses:
		return fmt.Errorf("room for %d processes, want 1 to %d", s.processes, MaxProcesses)
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
	for i, v := range []uint32{fileFormat, uint32(h.Rows), 1 << h.Width, uint32(h.sets), uint32(h.processes)} {
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
	// A zero would be taken for the default.
	if v[1] < 1 || v[1] > countmin.MaxRows || v[2] < 2 || v[2] > countmin.MaxColumns {
		return h, fmt.Errorf("a sketch of %d rows and %d columns", v[1], v[2])
	}
	g, err := countmin.Size{Rows: int(v[1]), Columns: int(v[2])}.Geometry()
	if err != nil {
		return h, fmt.Errorf("a sketch of %d rows and %d columns", v[1], v[2])
	}
	h = header{shape{g, uint(v[3]), uint(v[4])}, binary.LittleEndian.Uint64(b[generationAt:]), keyhash.Secret(b[secretAt:])}
	if err := h.check(); err != nil {
		return h, err
	}
	if end := h.offsets().end; end != size {
		return h, fmt.Errorf("%d bytes, want %d for %d rows, %d columns, %d sets and %d processes",
			size, end, h.Rows, 1<<bits.TrailingZeros32(v[2]), h.sets, h.processes)
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

// newBoard lays the parts over memory, which must be as long as the header says. own is the number of a ledger, or
// that of none.
func newBoard(h header, memory []byte, own uint) *board {
	o := h.offsets()
	return &board{generation: h.generation, secret: h.secret, memory: memory, ledgers: ledgers{
		shape:  h.shape,
		hasher: keyhash.New(h.secret),
		own:    own,
		used:   mmap.Word64(memory, usedAt),
		locks:  mmap.Uint64s(memory[o.locks:][:8*h.sets]),
		tags:   mmap.Uint64s(memory[o.tags:o.names]),
		names:  mmap.Uint64s(memory[o.names:o.held]),
		held:   mmap.Uint64s(memory[o.held:][:8*uint(h.slots())*h.processes]),
		cells:  mmap.Uint32s(memory[o.cells:][:4*uint(h.Geometry.Cells())*h.processes]),
	}}
}

func ledgerAt(k uint) int64 { return fileHeader + ledgerHeader*int64(k) }

// taken is the word that tells whether ledger k has been taken.
func (b *board) taken(k uint) *atomic.Uint64 { return mmap.Word64(b.memory, int(ledgerAt(k))) }

// told are the words in which ledger k's process tells what it has counted.
func (b *board) told(k uint) []uint64 {
	return mmap.Uint64s(b.memory[ledgerAt(k)+ledgerTalliesAt:][:8*fileTallies])
}

// earlier is the word in which ledger k's process tells how many requests it has open from before its last change of the
// key.
func (b *board) earlier(k uint) *atomic.Uint64 {
	return mmap.Word64(b.memory, int(ledgerAt(k)+earlierAt))
}

// past are the words of told of all processes that are gone.
func (b *board) past() []uint64 { return mmap.Uint64s(b.memory[pastAt:][:8*fileTallies]) }

func (b *board) word(at int) *atomic.Uint64 { return mmap.Word64(b.memory, at) }

// raise sees to it that ledger k is looked at.
func (b *board) raise(k uint) {
	for {
		used := b.used.Load()
		if used > uint64(k) && used <= uint64(b.processes) || b.used.CompareAndSwap(used, max(min(used, uint64(b.processes)), uint64(k)+1)) {
			return
		}
	}
}
