package accesslog

import (
	"errors"
	"fmt"
)

// ErrGzip is wrapped by the error of a [Reader] whose gzip stream is damaged or cut short. Nothing
// more can be read then.
var ErrGzip = errors.New("the gzip stream is damaged or cut short")

// maxExcerpt bounds LineError.Text, in bytes.
const maxExcerpt = 120

// LineError reports that one line is not an access log line. Reading may go on.
type LineError struct {
	Line   int    // number of the line, from 1
	Reason string // what is wrong, a clause for people
	Text   string // the beginning of the line, at most 120 bytes of printable ASCII
}

func (e *LineError) Error() string {
	return fmt.Sprintf("accesslog: line %d: %s: %q", e.Line, e.Reason, e.Text)
}

// excerpt returns the beginning of a line, safe for a terminal: a dot replaces each byte that is
// not printable ASCII.
func excerpt(line []byte) string {
	text := append([]byte(nil), line[:min(len(line), maxExcerpt)]...)
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}
