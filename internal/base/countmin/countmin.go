// Package countmin has what count-min sketches have in common: their sizes, and which cells a hash
// has in them (Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch
// and its applications", J. Algorithms 55, 2005).
package countmin

import (
	"fmt"
	"math/bits"
)

const (
	DefaultRows    = 4
	DefaultColumns = 8192

	// MaxColumns bounds the memory of one sketch to 256 MiB (2 rows of 2^24).
	MaxColumns = 1 << 24

	// MaxRows is what the 64 bits of a hash suffice for, with 2 columns.
	MaxRows = hashBits

	hashBits = 64
)

// Size is the size of a sketch. A zero field takes its default.
type Size struct {
	Rows    int // 1 to MaxRows
	Columns int // a power of two from 2 to MaxColumns
}

// SizeError says which field of a size was refused and why.
type SizeError struct {
	Field  string // "Sketch.Rows" or "Sketch.Columns"
	Value  any
	Reason string
}

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("countmin: %s = %v: %s", e.Field, e.Value, e.Reason)
}

// Geometry checks s, fills in the defaults and returns the resulting geometry. The error is a
// *[SizeError].
func (s Size) Geometry() (Geometry, error) {
	if s.Rows == 0 {
		s.Rows = DefaultRows
	}
	if s.Columns == 0 {
		s.Columns = DefaultColumns
	}
	if s.Columns < 2 || s.Columns > MaxColumns || s.Columns&(s.Columns-1) != 0 {
		return Geometry{}, &SizeError{"Sketch.Columns", s.Columns,
			fmt.Sprintf("must be a power of two from 2 to %d", MaxColumns)}
	}
	width := bits.TrailingZeros(uint(s.Columns))
	if s.Rows < 1 || s.Rows > hashBits/width {
		return Geometry{}, &SizeError{"Sketch.Rows", s.Rows,
			fmt.Sprintf("must be 1 to %d with %d columns, as each row takes %d of the hash's 64 bits",
				hashBits/width, s.Columns, width)}
	}
	return Geometry{Rows: uint(s.Rows), Width: uint(width)}, nil
}

// Geometry is a checked size: rows of 2^Width cells.
type Geometry struct {
	Rows, Width uint
}

// Cells returns the number of cells of all rows together.
func (g Geometry) Cells() int { return int(g.Rows << g.Width) }

// Cell returns the index of the cell of hash in row, in [0, Cells()). Each row takes its column
// from its own bits of the hash.
func (g Geometry) Cell(hash uint64, row uint) uint64 {
	width := g.Width & 31 // it is at most 24; the mask spares the shifts a check
	column := hash >> (row * width & 63) & (1<<width - 1)
	return uint64(row)<<width | column
}
