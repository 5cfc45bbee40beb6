package limits

import (
	"errors"
	"fmt"
	"math/bits"
)

// Sizes of the count-min sketch. See [SketchConfig].
const (
	DefaultRows    = 4
	DefaultColumns = 8192

	// MaxColumns bounds the memory of one sketch to 256 MiB (2 rows of 2^24).
	MaxColumns = 1 << 24

	hashBits = 64
)

// ErrConfig is what every configuration error of this package wraps.
var ErrConfig = errors.New("limits: invalid configuration")

// ConfigError says which setting was refused and why.
type ConfigError struct {
	Field  string // as in the Go source, for example "Sketch.Columns"
	Value  any
	Reason string
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("limits: %s = %v: %s", e.Field, e.Value, e.Reason)
}

// Unwrap makes errors.Is(err, ErrConfig) hold.
func (e *ConfigError) Unwrap() error { return ErrConfig }

// SketchConfig is the size of a count-min sketch. A zero field takes its
// default: 4 rows of 8192 columns, 256 KiB.
//
// Each row takes its column from its own bits of the 64-bit hash, so
// Rows * log2(Columns) must not exceed 64. Two given keys collide in all rows
// with probability 2^-(Rows * log2(Columns)). With N counts spread over the
// sketch a count is too high by more than 2*N/Columns with probability at most
// 2^-Rows.
type SketchConfig struct {
	Rows    int // 1 to 64
	Columns int // a power of two from 2 to MaxColumns
}

// geometry checks c, fills in the defaults and returns the resulting shape.
func (c SketchConfig) geometry() (geometry, error) {
	if c.Rows == 0 {
		c.Rows = DefaultRows
	}
	if c.Columns == 0 {
		c.Columns = DefaultColumns
	}
	if c.Columns < 2 || c.Columns > MaxColumns || c.Columns&(c.Columns-1) != 0 {
		return geometry{}, &ConfigError{"Sketch.Columns", c.Columns,
			fmt.Sprintf("must be a power of two from 2 to %d", MaxColumns)}
	}
	width := bits.TrailingZeros(uint(c.Columns))
	if c.Rows < 1 || c.Rows > hashBits/width {
		return geometry{}, &ConfigError{"Sketch.Rows", c.Rows,
			fmt.Sprintf("must be 1 to %d with %d columns, as each row takes %d of the 64 bits of the hash",
				hashBits/width, c.Columns, width)}
	}
	return geometry{rows: uint(c.Rows), width: uint(width)}, nil
}

// geometry is a checked sketch shape: rows of 2^width cells.
type geometry struct {
	rows, width uint
}

// cells is the number of cells of all rows together.
func (g geometry) cells() int { return int(g.rows << g.width) }

// cell is the index of the cell of hash in row, in [0, cells()).
func (g geometry) cell(hash uint64, row uint) uint64 {
	width := g.width & 31 // it is at most 24; the mask spares the shifts a check
	column := hash >> (row * width & 63) & (1<<width - 1)
	return uint64(row)<<width | column
}
