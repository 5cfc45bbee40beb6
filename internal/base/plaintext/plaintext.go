// Package plaintext makes strings from clients and files harmless for display: on a terminal, which
// obeys control characters, and in a spreadsheet, which computes formulas.
package plaintext

import (
	"io"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Append appends s with each control character and each byte that is not UTF-8 as \xNN, and each
// character that changes the direction of a text as \uNNNN. Line feeds, tabs and all other text are
// kept. The result is valid UTF-8 if dst is.
func Append(dst []byte, s string) []byte {
	for len(s) > 0 {
		if n := plainPrefix(s); n > 0 {
			dst, s = append(dst, s[:n]...), s[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		dst = appendEscaped(dst, r, s[:size])
		s = s[size:]
	}
	return dst
}

// plainPrefix returns the number of bytes at the beginning of s that need no escape.
func plainPrefix(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !plainByte(c) {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return i
		}
		i += size
	}
	return len(s)
}

func plainByte(c byte) bool { return c >= ' ' && c != 0x7f || c == '\n' || c == '\t' }

func appendEscaped(dst []byte, r rune, raw string) []byte {
	const hex = "0123456789abcdef"
	if unicode.Is(unicode.Bidi_Control, r) {
		return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	for i := range len(raw) { // U+0080 to U+009F have two bytes, and become two escapes
		dst = append(dst, '\\', 'x', hex[raw[i]>>4], hex[raw[i]&15])
	}
	return dst
}

// AppendCell appends s like [Append], for a cell that a spreadsheet may open. If s begins with a
// character that starts a formula (= + - @, a tab, a carriage return or a line feed) or with an
// apostrophe, it prepends an apostrophe, so that the cell is text. To get s back, remove one
// leading apostrophe.
func AppendCell(dst []byte, s string) []byte {
	if s != "" && slices.Contains([]byte("=+-@\t\r\n'"), s[0]) {
		dst = append(dst, '\'')
	}
	return Append(dst, s)
}

// Writer writes text to w as [Append] does. It returns the first error of w from every later call.
// A character that is split across calls of Write is joined, or escaped by Flush. All methods are
// safe for concurrent use.
type Writer struct {
	mutex sync.Mutex // guards the fields below
	w     io.Writer
	cut   []byte // the first bytes of a split character, at most utf8.UTFMax-1
	text  []byte
	err   error
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements [io.Writer].
func (p *Writer) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	whole := append(p.cut, b...)
	n := completed(whole)
	if err := p.write(whole[:n]); err != nil {
		return 0, err
	}
	p.cut = append(p.cut[:0], whole[n:]...)
	return len(b), nil
}

// Flush writes an incomplete character at the end, and returns the first error of all writes.
func (p *Writer) Flush() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	rest := p.cut
	p.cut = nil
	return p.write(rest)
}

func (p *Writer) write(b []byte) error {
	if p.err == nil && len(b) > 0 {
		p.text = Append(p.text[:0], string(b))
		_, p.err = p.w.Write(p.text)
	}
	return p.err
}

// completed returns the number of bytes of b before an incomplete character.
func completed(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if tail := b[len(b)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}
