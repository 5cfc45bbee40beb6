package wire

import (
	"bytes"
	"math"
)

// http1 follows the messages of an HTTP/1 connection.
type http1 struct {
	state     state1
	remaining uint64 // of a body or chunk
	line      keeper // beginning of an incomplete line
	lineCut   bool   // the line is longer than what is kept of it

	// State of the request whose header is being read.
	order       order
	key         uint64
	keyKnown    bool // whether key is known
	isHTTP10    bool // HTTP/1.0, which has no chunks
	chunked     bool
	lengthKnown bool // whether length is known
	length      uint64
	upgrades    bool // the connection will switch to another protocol
}

type state1 uint8

const (
	atRequest state1 = iota
	atField
	atBody
	atChunkSize
	atChunk
	atChunkEnd
	atTrailer
)

// write parses b and reports whether it is HTTP.
func (h *http1) write(t *Tap, b []byte) bool {
	for len(b) > 0 {
		if h.state == atBody || h.state == atChunk {
			b = h.skip(b)
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			h.keep(b)
			return true
		}
		line := b[:end]
		if h.line.bytes != nil {
			h.keep(line)
			line = *h.line.bytes
		}
		b = b[end+1:]
		long := h.lineCut || len(line) > maxLine
		ok := h.read(t, bytes.TrimSuffix(line, []byte{'\r'}), long)
		h.line.drop()
		h.lineCut = false
		if !ok {
			return false
		}
		if t.mode == ended {
			return true
		}
	}
	return true
}

func (h *http1) keep(b []byte) {
	h.lineCut = h.lineCut || h.line.len()+len(b) > maxLine
	h.line.add(b, maxLine)
}

func (h *http1) skip(b []byte) []byte {
	n := min(h.remaining, uint64(len(b)))
	if h.remaining -= n; h.remaining > 0 {
		return b[n:]
	}
	if h.state == atChunk {
		h.state = atChunkEnd
	} else {
		h.state = atRequest
	}
	return b[n:]
}

// read reads a line, or the beginning of a long one.
func (h *http1) read(t *Tap, line []byte, long bool) bool {
	switch h.state {
	case atRequest:
		return h.request(line, long)
	case atField:
		if len(line) == 0 {
			h.end(t)
			return true
		}
		return h.field(line, long)
	case atChunkSize:
		return h.chunkSize(line)
	case atChunkEnd:
		h.state = atChunkSize
		return len(line) == 0
	}
	if len(line) == 0 { // ends the trailer
		h.state = atRequest
	}
	return true
}

// request reads a request line. Empty lines before it are allowed (RFC 9112, 2.2).
func (h *http1) request(line []byte, long bool) bool {
	if len(line) == 0 {
		return true
	}
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	if long {
		ok2, version, target = true, nil, nil
	}
	if !ok || !ok2 || !long && !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return false
	}
	*h = http1{state: atField, line: h.line, keyKnown: !long}
	h.key = requestKey(newSum(method), newSum(target))
	h.isHTTP10 = string(version) == "HTTP/1.0"
	h.upgrades = string(method) == "CONNECT"
	return true
}

// field reads a header field.
func (h *http1) field(line []byte, long bool) bool {
	if line[0] == ' ' || line[0] == '\t' { // continues the value of the last field
		return h.order.fields > 0
	}
	written, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(written) == 0 {
		return false
	}
	var space [maxName]byte
	n := otherName
	if len(written) <= maxName {
		n = parseName(appendLower(space[:0], written))
	}
	h.order.add(n)
	if n.isCommon() {
		h.order.addCase(written)
	}
	value = bytes.Trim(value, " \t")
	switch n {
	case lengthName:
		return !long && h.setLength(value)
	case codingName:
		h.chunked = !h.isHTTP10
		return h.isHTTP10 || len(value) == len("chunked") && string(appendLower(space[:0], value)) == "chunked"
	case upgradeName:
		h.upgrades = h.upgrades || string(value) != "h2c"
	}
	return true
}

func (h *http1) setLength(value []byte) bool {
	n, ok := number(value, 10)
	if !ok || h.lengthKnown && n != h.length {
		return false
	}
	h.length, h.lengthKnown = n, true
	return true
}

// end ends a header.
func (h *http1) end(t *Tap) {
	if h.keyKnown {
		t.read(h.key, h.order.http1(), 0)
	}
	switch {
	case h.upgrades:
		t.mode = ended
	case h.chunked:
		h.state = atChunkSize
	case h.length > 0:
		h.state, h.remaining = atBody, h.length
	default:
		h.state = atRequest
	}
}

func (h *http1) chunkSize(line []byte) bool {
	size, _, _ := bytes.Cut(line, []byte{';'})
	n, ok := number(bytes.TrimRight(size, " \t"), 16)
	if !ok {
		return false
	}
	if h.remaining, h.state = n, atChunk; n == 0 {
		h.state = atTrailer
	}
	return true
}

// number reads a number below 2^63.
func number(text []byte, base uint64) (n uint64, ok bool) {
	for _, c := range text {
		digit := uint64(math.MaxUint64)
		switch {
		case '0' <= c && c <= '9':
			digit = uint64(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = uint64(c|0x20-'a') + 10
		}
		if digit >= base || n > (1<<63-1-digit)/base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, len(text) > 0
}

func appendLower(dst, src []byte) []byte {
	for _, c := range src {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
