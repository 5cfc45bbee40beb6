package scorer

import (
	"errors"
	"fmt"
)

// ErrUnsupported is wrapped by the error of Load for a well-formed model that uses something this package does not evaluate or is beyond its
// limits, and for a file that is a model of another kind, and by that of Explain for one whose trees it does not explain.
// The model is not damaged: another library can serve it, or it can be trained without that part.
var ErrUnsupported = errors.New("not supported")

// ErrIterations is wrapped by the error of a Loader that asks for iterations that a model does not have.
var ErrIterations = errors.New("no such iterations")

// FormatError says why the bytes of a model were refused.
type FormatError struct {
	Format string // as Model.Format names it; empty if the format was not recognised
	Reason string // what was found, and what was expected
	Err    error  // cause, or nil; ErrUnsupported for what a model may contain but this package does not evaluate
}

func (e *FormatError) Error() string {
	text := "model"
	if e.Format != "" {
		text = e.Format + " model"
	}
	switch {
	case e.Reason == "" && e.Err != nil:
		return text + ": " + e.Err.Error()
	case e.Err == errNamed && e.Format == "":
		return e.Reason
	case e.Err == errNamed:
		return text + ": " + e.Reason
	case e.Err == ErrUnsupported:
		return text + ": " + e.Reason + " is not supported"
	case e.Err != nil:
		return text + ": " + e.Reason + ": " + e.Err.Error()
	}
	return text + ": " + e.Reason
}

func (e *FormatError) Unwrap() error { return e.Err }

// wrongLength says that a row is not one of a model's.
func wrongLength(values, features int) error {
	return fmt.Errorf("scorer: score a row: it has %d values, the model takes %d (one for each of Features, NaN where it is missing): %w",
		values, features, ErrMismatch)
}

func damaged(format, reason string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(reason, args...)}
}

// unsupported completes to "<what> is not supported".
func unsupported(format, what string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(what, args...), Err: ErrUnsupported}
}

// clipped keeps a name from a file from flooding an error message.
func clipped(name string) string {
	const most = 64
	if len(name) > most {
		return name[:most] + "..."
	}
	return name
}
