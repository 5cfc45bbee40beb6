package main

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/headgate/headgate/models/corpus"
)

// parser finds requests in what a client sends, HTTP/1 or HTTP/2. It only reads along: what it does
// not understand ends its work, and the server judges for itself.
type parser struct {
	buffer []byte
	skip   int64 // bytes of a body or a frame to pass over
	state  func(*parser) ([]sent, bool)
	frames []corpus.Frame // of HTTP/2, until the first request
	h2     *headerBlocks
}

// maxBuffer is the most that is kept of what is not complete: more than the server takes.
const maxBuffer = 2 << 20

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// write takes bytes and returns the requests that are complete by now.
func (p *parser) write(b []byte) []sent {
	if p.state == nil {
		p.state = (*parser).version
	}
	p.buffer = append(p.buffer, b...)
	var all []sent
	for {
		n := min(p.skip, int64(len(p.buffer)))
		p.buffer, p.skip = p.buffer[n:], p.skip-n
		if p.skip > 0 {
			break
		}
		found, more := p.state(p)
		all = append(all, found...)
		if !more {
			break
		}
	}
	if len(p.buffer) > maxBuffer {
		p.state = (*parser).lost
	}
	if len(p.buffer) == 0 {
		p.buffer = nil
	}
	return all
}

// lost drops all that comes.
func (p *parser) lost() ([]sent, bool) {
	p.buffer = nil
	return nil, false
}

// version waits until it is clear which protocol is spoken.
func (p *parser) version() ([]sent, bool) {
	n := min(len(p.buffer), len(preface))
	switch {
	case n == len(preface) && string(p.buffer[:n]) == preface:
		p.buffer, p.state, p.h2 = p.buffer[n:], (*parser).frame, newHeaderBlocks()
		return nil, true
	case string(p.buffer[:n]) == preface[:n]:
		return nil, false
	}
	p.state = (*parser).head
	return nil, true
}

// head reads an HTTP/1 request line and its header fields.
func (p *parser) head() ([]sent, bool) {
	p.buffer = bytes.TrimLeft(p.buffer, "\r\n")
	end, length := bytes.Index(p.buffer, []byte("\r\n\r\n")), 4
	if bare := bytes.Index(p.buffer, []byte("\n\n")); bare >= 0 && (end < 0 || bare < end) {
		end, length = bare, 2
	}
	if end < 0 {
		return nil, false
	}
	lines := strings.Split(string(p.buffer[:end]), "\n")
	p.buffer = p.buffer[end+length:]
	method, rest, _ := strings.Cut(strings.TrimSuffix(lines[0], "\r"), " ")
	target, _, _ := strings.Cut(rest, " ")
	s := sent{method: method, target: target}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(strings.TrimSuffix(l, "\r"), ":")
		s.header = append(s.header, [2]string{name, strings.TrimSpace(value)})
	}
	s.host = s.field("host")
	p.body(&s)
	return []sent{s}, true
}

func (s *sent) field(name string) string {
	for _, f := range s.header {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// body decides what follows the header fields.
func (p *parser) body(s *sent) {
	if strings.EqualFold(s.field("transfer-encoding"), "chunked") {
		p.state = (*parser).chunk
		return
	}
	if length := s.field("content-length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 {
			p.state = (*parser).lost
			return
		}
		p.skip = n
	}
}

// chunk passes over a chunk of a body, and after the last one over the trailers.
func (p *parser) chunk() ([]sent, bool) {
	end := bytes.IndexByte(p.buffer, '\n')
	if end < 0 {
		return nil, false
	}
	size, _, _ := strings.Cut(strings.TrimSpace(string(p.buffer[:end])), ";")
	n, err := strconv.ParseInt(size, 16, 64)
	p.buffer = p.buffer[end+1:]
	switch {
	case err != nil || n < 0 || n > 1<<50:
		p.state = (*parser).lost
	case n == 0:
		p.state = (*parser).trailer
	default:
		p.skip = n + 2
	}
	return nil, true
}

func (p *parser) trailer() ([]sent, bool) {
	end := bytes.IndexByte(p.buffer, '\n')
	if end < 0 {
		return nil, false
	}
	if len(bytes.TrimSpace(p.buffer[:end])) == 0 {
		p.state = (*parser).head
	}
	p.buffer = p.buffer[end+1:]
	return nil, true
}

// headerBlocks decodes the header fields of HTTP/2.
type headerBlocks struct {
	decoder  *hpack.Decoder
	current  sent
	open     bool // a header block has begun and not ended
	requests int
}

func newHeaderBlocks() *headerBlocks {
	h := &headerBlocks{}
	h.decoder = hpack.NewDecoder(4096, h.emit)
	h.decoder.SetMaxStringLength(1 << 20)
	return h
}

func (h *headerBlocks) emit(f hpack.HeaderField) {
	if !strings.HasPrefix(f.Name, ":") {
		h.current.header = append(h.current.header, [2]string{f.Name, f.Value})
		return
	}
	h.current.pseudo += f.Name[1:min(2, len(f.Name))]
	switch f.Name {
	case ":method":
		h.current.method = f.Value
	case ":path":
		h.current.target = f.Value
	case ":authority":
		h.current.host = f.Value
	}
}
