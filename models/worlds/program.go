package worlds

import (
	"fmt"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/proxy/wire"
)

// engine determines which header fields a program sends, and in which order.
type engine int

const (
	chromium engine = iota
	gecko
	webkit
	textual // browsers without pictures and scripts
	ancient // browsers of before Sec-Fetch
	library // programs: few fields, always the same
)

// program sends requests. It is immutable; a client in disguise has a copy.
type program struct {
	name     string
	engine   engine
	agent    string
	version  int    // of the engine
	hints    string // Sec-CH-UA; empty: not sent
	platform string // Sec-CH-UA-Platform
	mobile   bool
	inApp    string // X-Requested-With of an Android web view

	fields []Field // of a library: its default fields, in order; the values of User-Agent and Host are filled in
	hostAt int     // index of Host among the fields of HTTP/1

	http2   bool
	ja4     string
	resumed string // JA4 when it resumes a session
	tls     uint32 // print of its hellos, without their random parts
	setup   setup
}

// tlsShape is the part of a TLS client hello that a JA4 contains.
type tlsShape struct {
	version             string // "13" or "12"
	ciphers, extensions int
	alpn                string
}

// dress sets a program's fingerprints. Numbers are those of its TLS stack; hashes are the
// episode's, since their values mean nothing, only which programs share them.
func (p *program) dress(stack string, shape tlsShape, h2 setup, secret uint64) {
	ciphers := mix(hash(stack) ^ secret)
	extensions := mix(ciphers + uint64(shape.extensions))
	const mask = 1<<48 - 1
	p.ja4 = fmt.Sprintf("t%sd%02d%02d%s_%012x_%012x", shape.version, shape.ciphers, shape.extensions, shape.alpn, ciphers&mask, extensions&mask)
	p.resumed = p.ja4
	if shape.version == "13" {
		p.resumed = fmt.Sprintf("t%sd%02d%02d%s_%012x_%012x", shape.version, shape.ciphers, shape.extensions+1, shape.alpn, ciphers&mask, mix(extensions)&mask)
	}
	p.setup, p.http2 = h2, shape.alpn == "h2"
	p.tls = max(1, uint32(mix(hash(stack+shape.alpn)^secret)>>32))
}

// setup is how a program sets up HTTP/2.
type setup struct {
	pseudo   string // first letters of the pseudo-header fields
	frames   []wire.Frame
	priority bool // whether HEADERS frames have one
}

// The settings of HTTP/2.
const (
	tableSize = 1 + iota
	enablePush
	maxStreams
	windowSize
	frameSize
	headerList
)

// HTTP/2 as set up by engines and libraries.
var (
	chromiumSetup = http2Setup("masp", 15663105, true, tableSize, 65536, enablePush, 0, windowSize, 6291456, headerList, 262144)
	geckoSetup    = http2Setup("mpas", 12517377, false, tableSize, 65536, enablePush, 0, windowSize, 131072, frameSize, 16384)
	webkitSetup   = http2Setup("msap", 10420225, false, enablePush, 0, maxStreams, 100, windowSize, 2097152, 9, 1)
	curlSetup     = http2Setup("mpsa", 33488897, false, maxStreams, 100, windowSize, 33554432, enablePush, 0)
	goSetup       = http2Setup("amps", 1073741824, false, enablePush, 0, windowSize, 4194304, frameSize, 16384, headerList, 10485760)
	pythonSetup   = http2Setup("masp", 16777216, false, tableSize, 4096, enablePush, 0, windowSize, 65535, frameSize, 16384, maxStreams, 100, headerList, 65536)
	nodeSetup     = http2Setup("mpas", 4128769, false, enablePush, 0, windowSize, 33554432)
	javaSetup     = http2Setup("amps", 33488897, false, tableSize, 16384, enablePush, 0, maxStreams, 0, windowSize, 16777216, frameSize, 16384, headerList, 393216)
	okhttpSetup   = http2Setup("mpas", 16711681, false, windowSize, 16777216)
	rustSetup     = http2Setup("msap", 5177345, false, enablePush, 0, windowSize, 2097152, frameSize, 16384)
	appleSetup    = http2Setup("mspa", 10485760, false, maxStreams, 100, windowSize, 4194304)
)

// http2Setup returns a setup with the settings as pairs of identifier and value.
func http2Setup(pseudo string, window uint32, priority bool, settings ...uint32) setup {
	var pairs [][2]uint32
	for i := 0; i < len(settings); i += 2 {
		pairs = append(pairs, [2]uint32{settings[i], settings[i+1]})
	}
	return setup{pseudo, []wire.Frame{{Kind: wire.Settings, Values: pairs}, {Kind: wire.WindowUpdate, Values: [][2]uint32{{0, window}}}}, priority}
}

// older returns the setup of Firefox before version 130, which sent priorities.
func (s setup) older() setup {
	s.frames = append(slices.Clone(s.frames), wire.Frame{Kind: wire.Priority, Values: [][2]uint32{{3, 0}, {0, 201}}})
	s.priority = true
	return s
}

// wireKey holds everything that a request's wire depends on.
type wireKey struct {
	tls     uint32
	version int
	hostAt  int
	frames  int // number of frames that set HTTP/2 up
	names   uint64
}

// maxWires bounds the wires that are kept.
const maxWires = 1 << 14

// requestWire returns what the bytes of a request look like.
func (w *World) requestWire(p *program, r *Request, secure bool) traffic.Wire {
	key := wireKey{version: r.Version, hostAt: p.hostAt, frames: len(p.setup.frames), names: 14695981039346656037}
	if secure {
		key.tls = p.tls
	}
	for i := range r.Header {
		name := r.Header[i].Name
		for k := range len(name) {
			key.names = (key.names ^ uint64(name[k])) * 1099511628211
		}
		key.names = (key.names ^ 0xff) * 1099511628211
	}
	found, ok := w.wires[key]
	if !ok {
		if len(w.wires) == maxWires {
			clear(w.wires)
		}
		found = recorded(p, r, key.tls)
		w.wires[key] = found
	}
	return found
}

func recorded(p *program, r *Request, tls uint32) traffic.Wire {
	record := wire.Recorded{TLS: tls}
	for i := range r.Header {
		record.Fields = append(record.Fields, r.Header[i].Name)
	}
	if r.Version < 20 {
		record.Fields = slices.Insert(record.Fields, min(p.hostAt, len(record.Fields)), "Host")
		return record.Wire()
	}
	record.Pseudo, record.Priority, record.Frames = p.setup.pseudo, p.setup.priority, p.setup.frames
	return record.Wire()
}
