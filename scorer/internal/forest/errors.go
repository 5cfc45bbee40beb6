package forest

import (
	"errors"
	"fmt"
)

// ErrUnsupported is the cause of errors about a sound model that cannot be evaluated.
var ErrUnsupported = errors.New("not supported")

// ErrExplained is the cause of errors whose reason says what is wrong and what to do: a file of
// another kind, or a model beyond the limits.
var ErrExplained = fmt.Errorf("%w here", ErrUnsupported)

// FormatError is the reason why the bytes of a model were rejected.
type FormatError struct {
	Format string // as Model.Format names it; empty if the format was not recognised
	Reason string // what was found, and what was expected
	Err    error  // cause, or nil; ErrUnsupported if the model is sound
}

func (e *FormatError) Error() string {
	text := "model"
	if e.Format != "" {
		text = e.Format + " model"
	}
	switch {
	case e.Reason == "" && e.Err != nil:
		return text + ": " + e.Err.Error()
	case e.Err == ErrExplained && e.Format == "":
		return e.Reason
	case e.Err == ErrExplained:
		return text + ": " + e.Reason
	case e.Err == ErrUnsupported:
		return text + ": " + e.Reason + " is not supported"
	case e.Err != nil:
		return text + ": " + e.Reason + ": " + e.Err.Error()
	}
	return text + ": " + e.Reason
}

func (e *FormatError) Unwrap() error { return e.Err }

// Damaged returns the error for a file that contradicts its format.
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

// Beyond completes to "<what>, at most <most> are accepted": the model may be sound, but exceeds a
// limit.
func Beyond(format string, most int, what string, args ...any) error {
	return &FormatError{Format: format, Reason: fmt.Sprintf(what, args...) +
		fmt.Sprintf(", at most %d are accepted", most), Err: ErrExplained}
}
