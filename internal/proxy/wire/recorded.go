package wire

import (
	"encoding/binary"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Recorded is a recorded request with what a server discards.
type Recorded struct {
	TLS    uint32   // print of the client's TLS; 0: no TLS
	Fields []string // names of the header fields, in order and as spelled

	// HTTP/2 only.
	Pseudo   string // first letters of the pseudo-header fields, in order; empty: HTTP/1
	Priority bool   // whether the HEADERS frame had a priority
	Frames   []Frame
}

// Frame is a frame that a client sent before its first request.
type Frame struct {
	Kind   FrameKind
	Values [][2]uint32 // SETTINGS: identifiers and values; WINDOW_UPDATE: stream and increment
}

// FrameKind is the type of a frame.
type FrameKind byte

// The kinds of frames that matter.
const (
	Settings     FrameKind = settingsFrame
	WindowUpdate FrameKind = windowFrame
	Priority     FrameKind = priorityFrame
)

// Wire returns what a Tap would have found of the request.
func (r *Recorded) Wire() traffic.Wire {
	var o order
	for _, field := range r.Fields {
		n := parseName([]byte(strings.ToLower(field)))
		if o.add(n); n.isCommon() {
			o.addCase([]byte(field))
		}
	}
	if r.Pseudo == "" {
		f := o.http1()
		return traffic.MakeWire(f, wirePrint(r.TLS, 0, f))
	}
	h := newHTTP2()
	for _, frame := range r.Frames {
		h.replay(frame)
	}
	h.hasPriority = r.Priority
	f := h.facts(&o, traffic.PseudoOrder(r.Pseudo))
	return traffic.MakeWire(f, wirePrint(r.TLS, h.prelude, f))
}

// replay processes a recorded frame.
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
