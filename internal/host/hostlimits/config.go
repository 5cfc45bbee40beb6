package hostlimits

import (
	"errors"
	"fmt"

	"github.com/headgate/headgate/internal/base/countmin"
)

// ErrConfig is what every configuration error of this package wraps.
var ErrConfig = errors.New("limits: invalid configuration")

// ConfigError says which setting is wrong, and why. It is also the error of package limits.
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

// NewGeometry returns the geometry of a sketch. The error is a *[ConfigError].
func NewGeometry(size countmin.Size) (countmin.Geometry, error) {
	g, err := size.Geometry()
	if wrong := new(countmin.SizeError); errors.As(err, &wrong) {
		return g, (*ConfigError)(wrong)
	}
	return g, err
}
