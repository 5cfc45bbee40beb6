package featurestore

import "fmt"

// FormatError reports an image that is damaged, foreign or of a newer format.
type FormatError struct {
	Reason string // what was found and what was expected
}

func (e *FormatError) Error() string { return "feature table: " + e.Reason }

func formatErrorf(format string, args ...any) error {
	return &FormatError{Reason: fmt.Sprintf(format, args...)}
}
