package wire

import (
	"encoding/binary"

	"github.com/headgate/headgate/featurestore/traffic"
)

// http2 follows the frames of an HTTP/2 connection.
type http2 struct {
	head        [frameHead]byte
	headBytes   int    // bytes of the head so far
	remaining   uint32 // bytes of the payload to come
	payload     keeper // received part of a payload that is read whole
	block       keeper // received part of a header block of several frames
	inBlock     bool   // a header block is incomplete
	stream      uint32 // stream of that block
	hasPriority bool   // whether that block has a priority

	// How the client set the connection up, before its first request.
	prelude          sum
	started          bool
	frames           int
	settings         uint8
	window           uint8 // class of the initial window
	connectionWindow uint8 // class of the connection's first window update
	sentPriority     bool  // whether PRIORITY frames were sent

	table table
}

const frameHead = 9

// Types of frames and their flags.
const (
	headersFrame      = 1
	priorityFrame     = 2
	settingsFrame     = 4
	windowFrame       = 8
	continuationFrame = 9

	ackFlag        = 1
	endHeadersFlag = 4
	paddedFlag     = 8
	priorityFlag   = 0x20
)

// preludeFrames is the number of frames before the first request that count, and preludeSettings
// the number of settings of each.
const (
	preludeFrames   = 32
	preludeSettings = 32
)

func newHTTP2() *http2 { return &http2{prelude: emptySum, table: table{max: defaultTable}} }

// write parses b and reports whether it is HTTP/2.
func (h *http2) write(t *Tap, b []byte) bool {
	for len(b) > 0 {
		if h.headBytes < frameHead {
			n := copy(h.head[h.headBytes:], b)
			h.headBytes += n
			b = b[n:]
			if h.headBytes < frameHead {
				return true
			}
			h.remaining = binary.BigEndian.Uint32(h.head[:4]) >> 8
			if !h.follows() {
				return false
			}
		}
		n := min(int(h.remaining), len(b))
		part := b[:n]
		b = b[n:]
		h.remaining -= uint32(n)
		if !h.isRead() {
			if h.remaining == 0 {
				h.headBytes = 0
			}
			continue
		}
		if h.remaining > 0 || h.payload.bytes != nil {
			h.payload.add(part, maxBlock)
			if h.remaining > 0 {
				return true
			}
			part = *h.payload.bytes
		}
		h.headBytes = 0
		ok := h.frame(t, part)
		h.payload.drop()
		if !ok {
			return false
		}
	}
	return true
}

func (h *http2) kind() byte       { return h.head[3] }
func (h *http2) flags() byte      { return h.head[4] }
func (h *http2) streamID() uint32 { return binary.BigEndian.Uint32(h.head[5:]) &^ (1 << 31) }

// follows reports whether a frame may come here and is not too large.
func (h *http2) follows() bool {
	if h.inBlock != (h.kind() == continuationFrame) || h.inBlock && h.streamID() != h.stream {
		return false
	}
	return !h.isRead() || h.remaining <= maxBlock
}

// isRead reports whether the payload of the frame is needed.
func (h *http2) isRead() bool {
	switch h.kind() {
	case headersFrame, continuationFrame:
		return true
	case settingsFrame:
		return !h.started && h.flags()&ackFlag == 0
	case windowFrame:
		return !h.started && h.streamID() == 0
	case priorityFrame:
		return !h.started
	}
	return false
}

// frame reads a payload.
func (h *http2) frame(t *Tap, payload []byte) bool {
	switch h.kind() {
	case headersFrame:
		return h.headers(t, payload)
	case continuationFrame:
		if h.block.len()+len(payload) > maxBlock {
			return false
		}
		h.block.add(payload, maxBlock)
		if h.flags()&endHeadersFlag == 0 {
			return true
		}
		h.inBlock = false
		ok := h.request(t, *h.block.bytes)
		h.block.drop()
		return ok
	}
	if h.frames++; h.frames <= preludeFrames {
		h.setUp(h.kind(), payload)
	}
	return true
}

// setUp records a frame that comes before the first request.
func (h *http2) setUp(kind byte, payload []byte) {
	h.prelude = h.prelude.byte(kind)
	switch kind {
	case priorityFrame:
		h.sentPriority = true
	case windowFrame:
		if len(payload) == 4 {
			size := binary.BigEndian.Uint32(payload)
			h.prelude = h.prelude.uint32(size)
			if h.connectionWindow == 0 {
				h.connectionWindow = traffic.WindowClass(size)
			}
		}
	case settingsFrame:
		for n := 0; n < preludeSettings && len(payload) >= 6; n++ {
			h.setting(binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:]))
			payload = payload[6:]
		}
	}
}

const initialWindow = 4 // SETTINGS_INITIAL_WINDOW_SIZE

func (h *http2) setting(id uint16, value uint32) {
	if id&0x0f0f == 0x0a0a {
		return // a random setting, by which clients keep servers ignoring unknown ones
	}
	h.prelude = h.prelude.byte(byte(id >> 8)).byte(byte(id)).uint32(value)
	if id == 0 || id > 6 {
		return
	}
	h.settings |= 1 << (id - 1)
	if id == initialWindow {
		h.window = traffic.WindowClass(value)
	}
}

// headers reads a HEADERS frame.
func (h *http2) headers(t *Tap, payload []byte) bool {
	padding := 0
	if h.flags()&paddedFlag != 0 {
		if len(payload) == 0 {
			return false
		}
		padding, payload = int(payload[0]), payload[1:]
	}
	if h.hasPriority = h.flags()&priorityFlag != 0; h.hasPriority {
		if len(payload) < 5 {
			return false
		}
		payload = payload[5:]
	}
	if padding > len(payload) {
		return false
	}
	payload = payload[:len(payload)-padding]
	h.started = true
	if h.flags()&endHeadersFlag != 0 {
		return h.request(t, payload)
	}
	h.inBlock, h.stream = true, h.streamID()
	h.block.add(payload, maxBlock)
	return true
}

// request decodes a header block. A block without :method and :path is a trailer, or a request that
// a server does not know by its path.
func (h *http2) request(t *Tap, src []byte) bool {
	var o order
	var pseudo pseudoOrder
	method, path := emptySum, emptySum
	methods, paths := 0, 0
	ok := h.table.decode(src, func(n name, value sum) {
		switch n {
		case methodPseudo:
			pseudo.add('m')
			method, methods = value, methods+1
		case pathPseudo:
			pseudo.add('p')
			path, paths = value, paths+1
		case authorityPseudo:
			pseudo.add('a')
		case schemePseudo:
			pseudo.add('s')
		case otherPseudo:
			pseudo.add('?')
		default:
			o.add(n)
		}
	})
	if !ok {
		return false
	}
	if methods == 1 && paths == 1 {
		t.read(requestKey(method, path), h.facts(&o, pseudo.code()), h.prelude)
	}
	return true
}

func (h *http2) facts(o *order, pseudo uint8) traffic.WireFacts {
	f := o.common()
	f.Pseudo = pseudo
	f.Settings, f.Window, f.ConnectionWindow = h.settings, h.window, h.connectionWindow
	f.PriorityFrames, f.HeadersPriority = h.sentPriority, h.hasPriority
	return f
}

// pseudoOrder is the order of the pseudo-header fields, if it can be one of the usual ones.
type pseudoOrder struct {
	letters [5]byte
	n       int
}

func (p *pseudoOrder) add(letter byte) {
	if p.n < len(p.letters) {
		p.letters[p.n] = letter
		p.n++
	}
}

func (p *pseudoOrder) code() uint8 { return traffic.PseudoOrder(string(p.letters[:p.n])) }
