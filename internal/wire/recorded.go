package wire

import (
	"encoding/binary"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Recorded is a request as a record has it that kept what a server does not.
type Recorded struct {
	TLS    uint32   // what the client's TLS looked like; 0: it spoke none
	Fields []string // names of the header fields, in the order and case sent

	// HTTP/2 only.
	Pseudo   string // first letters of the pseudo-header fields, in their order; empty: HTTP/1
	Priority bool   // the HEADERS frame had a priority
	Frames   []Frame
}

// Frame is one that a client sent before its first request.
type Frame struct {
	Kind   FrameKind
	Values [][2]uint32 // of SETTINGS: identifiers and values; of WINDOW_UPDATE: stream and increment
}

// FrameKind is the type of a frame.
type FrameKind byte

// The kinds of frames that count.
const (
	Settings     FrameKind = settingsFrame
	WindowUpdate FrameKind = windowFrame
	Priority     FrameKind = priorityFrame
)

// Wire returns what a Tap would have told of the request.
func (r *Recorded) Wire() traffic.Wire {
	var o order
	for _, field := range r.Fields {
		n := nameOf([]byte(strings.ToLower(field)))
		if o.add(n); n.isCommon() {
			o.addCase([]byte(field))
		}
	}
	if r.Pseudo == "" {
		f := o.http1()
		return traffic.MakeWire(f, printOf(r.TLS, 0, f))
	}
	h := newHTTP2()
	for _, frame := range r.Frames {
		h.replay(frame)
	}
	h.first = r.Priority
	f := h.facts(&o, traffic.PseudoOrder(r.Pseudo))
	return traffic.MakeWire(f, printOf(r.TLS, h.prelude, f))
}

// replay notes a recorded frame.
func (h *http2) replay(frame Frame) {
	var payload []byte
	for _, v := range frame.Values {
		switch frame.Kind {
		case Settings:
			payload = binary.BigEndian.AppendUint16(payload, uint16(v[0]))
			payload = binary.BigEndian.AppendUint32(payload, v[1])
		case WindowUpdate:
			if v[0] != 0 {
				return
			}
			payload = binary.BigEndian.AppendUint32(nil, v[1])
		}
	}
	if h.frames++; h.frames <= preludeFrames {
		h.setUp(byte(frame.Kind), payload)
	}
}
