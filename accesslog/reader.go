package accesslog

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the length of the longest accepted line, in bytes without its line end. nginx and
// Apache accept request lines of about 8 KiB by default; escaping can make a line four times as
// long.
const MaxLine = 64 << 10

// Reader reads the entries of one log. It must not be used by two goroutines at once.
type Reader struct {
	buf        *bufio.Reader // holds one line of MaxLine bytes with "\r\n"
	compressed bool
	line       int // lines begun so far
	dates      dateCache
	err        error // why reading ended; every later call returns it again
}

// NewReader returns a Reader of a log. It recognizes a gzip stream by its first two bytes, so
// rotated logs can be passed as they are; several gzip streams in a row count as one. The error is
// that of r, or wraps [ErrGzip].
func NewReader(r io.Reader) (*Reader, error) {
	const size = MaxLine + len("\r\n")
	buf := bufio.NewReaderSize(r, size)
	magic, err := buf.Peek(2)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("accesslog: %w", err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &Reader{buf: buf}, nil
	}
	unpacked, err := gzip.NewReader(buf)
	if err != nil {
		return nil, gzipError(0, err)
	}
	return &Reader{buf: bufio.NewReaderSize(unpacked, size), compressed: true}, nil
}

// Next reads the next line into e. The byte slices of e are valid until the following call.
//
// The error is io.EOF at the end of the log. For a line that is not an access log line it is a
// [*LineError]: e is then empty but for its line number, and Next may be called again. Any other
// error is final, as when the gzip stream is damaged (the error then wraps [ErrGzip]); the part of
// a line before it is dropped.
func (r *Reader) Next(e *Entry) error {
	*e = Entry{}
	if r.err != nil {
		return r.err
	}
	line, reason, err := r.readLine()
	if err != nil {
		r.err = r.describe(err)
		return r.err
	}
	r.line++
	if reason == "" {
		reason = e.parse(line, &r.dates)
	}
	if reason != "" {
		*e = Entry{Line: r.line}
		return &LineError{Line: r.line, Reason: reason, Text: excerpt(line)}
	}
	e.Line = r.line
	return nil
}

// readLine returns the next line without its end. For a line that is too long it returns the reason
// and a copy of the line's beginning, and reads up to the next line.
func (r *Reader) readLine() (line []byte, reason string, err error) {
	const tooLong = "the line has more than 65536 bytes"
	line, err = r.buf.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		head := bytes.Clone(line[:maxExcerpt])
		for err == bufio.ErrBufferFull {
			_, err = r.buf.ReadSlice('\n')
		}
		if err == io.EOF {
			err = nil // the long line was the last one; the next call meets the end
		}
		return head, tooLong, err
	}
	if err == io.EOF && len(line) > 0 {
		err = nil // the last line needs no line end
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > MaxLine {
		return line, tooLong, err
	}
	return line, "", err
}

// describe adds the position to the error that ended the reading.
func (r *Reader) describe(err error) error {
	switch {
	case err == io.EOF:
		return err
	case r.compressed:
		return gzipError(r.line, err)
	}
	return fmt.Errorf("accesslog: reading after line %d: %w", r.line, err)
}

// gzipError distinguishes a damaged stream from a failure of the underlying reader, which
// compress/gzip returns unchanged.
func gzipError(line int, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // within a header; not the orderly end of a log
	}
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return fmt.Errorf("accesslog: after line %d: %w: %w", line, ErrGzip, err)
	}
	return fmt.Errorf("accesslog: reading after line %d: %w", line, err)
}
