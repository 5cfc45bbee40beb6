package main

import (
	"encoding/binary"

	"github.com/headgate/headgate/models/corpus"
)

// Types and flags of HTTP/2 frames (RFC 9113, 6).
const (
	frameHeaders      = 0x1
	framePriority     = 0x2
	frameSettings     = 0x4
	frameWindowUpdate = 0x8
	frameContinuation = 0x9

	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
	flagAck        = 0x1

	frameHead = 9
)

// frame reads one HTTP/2 frame.
func (p *parser) frame() ([]sent, bool) {
	if len(p.buffer) < frameHead {
		return nil, false
	}
	length := int(p.buffer[0])<<16 | int(p.buffer[1])<<8 | int(p.buffer[2])
	kind, flags := p.buffer[3], p.buffer[4]
	stream := binary.BigEndian.Uint32(p.buffer[5:]) & (1<<31 - 1)
	switch kind {
	case frameHeaders, framePriority, frameSettings, frameWindowUpdate, frameContinuation:
	default:
		p.buffer, p.skip = p.buffer[frameHead:], int64(length)
		return nil, true
	}
	if len(p.buffer) < frameHead+length {
		return nil, false
	}
	body := p.buffer[frameHead : frameHead+length]
	p.buffer = p.buffer[frameHead+length:]
	if kind == frameHeaders || kind == frameContinuation {
		return p.headers(kind, flags, body)
	}
	p.setUp(kind, flags, stream, body)
	return nil, true
}

// maxFrames is how many frames before the first request are kept.
const maxFrames = 32

// setUp notes a frame by which the client sets the connection up.
func (p *parser) setUp(kind, flags byte, stream uint32, body []byte) {
	if p.h2.requests > 0 || len(p.frames) == maxFrames {
		return
	}
	f := corpus.Frame{Values: [][2]uint32{}}
	switch {
	case kind == frameSettings && flags&flagAck == 0:
		f.Type = "SETTINGS"
		for ; len(body) >= 6; body = body[6:] {
			f.Values = append(f.Values, [2]uint32{uint32(binary.BigEndian.Uint16(body)), binary.BigEndian.Uint32(body[2:])})
		}
	case kind == frameWindowUpdate && len(body) == 4:
		f.Type = "WINDOW_UPDATE"
		f.Values = append(f.Values, [2]uint32{stream, binary.BigEndian.Uint32(body)})
	case kind == framePriority && len(body) == 5:
		priority := parsePriority(body)
		f.Type = "PRIORITY"
		f.Values = append(f.Values, [2]uint32{stream, priority[0]}, [2]uint32{priority[1], priority[2]})
	default:
		return
	}
	p.frames = append(p.frames, f)
}

// parsePriority reads stream, exclusive and weight.
func parsePriority(b []byte) []uint32 {
	dependency := binary.BigEndian.Uint32(b)
	return []uint32{dependency & (1<<31 - 1), dependency >> 31, uint32(b[4]) + 1}
}

// headers reads a part of a header block.
func (p *parser) headers(kind, flags byte, body []byte) ([]sent, bool) {
	h := p.h2
	if kind == frameHeaders {
		h.current, h.open = sent{}, true
		if flags&flagPadded != 0 && len(body) > 0 && int(body[0]) < len(body) {
			body = body[1 : len(body)-int(body[0])]
		}
		if flags&flagPriority != 0 && len(body) >= 5 {
			h.current.priority = parsePriority(body)
			body = body[5:]
		}
	}
	if _, err := h.decoder.Write(body); err != nil || !h.open {
		p.state = (*parser).lost
		return nil, true
	}
	if flags&flagEndHeaders == 0 {
		return nil, true
	}
	h.open = false
	if err := h.decoder.Close(); err != nil {
		p.state = (*parser).lost
		return nil, true
	}
	if h.current.method == "" { // trailers
		return nil, true
	}
	h.requests++
	return []sent{h.current}, true
}
