package scorer

import (
	"errors"
	"fmt"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// ErrUnsupported is wrapped by the error of Load for a well-formed model that uses a feature this
// package does not evaluate, exceeds its limits or is of another format, and by the error of
// Explain for trees that it does not explain. The model is not damaged: another library can
// evaluate it, or it can be trained without that part.
var ErrUnsupported = forest.ErrUnsupported

// ErrIterations is wrapped by the error of a Loader whose Iterations exceed those of the model.
var ErrIterations = errors.New("no such iterations")

// FormatError is the reason why the bytes of a model were rejected.
type FormatError struct {
	Format string // as Model.Format names it; empty if the format was not recognised
	Reason string // what was found, and what was expected
	Err    error  // cause, or nil; ErrUnsupported if the model is sound
}

func (e *FormatError) Error() string { return (*forest.FormatError)(e).Error() }

func (e *FormatError) Unwrap() error { return e.Err }

// publicError converts the error of a decoder to the public type.
func publicError(err error) error {
	if e, ok := err.(*forest.FormatError); ok {
		return (*FormatError)(e)
	}
	return err
}

// wrongLength returns the error for a row of another length than the model takes.
func wrongLength(values, features int) error {
	return fmt.Errorf("scorer: score a row: it has %d values, the model takes %d (one for each "+
		"of Features, NaN where it is missing): %w",
		values, features, ErrMismatch)
}
