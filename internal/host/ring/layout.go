package ring

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A file is a header and then the cells, back to back; nothing follows. All words are little endian
// and aligned to their size. A reader of the file checks magic, version, that both sizes are in
// range and powers of two, and that they match the file's size; everything else changes at any time
// and is checked where it is used.
//
//	header            written by                     meaning
//	  0  8  magic     producer, once                 "HGEVRING"
//	  8  4  version   producer, once                 1
//	 12  4  cells     producer, once                 number of cells, a power of two
//	 16  4  cell size producer, once                 bytes of a cell, a power of two
//	 20     zeros up to the next line
//	128  8  tail      producers, compare-and-swap    positions claimed since the file was made
//	256  8  head      consumer                       positions freed; read by a new consumer
//	384  8  dropped   producers, add                 events refused because the ring was full
//	512     cells
//
// The cell of position p is p mod cells.
//
//	cell
//	  0  8  sequence  in turn, see below
//	  8  4  length    the producer that claimed it   bytes of payload; 0 = abandoned
//	 12  4  zero
//	 16     payload   the producer that claimed it
//
// Sequence of the cell of position p: p = free, or claimed once tail > p; p+1 = complete (stored by
// the producer after length and payload); p+cells = freed (stored by the consumer, before head),
// which is "free" for position p+cells.
//
// Tail, head and dropped each have 128 bytes to themselves, because processors fetch cache lines in
// pairs.
const (
	magicOffset    = 0
	versionOffset  = 8
	cellsOffset    = 12
	cellSizeOffset = 16
	tailOffset     = 128
	headOffset     = 256
	droppedOffset  = 384
	headerSize     = 512

	seqOffset     = 0
	lengthOffset  = 8
	payloadOffset = 16
)

// Limits of the format. The least number of cells keeps p+1 and p+cells apart.
const (
	formatVersion = 1
	minCells      = 2
	maxCells      = 1 << 20
	minCellSize   = 64
	maxCellSize   = 64 << 10
	maxFileSize   = headerSize + 256<<20
)

const magic = "HGEVRING"

// Config is the size of a new ring; the zero value is 4096 cells of 1 KiB.
type Config struct {
	Cells    int // events the ring holds: a power of two, 2 to 2^20; 0 = 4096
	CellSize int // bytes of a cell, 16 of them for its words: a power of two, 64 to 65536; 0 = 1024
}

// complete fills in the defaults and checks the rest.
func (c Config) complete() (Config, error) {
	if c.Cells == 0 {
		c.Cells = 4096
	}
	if c.CellSize == 0 {
		c.CellSize = 1024
	}
	if !sizeOK(c.Cells, minCells, maxCells) {
		return c, fmt.Errorf("ring: %d cells: want a power of two from %d to %d", c.Cells, minCells,
			maxCells)
	}
	if !sizeOK(c.CellSize, minCellSize, maxCellSize) {
		return c, fmt.Errorf("ring: cell of %d bytes: want a power of two from %d to %d",
			c.CellSize, minCellSize, maxCellSize)
	}
	if c.fileSize() > maxFileSize {
		return c, fmt.Errorf("ring: %d cells of %d bytes: want a file of at most %d bytes", c.Cells,
			c.CellSize, maxFileSize)
	}
	return c, nil
}

func (c Config) fileSize() int64 { return headerSize + int64(c.Cells)*int64(c.CellSize) }

func sizeOK(n, least, most int) bool {
	return n >= least && n <= most && bits.OnesCount(uint(n)) == 1
}

// FormatError says why a file is not a ring that this version can serve.
type FormatError struct {
	Path  string // empty if the bytes are not a file's
	Field string
	Found string
	Want  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("ring: %s: %s is %s, want %s", e.Path, e.Field, e.Found, e.Want)
}

// format writes an empty ring into mem, which must be zeroed and of cfg's size.
func format(mem []byte, cfg Config) queue {
	copy(mem[magicOffset:], magic)
	binary.LittleEndian.PutUint32(mem[versionOffset:], formatVersion)
	binary.LittleEndian.PutUint32(mem[cellsOffset:], uint32(cfg.Cells))
	binary.LittleEndian.PutUint32(mem[cellSizeOffset:], uint32(cfg.CellSize))
	q := newQueue(mem, cfg)
	for pos := range uint64(cfg.Cells) {
		q.cell(pos).seq().Store(pos)
	}
	return q
}

// parse checks the constant part of the header against the size of mem. The sizes are copied into
// the queue; the header is not read again.
func parse(mem []byte) (queue, error) {
	if len(mem) < headerSize {
		return queue{}, wrong("size", len(mem), fmt.Sprintf("at least %d bytes", headerSize))
	}
	if got := string(mem[magicOffset:versionOffset]); got != magic {
		return queue{}, wrong("magic", fmt.Sprintf("%q", got), fmt.Sprintf("%q", magic))
	}
	if v := binary.LittleEndian.Uint32(mem[versionOffset:]); v != formatVersion {
		return queue{}, wrong("format version", v, formatVersion)
	}
	cells := binary.LittleEndian.Uint32(mem[cellsOffset:])
	if cells > maxCells || !sizeOK(int(cells), minCells, maxCells) {
		return queue{}, wrong("number of cells", cells,
			fmt.Sprintf("a power of two from %d to %d", minCells, maxCells))
	}
	size := binary.LittleEndian.Uint32(mem[cellSizeOffset:])
	if size > maxCellSize || !sizeOK(int(size), minCellSize, maxCellSize) {
		return queue{}, wrong("cell size", size, fmt.Sprintf("a power of two from %d to %d",
			minCellSize, maxCellSize))
	}
	cfg := Config{Cells: int(cells), CellSize: int(size)}
	if cfg.fileSize() != int64(len(mem)) {
		return queue{}, wrong("size", len(mem), fmt.Sprintf("%d bytes", cfg.fileSize()))
	}
	return newQueue(mem, cfg), nil
}

func wrong(field string, found, want any) error {
	return &FormatError{Field: field, Found: fmt.Sprint(found), Want: fmt.Sprint(want)}
}
