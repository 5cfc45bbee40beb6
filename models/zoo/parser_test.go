package main

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/headgate/headgate/models/corpus"
)

// parse parses the text at once and byte by byte, which must give the same.
func parse(t *testing.T, text []byte) ([]sent, *parser) {
	t.Helper()
	var once, bitwise parser
	all := once.write(text)
	var again []sent
	for _, b := range text {
		again = append(again, bitwise.write([]byte{b})...)
	}
	if !reflect.DeepEqual(all, again) || !reflect.DeepEqual(once.frames, bitwise.frames) {
		t.Errorf("at once %v, byte by byte %v", all, again)
	}
	return all, &once
}

func TestHTTP1(t *testing.T) {
	all, _ := parse(t, []byte("POST /a?b HTTP/1.1\r\nhost: x.test\r\nX-Case:  V \r\nContent-Length: 5\r\n\r\nGET /"+
		"PUT /c HTTP/1.1\r\nHost: y.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n"+
		"GET /d HTTP/1.0\nA: 1\n\n"))
	want := []sent{
		{method: "POST", target: "/a?b", host: "x.test", header: [][2]string{{"host", "x.test"}, {"X-Case", "V"}, {"Content-Length", "5"}}},
		{method: "PUT", target: "/c", host: "y.test", header: [][2]string{{"Host", "y.test"}, {"Transfer-Encoding", "chunked"}}},
		{method: "GET", target: "/d", header: [][2]string{{"A", "1"}}},
	}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("%+v\nwant %+v", all, want)
	}
}

func TestHTTP2(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(preface)
	framer := http2.NewFramer(&text, nil)
	framer.WriteSettings(http2.Setting{ID: 1, Val: 65536}, http2.Setting{ID: 4, Val: 6291456})
	framer.WriteWindowUpdate(0, 15663105)
	framer.WritePriority(3, http2.PriorityParam{StreamDep: 1, Weight: 200})
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for range 2 { // the second refers to the table that the first made
		block.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":authority", "x.test"}, {":scheme", "https"}, {":path", "/a"}, {"b-first", "1"}, {"a-second", "2"}} {
			encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		half := block.Len() / 2
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()[:half], PadLength: 7,
			Priority: http2.PriorityParam{Exclusive: true, Weight: 255}})
		framer.WriteContinuation(1, true, block.Bytes()[half:])
		framer.WriteData(1, true, []byte("body"))
		framer.WriteWindowUpdate(0, 1)
	}
	all, p := parse(t, text.Bytes())
	want := sent{method: "GET", target: "/a", host: "x.test", pseudo: "masp", priority: []uint32{0, 1, 256},
		header: [][2]string{{"b-first", "1"}, {"a-second", "2"}}}
	if !reflect.DeepEqual(all, []sent{want, want}) {
		t.Errorf("%+v\nwant twice %+v", all, want)
	}
	frames := []corpus.Frame{
		{Type: "SETTINGS", Values: [][2]uint32{{1, 65536}, {4, 6291456}}},
		{Type: "WINDOW_UPDATE", Values: [][2]uint32{{0, 15663105}}},
		{Type: "PRIORITY", Values: [][2]uint32{{3, 1}, {0, 201}}},
	}
	if !reflect.DeepEqual(p.frames, frames) {
		t.Errorf("%+v\nwant %+v", p.frames, frames)
	}
}

// Nothing that a client sends makes the parser panic or keep more than its bound.
func FuzzParser(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 3)
	f.Add([]byte("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nmore"), 9)
	f.Add(slices.Concat([]byte(preface), []byte{0, 0, 1, 1, 0x2c, 0, 0, 0, 1, 255}), 30)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		var p parser
		cut = max(0, min(cut, len(text)))
		p.write(text[:cut])
		p.write(text[cut:])
		if len(p.buffer) > maxBuffer+len(text) || len(p.frames) > maxFrames {
			t.Errorf("%d bytes and %d frames are kept", len(p.buffer), len(p.frames))
		}
	})
}
