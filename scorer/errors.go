package scorer

import (
	"errors"
	"fmt"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// ErrUnsupported is wrapped by the error of Load for a well-formed model that uses something this package does not evaluate or is beyond its
// limits, and for a file that is a model of another kind, and by that of Explain for one whose trees it does not explain.
// The model is not damaged: another library can serve it, or it can be trained without that part.
var ErrUnsupported = forest.ErrUnsupported

// ErrIterations is wrapped by the error of a Loader that asks for iterations that a model does not have.
var ErrIterations = errors.New("no such iterations")

// FormatError says why the bytes of a model were refused.
type FormatError struct {
	Format string // as Model.Format names it; empty if the format was not recognised
	Reason string // what was found, and what was expected
	Err    error  // cause, or nil; ErrUnsupported for what a model may contain but this package does not evaluate
}

func (e *FormatError) Error() string { return (*forest.FormatError)(e).Error() }

func (e *FormatError) Unwrap() error { return e.Err }

// published gives an error about the bytes of a model the type that users know.
func published(err error) error {
	if e, ok := err.(*forest.FormatError); ok {
		return (*FormatError)(e)
	}
	return err
}

// wrongLength says that a row is not one of a model's.
func wrongLength(values, features int) error {
	return fmt.Errorf("scorer: score a row: it has %d values, the model takes %d (one for each of Features, NaN where it is missing): %w",
		values, features, ErrMismatch)
}
