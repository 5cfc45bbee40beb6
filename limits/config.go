package limits

import (
	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// ErrConfig is wrapped by every configuration error of this package.
var ErrConfig = hostlimits.ErrConfig

// ConfigError says which setting is wrong, and why. It has the fields Field (a string, as in the Go
// source, for example "Sketch.Columns"), Value (any) and Reason (a string), and wraps [ErrConfig].
type ConfigError = hostlimits.ConfigError

// SketchConfig is the size of a count-min sketch. The zero value means 4 rows of 8192 columns, 256
// KiB.
//
// Each row takes its column from its own bits of the 64-bit hash, so Rows * log2(Columns) must not
// exceed 64. Two given keys collide in all rows with probability 2^-(Rows * log2(Columns)). With N
// counts spread over the sketch a count is too high by more than 2*N/Columns with probability at
// most 2^-Rows.
type SketchConfig struct {
	Rows    int // 1 to 64; 0 means 4
	Columns int // a power of two from 2 to 2^24; 0 means 8192
}

// geometry checks c and fills in the defaults. The error is a *[ConfigError].
func geometry(c SketchConfig) (countmin.Geometry, error) {
	return hostlimits.NewGeometry(countmin.Size(c))
}
