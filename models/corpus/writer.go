package corpus

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
)

// line is one line after the first.
type line struct {
	Run     *Run     `json:"run,omitempty"`
	Conn    *Conn    `json:"conn,omitempty"`
	Request *Request `json:"request,omitempty"`
}

// Writer writes a file. Its methods are not safe for concurrent use. After an error all of them
// fail.
type Writer struct {
	zip *gzip.Writer
	out *json.Encoder
	err error
}

// NewWriter writes head to w.
func NewWriter(w io.Writer, head Head) (*Writer, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("corpus: writing: %w", err)
	}
	out := &Writer{zip: zip, out: json.NewEncoder(zip)}
	out.out.SetEscapeHTML(false)
	head.Format = Format
	out.encode(head)
	return out, out.err
}

func (w *Writer) encode(v any) error {
	if w.err == nil {
		if err := w.out.Encode(v); err != nil {
			w.err = fmt.Errorf("corpus: writing: %w", err)
		}
	}
	return w.err
}

// Run writes a run.
func (w *Writer) Run(r *Run) error { return w.encode(line{Run: r}) }

// Conn writes a connection of a run written before.
func (w *Writer) Conn(c *Conn) error { return w.encode(line{Conn: c}) }

// Request writes a request of a connection written before.
func (w *Writer) Request(r *Request) error { return w.encode(line{Request: r}) }

// Close ends the file. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if err := w.zip.Close(); err != nil {
		return fmt.Errorf("corpus: writing: %w", err)
	}
	return nil
}
