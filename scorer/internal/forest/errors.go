package forest

import (
	"errors"
	"fmt"
)

// ErrUnsupported is the cause of errors about a sound model that uses something that is not evaluated.
var ErrUnsupported = errors.New("not supported")

// ErrNamed is the cause of errors whose reason says what the matter is and what to do: a file of another kind, or a model beyond the limits of
// this package.
var ErrNamed = fmt.Errorf("%w here", ErrUnsupported)

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
	case e.Err == ErrNamed && e.Format == "":
		return e.Reason
	case e.Err == ErrNamed:
		return text + ": " + e.Reason
	case e.Err == ErrUnsupported:
		return text + ": " + e.Reason + " is not supported"
	case e.Err != nil:
		return text + ": " + e.Reason + ": " + e.Err.Error()
	}
	return text + ": " + e.Reason
}

func (e *FormatError) Unwrap() error { return e.Err }

func Damaged(format, reason string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(reason, args...)}
}

// Unsupported completes to "<what> is not supported".
func Unsupported(format, what string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(what, args...), Err: ErrUnsupported}
}

// Clipped keeps a name from a file from flooding an error message.
func Clipped(name string) string {
	const most = 64
	if len(name) > most {
		return name[:most] + "..."
	}
	return name
}

// Beyond completes to "<what>, at most <most> are accepted": the model may be sound, and is larger than this package takes.
func Beyond(format string, most int, what string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(what, args...) + fmt.Sprintf(", at most %d are accepted", most), Err: ErrNamed}
}
