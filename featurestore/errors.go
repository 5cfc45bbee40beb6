package featurestore

import "fmt"

// FormatError reports that an image is damaged, not a feature table or of a newer format.
type FormatError struct {
	Reason string // what was found and what was expected
}

func (e *FormatError) Error() string { return "featurestore: " + e.Reason }

func formatErrorf(format string, args ...any) error {
	return &FormatError{Reason: fmt.Sprintf(format, args...)}
}
