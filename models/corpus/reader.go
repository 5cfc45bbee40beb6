package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// Bounds of what is read, so that a damaged or hostile file costs bounded memory.
const (
	maxLine     = 1 << 20
	maxLines    = 4 << 20
	maxDecoded  = 1 << 30
	maxDuration = int64(24 * time.Hour / time.Microsecond)
	maxTime     = 400 * maxDuration
)

// File is a whole file in memory.
type File struct {
	Head     Head
	Runs     []*Run
	Conns    []*Conn
	Requests []*Request
}

// Read reads a file. A malformed file is an error that names the line.
func Read(r io.Reader) (*File, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("corpus: reading: %w (a file of a corpus is gzip; models/zoo writes it)", err)
	}
	lines := bufio.NewScanner(&io.LimitedReader{R: zip, N: maxDecoded})
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	d := decoder{runs: make(map[int]bool), conns: make(map[int]bool)}
	n := 0
	for lines.Scan() {
		if n++; n > maxLines {
			return nil, fmt.Errorf("corpus: reading: more than %d lines", maxLines)
		}
		if err := d.add(lines.Bytes(), n); err != nil {
			return nil, fmt.Errorf("corpus: reading: line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("corpus: reading: after line %d: %w", n, err)
	}
	if n == 0 {
		return nil, errors.New("corpus: reading: the file is empty")
	}
	return &d.file, nil
}

// decoder decodes lines and checks that they refer to each other as the format demands.
type decoder struct {
	file        File
	runs, conns map[int]bool
}

func (d *decoder) add(text []byte, n int) error {
	if n == 1 {
		if err := json.Unmarshal(text, &d.file.Head); err != nil {
			return err
		}
		if d.file.Head.Format != Format {
			return fmt.Errorf("the format is %.40q, not %q", d.file.Head.Format, Format)
		}
		return nil
	}
	var l line
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&l); err != nil {
		return err
	}
	switch {
	case l.Run != nil:
		return d.run(l.Run)
	case l.Conn != nil:
		return d.conn(l.Conn)
	case l.Request != nil:
		return d.request(l.Request)
	}
	return errors.New("neither run nor conn nor request")
}

func (d *decoder) run(r *Run) error {
	if _, err := netip.ParseAddr(r.Client); err != nil {
		return fmt.Errorf("run %d: client: %w", r.ID, err)
	}
	switch {
	case d.runs[r.ID]:
		return fmt.Errorf("run %d occurs twice", r.ID)
	case r.Truth != Person && r.Truth != Bot:
		return fmt.Errorf("run %d: the truth is %.40q, neither %s nor %s", r.ID, r.Truth, Person, Bot)
	case !inTime(r.Start):
		return fmt.Errorf("run %d: it starts at %d", r.ID, r.Start)
	}
	d.runs[r.ID] = true
	d.file.Runs = append(d.file.Runs, r)
	return nil
}

func (d *decoder) conn(c *Conn) error {
	switch {
	case d.conns[c.ID]:
		return fmt.Errorf("connection %d occurs twice", c.ID)
	case !d.runs[c.Run]:
		return fmt.Errorf("connection %d belongs to run %d, which is missing", c.ID, c.Run)
	}
	d.conns[c.ID] = true
	d.file.Conns = append(d.file.Conns, c)
	return nil
}

func (d *decoder) request(r *Request) error {
	switch {
	case !d.conns[r.Conn]:
		return fmt.Errorf("a request belongs to connection %d, which is missing", r.Conn)
	case !inTime(r.At) || r.Duration < 0 || r.Duration > maxDuration || r.Bytes < 0 || r.Body < 0:
		return fmt.Errorf("a request of connection %d has an absurd time or size", r.Conn)
	case r.Status < 0 || r.Status > 999:
		return fmt.Errorf("a request of connection %d has status %d", r.Conn, r.Status)
	}
	d.file.Requests = append(d.file.Requests, r)
	return nil
}

func inTime(t int64) bool { return 0 <= t && t <= maxTime }
