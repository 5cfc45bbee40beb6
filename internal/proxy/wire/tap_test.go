package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// newTap returns a tap that got the bytes in pieces of a bounded size, and its counters.
func newTap(bytes string, piece int) (*Tap, *Counters) {
	counters := new(Counters)
	t := NewTap(counters)
	for len(bytes) > 0 {
		n := min(piece, len(bytes))
		t.Write([]byte(bytes[:n]))
		bytes = bytes[n:]
	}
	return t, counters
}

const whole = 1 << 30

// The first page request of real clients over HTTP/1.1, as they sent it.
func TestHTTP1OfRealClients(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		want   traffic.WireFacts
	}{
		"Chrome": {"Host Connection sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform Upgrade-Insecure-Requests User-Agent Accept Sec-Fetch-Site Accept-Encoding Accept-Language Cookie",
			traffic.WireFacts{AgentAccept: 1, EncodingLanguage: 1, LanguageAccept: 2, HintsAgent: 1, Cookie: traffic.CookieLast, HostFirst: true, Connection: traffic.ConnectionBeforeAgent}},
		"Firefox": {"Host User-Agent Accept Accept-Language Accept-Encoding Connection Cookie Upgrade-Insecure-Requests Priority",
			traffic.WireFacts{AgentAccept: 1, EncodingLanguage: 2, LanguageAccept: 2, Cookie: traffic.CookieElsewhere, HostFirst: true, Connection: traffic.ConnectionElsewhere}},
		"requests": {"Host User-Agent Accept-Encoding Accept Connection",
			traffic.WireFacts{AgentAccept: 1, HostFirst: true, Connection: traffic.ConnectionLast}},
		"httpx":      {"Host Accept Accept-Encoding Connection User-Agent", traffic.WireFacts{AgentAccept: 2, HostFirst: true, Connection: traffic.ConnectionBeforeAgent}},
		"Go":         {"Host User-Agent Accept-Encoding", traffic.WireFacts{HostFirst: true}},
		"urllib":     {"Accept-Encoding Host User-Agent Connection", traffic.WireFacts{Connection: traffic.ConnectionLast}},
		"got":        {"user-agent accept-encoding Host Connection", traffic.WireFacts{Case: traffic.CaseMixed, Connection: traffic.ConnectionLast}},
		"undici":     {"host connection accept accept-language sec-fetch-mode user-agent accept-encoding", traffic.WireFacts{Case: traffic.CaseLower, HostFirst: true, AgentAccept: 2, EncodingLanguage: 2, LanguageAccept: 2, Connection: traffic.ConnectionBeforeAgent}},
		"mechanize":  {"Host User-agent Accept", traffic.WireFacts{Case: traffic.CaseOther, HostFirst: true, AgentAccept: 1}},
		"no agent":   {"Host Connection", traffic.WireFacts{HostFirst: true, Connection: traffic.ConnectionLast}},
		"old cookie": {"Host Cookie Priority", traffic.WireFacts{HostFirst: true, Cookie: traffic.CookieBeforePriority}},
		"wrk":        {"Host", traffic.WireFacts{HostFirst: true}},
	} {
		request := "GET /a?b HTTP/1.1\r\n"
		for _, field := range strings.Fields(c.fields) {
			request += field + ": x\r\n"
		}
		tap, counters := newTap(request+"\r\n", whole)
		w := tap.Claim("GET", "/a?b")
		c.want.Seen = true
		if w.Facts() != c.want || w.Print() == 0 {
			t.Errorf("%s: %+v\nwant %+v", name, w.Facts(), c.want)
		}
		if counters.Requests.Load() != 1 || counters.NotUnderstood.Load() != 0 || counters.Unmatched.Load() != 0 {
			t.Errorf("%s: counted %d requests, %d not understood", name, counters.Requests.Load(), counters.NotUnderstood.Load())
		}
	}
}

// A print distinguishes what differs, and only that.
func TestPrints(t *testing.T) {
	print := func(tls uint32, fields string) uint32 {
		tap := NewTap(new(Counters))
		tap.SetTLS(tls)
		tap.Write([]byte("GET / HTTP/1.1\r\n" + fields + "\r\n"))
		return tap.Claim("GET", "/").Print()
	}
	const common = "Host: a\r\nUser-Agent: b\r\nAccept: c\r\nAccept-Encoding: d\r\n"
	base := print(1, common)
	for name, same := range map[string]uint32{
		"a cookie":     print(1, common+"Cookie: x\r\n"),
		"other values": print(1, strings.ReplaceAll(common, ": ", ": y")),
		"a field":      print(1, common+"X-Whatever: 1\r\n"),
	} {
		if same != base {
			t.Errorf("%s makes another program", name)
		}
	}
	for name, other := range map[string]uint32{
		"other TLS":   print(2, common),
		"no TLS":      print(0, common),
		"other order": print(1, "Host: a\r\nAccept: c\r\nUser-Agent: b\r\nAccept-Encoding: d\r\n"),
		"other case":  print(1, strings.ToLower(common)),
		"Host later":  print(1, "User-Agent: b\r\nHost: a\r\nAccept: c\r\nAccept-Encoding: d\r\n"),
	} {
		if other == base {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// Bodies are skipped, so that the requests after them are found.
func TestHTTP1Bodies(t *testing.T) {
	stream := "POST /length HTTP/1.1\r\nContent-Length: 23\r\n\r\nGET /fake HTTP/1.1\r\n\r\n\n" +
		"POST /chunks HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n" +
		"A \r\nGET /x HTT\r\n0\r\nTrailer: x\r\n\r\n" +
		"\r\nPUT /none HTTP/1.1\r\nContent-Length: 0\r\n\r\n" +
		"GET /folded HTTP/1.1\nAccept: a\n  , b\nHost: x\n\n" + // by itself, as net/http takes it
		"GET /h2c HTTP/1.1\r\nUpgrade: h2c\r\n\r\n" +
		"POST /old HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n" +
		"GET /last HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" +
		"\x81\x05hello GET /never HTTP/1.1\r\n\r\n"
	for _, piece := range []int{1, 2, 7, whole} {
		tap, counters := newTap(stream, piece)
		for _, r := range []string{"POST /length", "POST /chunks", "PUT /none", "GET /folded", "GET /h2c", "POST /old", "GET /last"} {
			method, target, _ := strings.Cut(r, " ")
			if tap.Claim(method, target) == 0 {
				t.Errorf("%s is not known, in pieces of %d", r, piece)
			}
		}
		if n := counters.Requests.Load(); n != 7 || counters.NotUnderstood.Load() != 0 {
			t.Errorf("%d requests, not understood: %d, in pieces of %d", n, counters.NotUnderstood.Load(), piece)
		}
	}
}

// Bytes that are not HTTP end the work, are counted once, and lose no earlier request.
func TestWhatIsNotUnderstood(t *testing.T) {
	const before, after = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, bad := range []string{"\x16\x03\x01\x02\x00\x01\n", "GET\r\n", "GET / FTP/1.1\r\n", "GET / HTTP/1.1\r\nno colon\r\n", "GET / HTTP/1.1\r\n folded\r\n",
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n", "GET / HTTP/1.1\r\n:path: /\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"} {
		for _, piece := range []int{1, whole} {
			tap, counters := newTap(before+bad+after, piece)
			if tap.Claim("GET", "/before") == 0 || tap.Claim("GET", "/after") != 0 {
				t.Errorf("%q: wrong requests are known, in pieces of %d", bad, piece)
			}
			if n := counters.NotUnderstood.Load(); n != 1 || counters.Unmatched.Load() != 1 {
				t.Errorf("%q: counted %d times, unmatched %d", bad, n, counters.Unmatched.Load())
			}
			if tap.http1.line.bytes != nil {
				t.Errorf("%q: memory is kept", bad)
			}
		}
	}
}

// A line may have any length; what is kept of it is bounded. If it is the request line, that
// request is unknown.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	stream := "GET /cookie HTTP/1.1\r\nHost: a\r\nCookie: " + long + "\r\nUser-Agent: b\r\n\r\n" +
		"GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /after HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, piece := range []int{1, 4096, whole} {
		counters := new(Counters)
		tap := NewTap(counters)
		for b := []byte(stream); len(b) > 0; b = b[min(piece, len(b)):] {
			tap.Write(b[:min(piece, len(b))])
			if n := tap.http1.line.len(); n > maxLine {
				t.Fatalf("%d bytes are kept", n)
			}
		}
		if w := tap.Claim("GET", "/cookie").Facts(); w.Cookie != traffic.CookieElsewhere {
			t.Errorf("%+v", w)
		}
		if tap.Claim("GET", "/"+long) != 0 || tap.Claim("GET", "/after") == 0 || counters.NotUnderstood.Load() != 0 {
			t.Errorf("%d not understood", counters.NotUnderstood.Load())
		}
	}
}

// Different requests that cannot be told apart are all unknown; those that look the same need not
// be told apart.
func TestAmbiguousRequests(t *testing.T) {
	const one, other = "GET /a HTTP/1.1\r\nUser-Agent: a\r\nAccept: b\r\n\r\n", "GET /a HTTP/1.1\r\nAccept: b\r\nUser-Agent: a\r\n\r\n"
	tap, _ := newTap(one+other+"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", whole)
	if a, b := tap.Claim("GET", "/a"), tap.Claim("GET", "/a"); a != 0 || b != 0 {
		t.Errorf("%x and %x, though they may be the wrong way round", a, b)
	}
	if tap.Claim("GET", "/b") == 0 || tap.Claim("GET", "/b") != 0 || tap.Claim("POST", "/b") != 0 {
		t.Error("a request is claimed once, by its method and target")
	}
	tap, _ = newTap(one+one, whole)
	if a, b := tap.Claim("GET", "/a"), tap.Claim("GET", "/a"); a == 0 || a != b {
		t.Errorf("%x and %x of the same", a, b)
	}
	tap, _ = newTap(one, whole)
	first := tap.Claim("GET", "/a")
	tap.Write([]byte(other))
	if second := tap.Claim("GET", "/a"); first == 0 || second == 0 || first == second {
		t.Errorf("one after the other they are %x and %x", first, second)
	}
}

// Requests that nobody claims do not pile up.
func TestUnclaimedRequests(t *testing.T) {
	tap := NewTap(new(Counters))
	for n := range 1000 {
		tap.Write(fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", n))
	}
	if tap.unclaimed.more.Load() != nil {
		t.Error("HTTP/1 has many requests at once")
	}
	if tap.Claim("GET", "/999") == 0 || tap.Claim("GET", "/1") != 0 {
		t.Error("it is not the last ones that are known")
	}
	var r records
	for n := range uint64(5000) {
		r.add(n<<20, traffic.Wire(n+1), true)
	}
	known := 0
	for n := range uint64(5000) {
		if w, ok := r.claim(n << 20); ok {
			if known++; w != traffic.Wire(n+1) {
				t.Fatalf("request %d is %d", n, w)
			}
		}
	}
	if known != fewRecords+moreRecords {
		t.Errorf("%d are known of HTTP/2", known)
	}
}

// Many goroutines claim while one adds: each gets its own.
func TestConcurrentClaims(t *testing.T) {
	var r records
	var claims sync.WaitGroup
	for n := range uint64(2000) {
		r.add(n<<20, traffic.Wire(n+1), true)
		claims.Go(func() {
			if w, ok := r.claim(n << 20); ok && w != traffic.Wire(n+1) {
				t.Errorf("request %d is %d", n, w)
			}
		})
		if n%200 == 0 {
			claims.Wait()
		}
	}
	claims.Wait()
}

// frame returns a frame of HTTP/2.
func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
}

func settings(pairs ...uint32) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = append(b, byte(pairs[i]>>8), byte(pairs[i]), byte(pairs[i+1]>>24), byte(pairs[i+1]>>16), byte(pairs[i+1]>>8), byte(pairs[i+1]))
	}
	return frame(settingsFrame, 0, 0, string(b))
}

func windowUpdate(size uint32) string {
	return frame(windowFrame, 0, 0, string([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}))
}

// literals returns a header block of fields that are neither indexed nor coded.
func literals(fields ...string) string {
	var b []byte
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		b = append(b, 0)
		b = append(append(b, byte(len(name))), name...)
		b = append(append(b, byte(len(value))), value...)
	}
	return string(b)
}

const priorityOfChrome = "\x80\x00\x00\x00\xff" // exclusive, weight 256

// How real clients set up HTTP/2: settings, window, order.
func TestHTTP2OfRealClients(t *testing.T) {
	for name, c := range map[string]struct {
		prelude string
		flags   byte
		fields  []string
		want    traffic.WireFacts
	}{
		"Chrome": {settings(1, 65536, 2, 0, 4, 6291456, 6, 262144) + windowUpdate(15663105), priorityFlag,
			[]string{":method=GET", ":authority=a", ":scheme=https", ":path=/x", "sec-ch-ua=1", "user-agent=a", "accept=b", "accept-encoding=c", "accept-language=d", "cookie=1", "cookie=2", "priority=u=0"},
			traffic.WireFacts{Pseudo: 8, AgentAccept: 1, EncodingLanguage: 1, LanguageAccept: 2, HintsAgent: 1, Cookie: traffic.CookieBeforePriority,
				Settings: traffic.SettingTable | traffic.SettingPush | traffic.SettingWindow | traffic.SettingHeaders, Window: 7, ConnectionWindow: 8, HeadersPriority: true}},
		"Firefox": {settings(1, 65536, 2, 0, 4, 131072, 5, 16384) + windowUpdate(12517377), 0,
			[]string{":method=GET", ":path=/x", ":authority=a", ":scheme=https", "user-agent=a", "accept=b", "accept-language=c", "accept-encoding=d", "te=trailers"},
			traffic.WireFacts{Pseudo: 9, AgentAccept: 1, EncodingLanguage: 2, LanguageAccept: 2,
				Settings: traffic.SettingTable | traffic.SettingPush | traffic.SettingWindow | traffic.SettingFrame, Window: 2, ConnectionWindow: 8}},
		"curl": {settings(3, 100, 4, 33554432, 2, 0) + windowUpdate(33488897), 0,
			[]string{":method=GET", ":path=/x", ":scheme=https", ":authority=a", "user-agent=a", "accept=*/*"},
			traffic.WireFacts{Pseudo: 10, AgentAccept: 1, Settings: traffic.SettingPush | traffic.SettingStreams | traffic.SettingWindow, Window: 10, ConnectionWindow: 9}},
		"Go": {settings(2, 0, 4, 4194304, 5, 16384, 6, 10485760) + windowUpdate(1<<30), 0,
			[]string{":authority=a", ":method=GET", ":path=/x", ":scheme=https", "accept-encoding=gzip", "user-agent=Go-http-client/2.0"},
			traffic.WireFacts{Pseudo: 1, Settings: traffic.SettingPush | traffic.SettingWindow | traffic.SettingFrame | traffic.SettingHeaders, Window: 7, ConnectionWindow: 15}},
		"old Firefox": {settings(1, 65536, 4, 131072) + frame(priorityFrame, 0, 3, "\x00\x00\x00\x00\xc8"), priorityFlag,
			[]string{":method=GET", ":path=/x", ":authority=a", ":scheme=https"},
			traffic.WireFacts{Pseudo: 9, Settings: traffic.SettingTable | traffic.SettingWindow, Window: 2, PriorityFrames: true, HeadersPriority: true}},
		"nothing set": {settings(), 0, []string{":method=GET", ":path=/x"}, traffic.WireFacts{Pseudo: traffic.OtherPseudoOrder}},
	} {
		payload := literals(c.fields...)
		if c.flags&priorityFlag != 0 {
			payload = priorityOfChrome + payload
		}
		stream := preface + c.prelude + frame(headersFrame, endHeadersFlag|c.flags, 1, payload) + frame(0, 1, 1, "a body")
		for _, piece := range []int{1, 5, whole} {
			tap, counters := newTap(stream, piece)
			w := tap.Claim("GET", "/x")
			c.want.Seen = true
			if w.Facts() != c.want || counters.NotUnderstood.Load() != 0 || counters.Requests.Load() != 1 {
				t.Errorf("%s in pieces of %d: %+v\nwant %+v", name, piece, w.Facts(), c.want)
			}
		}
	}
}

// The print depends on a client's set-up, except for random settings.
func TestPrintsOfHTTP2(t *testing.T) {
	print := func(prelude string) uint32 {
		tap, _ := newTap(preface+prelude+frame(headersFrame, endHeadersFlag, 1, literals(":method=GET", ":path=/")), whole)
		return tap.Claim("GET", "/").Print()
	}
	base := print(settings(1, 65536, 4, 1<<20))
	if print(settings(0x1a2a, 7, 1, 65536, 4, 1<<20)) != base {
		t.Error("a made-up setting makes another program")
	}
	for name, prelude := range map[string]string{"value": settings(1, 65536, 4, 1<<20+1), "order": settings(4, 1<<20, 1, 65536), "another": settings(1, 65536, 4, 1<<20, 9, 1),
		"window": settings(1, 65536, 4, 1<<20) + windowUpdate(9), "frames": settings(1, 65536) + settings(4, 1<<20)} {
		if print(prelude) == base {
			t.Errorf("another %s makes no difference", name)
		}
	}
}

// The examples of RFC 7541, C.3, C.4 and C.6: requests with and without Huffman coding, one table
// for all three.
func TestHeaderBlocksOfTheRFC(t *testing.T) {
	for what, blocks := range map[string][]string{
		"plain": {"828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865", "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"},
		"coded": {"828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"},
	} {
		stream := preface + settings()
		for i, block := range blocks {
			b, _ := hex.DecodeString(block)
			stream += frame(headersFrame, endHeadersFlag, uint32(2*i+1), string(b))
		}
		tap, counters := newTap(stream, 3)
		for i, target := range []string{"/", "/", "/index.html"} {
			if w := tap.Claim("GET", target); w.Facts().Pseudo != traffic.PseudoOrder("mspa") {
				t.Errorf("%s: request %d has order %d", what, i, w.Facts().Pseudo)
			}
		}
		if table := &tap.http2.table; table.size != 164 || table.n != 3 || counters.NotUnderstood.Load() != 0 {
			t.Errorf("%s: the table has %d entries, %d bytes; RFC 7541 has 3 and 164", what, table.n, table.size)
		}
	}
}

// Frames and blocks beyond the bounds, and malformed ones, end the work.
func TestHTTP2Bounds(t *testing.T) {
	request := frame(headersFrame, endHeadersFlag, 1, literals(":method=GET", ":path=/before"))
	const unfinished = "\x00\x01a\x01b" // a field, which more may follow
	flood := frame(headersFrame, 0, 3, unfinished)
	for range 2 * maxBlock / (100 * len(unfinished)) {
		flood += frame(continuationFrame, 0, 3, strings.Repeat(unfinished, 100))
	}
	for name, bad := range map[string]string{
		"large frame":                frame(headersFrame, endHeadersFlag, 3, strings.Repeat("x", maxBlock+1)),
		"CONTINUATION flood":         flood,
		"a frame within a block":     frame(headersFrame, 0, 3, "") + frame(0, 0, 3, "x"),
		"another stream's block":     frame(headersFrame, 0, 3, "") + frame(continuationFrame, endHeadersFlag, 5, ""),
		"CONTINUATION of nothing":    frame(continuationFrame, endHeadersFlag, 3, ""),
		"no such index":              frame(headersFrame, endHeadersFlag, 3, "\xff\x20"),
		"index 0":                    frame(headersFrame, endHeadersFlag, 3, "\x80"),
		"an endless number":          frame(headersFrame, endHeadersFlag, 3, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		"half a string":              frame(headersFrame, endHeadersFlag, 3, "\x00\x05ab"),
		"bad padding":                frame(headersFrame, endHeadersFlag|paddedFlag, 3, "\x09ab"),
		"no padding":                 frame(headersFrame, endHeadersFlag|paddedFlag, 3, ""),
		"half a priority":            frame(headersFrame, endHeadersFlag|priorityFlag, 3, "abc"),
		"a table beyond all":         frame(headersFrame, endHeadersFlag, 3, "\x3f\xff\xff\x7f"),
		"the end in a coded string":  frame(headersFrame, endHeadersFlag, 3, "\x00\x84\xff\xff\xff\xff\x01a"),
		"a coded string's long end":  frame(headersFrame, endHeadersFlag, 3, "\x00\x82\x1f\xff\x01a"),
		"a coded string's wrong end": frame(headersFrame, endHeadersFlag, 3, "\x00\x81\x18\x01a"),
	} {
		for _, piece := range []int{1, 1000, whole} {
			tap, counters := newTap(preface+settings()+request+bad+frame(headersFrame, endHeadersFlag, 9, literals(":method=GET", ":path=/after")), piece)
			if tap.Claim("GET", "/before") == 0 || tap.Claim("GET", "/after") != 0 || counters.NotUnderstood.Load() != 1 || tap.http2 != nil {
				t.Errorf("%s in pieces of %d: not understood %d", name, piece, counters.NotUnderstood.Load())
			}
		}
	}
}

// The table grows with its content, and no further than the client may make it.
func TestHeaderTableIsBounded(t *testing.T) {
	block := "\x3f\xe1\xff\x03" // 64 KiB
	for n := range 5000 {
		block += "\x40\x01a\x02" + string([]byte{byte(n), byte(n >> 8)})
		if len(block) > 8000 || n == 4999 {
			block += ""
		}
	}
	table := table{max: defaultTable}
	if !table.decode([]byte(block), func(name, sum) {}) {
		t.Fatal("not decoded")
	}
	if table.size > maxTable || len(table.ring) > maxTable/entryOverhead || table.n == 0 {
		t.Errorf("%d entries of %d, %d bytes", table.n, len(table.ring), table.size)
	}
	large := "\x20\x40\x01a\x02bc\x3f\x0a\x40\x01a\x7f\x00" + strings.Repeat("x", 127) // nothing fits, then an entry larger than the table
	if !table.decode([]byte(large), func(name, sum) {}) || table.n != 0 || table.size != 0 {
		t.Errorf("%d entries, %d bytes", table.n, table.size)
	}
}

// The code is complete: its lengths use up the code space, and every text can be decoded again.
func TestHuffman(t *testing.T) {
	used := 0.0
	for _, n := range codeLengths {
		used += 1 / float64(uint64(1)<<n)
	}
	if used != 1 {
		t.Fatalf("the code uses %v of what there is", used)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		src := make([]byte, rng.IntN(maxName+1))
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		got := text{sum: emptySum}
		if !unhuffman(huffmanCode(src), &got) || got.size != len(src) || string(got.head[:got.size]) != string(src) || got.sum != newSum(src) {
			t.Fatalf("%q became %q", src, got.head[:min(got.size, maxName)])
		}
	}
}

// huffmanCode is a naive encoder, bit by bit.
func huffmanCode(src []byte) (dst []byte) {
	codes, code, length := make([]uint32, len(codeLengths)), uint32(0), uint8(0)
	symbols := make([]int, len(codeLengths))
	for i := range symbols {
		symbols[i] = i
	}
	slices.SortStableFunc(symbols, func(a, b int) int { return int(codeLengths[a]) - int(codeLengths[b]) })
	for _, s := range symbols {
		code <<= codeLengths[s] - length
		length = codeLengths[s]
		codes[s] = code
		code++
	}
	bits := 0
	put := func(bit uint32) {
		if bits%8 == 0 {
			dst = append(dst, 0)
		}
		dst[bits/8] |= byte(bit << (7 - bits%8))
		bits++
	}
	for _, c := range src {
		for i := int(codeLengths[c]) - 1; i >= 0; i-- {
			put(codes[c] >> i & 1)
		}
	}
	for bits%8 != 0 {
		put(1)
	}
	return dst
}

// In steady state a request allocates nothing.
func TestRequestsAllocateNothing(t *testing.T) {
	one := []byte("GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: c\r\nCookie: d\r\n\r\n")
	tap := NewTap(new(Counters))
	if n := testing.AllocsPerRun(200, func() { tap.Write(one); tap.Claim("GET", "/a") }); n != 0 {
		t.Errorf("%v for HTTP/1", n)
	}
	tap, _ = newTap(preface+settings(1, 65536)+frame(headersFrame, endHeadersFlag, 1, "\x82\x87\x41\x01a\x44\x02/a\x7a\x01b\x60\x01c"), whole)
	if tap.Claim("GET", "/a") == 0 {
		t.Fatal("not understood")
	}
	head, again := []byte(frame(headersFrame, endHeadersFlag, 3, "\x82\x87\xc1\xc0\xbf\xbe")[:frameHead]), []byte("\x82\x87\xc1\xc0\xbf\xbe")
	if n := testing.AllocsPerRun(200, func() { tap.Write(head); tap.Write(again); tap.Claim("GET", "/a") }); n != 0 {
		t.Errorf("%v for HTTP/2", n)
	}
}

// A record means the same as the bytes.
func TestRecorded(t *testing.T) {
	fields := []string{"Host", "user-agent", "Accept", "Accept-Language", "Cookie", "Connection"}
	stream := "GET / HTTP/1.1\r\n"
	for _, f := range fields {
		stream += f + ": x\r\n"
	}
	tap := NewTap(new(Counters))
	tap.SetTLS(7)
	tap.Write([]byte(stream + "\r\n"))
	if got, want := (&Recorded{TLS: 7, Fields: fields}).Wire(), tap.Claim("GET", "/"); got != want || want == 0 {
		t.Errorf("HTTP/1: %+v, %x, want %+v, %x", got.Facts(), got.Print(), want.Facts(), want.Print())
	}
	tap, _ = newTap(preface+settings(1, 65536, 0x0a0a, 5, 4, 6291456)+frame(windowFrame, 0, 3, "\x00\x00\x00\x01")+windowUpdate(15663105)+
		frame(priorityFrame, 0, 3, "\x00\x00\x00\x00\xc8")+
		frame(headersFrame, endHeadersFlag|priorityFlag, 1, priorityOfChrome+literals(":method=GET", ":authority=a", ":scheme=b", ":path=/", "user-agent=c", "accept=d")), whole)
	record := Recorded{Pseudo: "masp", Priority: true, Fields: []string{"user-agent", "accept"}, Frames: []Frame{
		{Settings, [][2]uint32{{1, 65536}, {0x0a0a, 5}, {4, 6291456}}}, {WindowUpdate, [][2]uint32{{3, 1}}}, {WindowUpdate, [][2]uint32{{0, 15663105}}},
		{Priority, [][2]uint32{{3, 0}, {0, 201}}}}}
	if got, want := record.Wire(), tap.Claim("GET", "/"); got != want || want == 0 {
		t.Errorf("HTTP/2: %+v, %x, want %+v, %x", got.Facts(), got.Print(), want.Facts(), want.Print())
	}
}

// FuzzTap: however the bytes are split, the same is known of them, in bounded memory.
func FuzzTap(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 3)
	f.Add(preface+settings(1, 65536, 2, 0)+windowUpdate(9)+frame(headersFrame, endHeadersFlag|priorityFlag, 1, priorityOfChrome+literals(":method=GET", ":path=/", "cookie=1")), 5)
	f.Add(preface+frame(headersFrame, 0, 1, "\x82\x87\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff")+frame(continuationFrame, endHeadersFlag, 1, "\x84"), 1)
	f.Fuzz(func(t *testing.T, stream string, piece int) {
		a, x := newTap(stream, max(1, piece))
		b, y := newTap(stream, whole)
		if x.Requests.Load() != y.Requests.Load() || x.NotUnderstood.Load() != y.NotUnderstood.Load() {
			t.Fatalf("%d requests and %d, not understood %d and %d", x.Requests.Load(), y.Requests.Load(), x.NotUnderstood.Load(), y.NotUnderstood.Load())
		}
		for i := range a.unclaimed.few {
			p, q := &a.unclaimed.few[i], &b.unclaimed.few[i]
			if p.key.Load() != q.key.Load() || p.wire.Load() != q.wire.Load() {
				t.Fatalf("request %d is %x %x and %x %x", i, p.key.Load(), p.wire.Load(), q.key.Load(), q.wire.Load())
			}
		}
		if a.http1.line.len() > maxLine {
			t.Error("a line beyond the bound is kept")
		}
		if h := a.http2; h != nil && (h.payload.len() > maxBlock || h.block.len() > maxBlock || h.table.size > maxTable) {
			t.Error("more than the bounds is kept")
		}
	})
}

// FuzzAgainstNetHTTP: the requests that net/http reads are the known ones, in order, as long as the
// tap works.
func FuzzAgainstNetHTTP(f *testing.F) {
	f.Add("GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.0\r\n\r\n")
	f.Add("POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\nGET /c HTTP/1.1\r\nHost: b\r\n\r\n")
	f.Fuzz(func(t *testing.T, stream string) {
		counters := new(Counters)
		tap := NewTap(counters)
		tap.Write([]byte(stream))
		r := bufio.NewReader(strings.NewReader(stream))
		for n := 0; n < fewRecords; n++ {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if tap.mode == inHTTP2 || len(request.RequestURI) > maxLine/2 || len(request.Method) > maxLine/2 || request.ProtoMajor != 1 {
				return
			}
			known := false
			tap.unclaimed.find(requestKey(newSum(request.Method), newSum(request.RequestURI)))
			if _, ok := tap.unclaimed.claim(requestKey(newSum(request.Method), newSum(request.RequestURI))); ok {
				known = true
			}
			if !known && tap.mode != ended && counters.Requests.Load() <= fewRecords {
				t.Fatalf("request %d, %q %q, is not known", n, request.Method, request.RequestURI)
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil {
				return
			}
		}
	})
}

func BenchmarkHTTP1(b *testing.B) {
	request := bytes.ReplaceAll([]byte("GET /shop/item?id=17 HTTP/1.1\nHost: www.example.com\nConnection: keep-alive\nsec-ch-ua: \"Chromium\";v=\"156\"\nsec-ch-ua-mobile: ?0\n"+
		"sec-ch-ua-platform: \"Linux\"\nUpgrade-Insecure-Requests: 1\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate\nSec-Fetch-User: ?1\n"+
		"Sec-Fetch-Dest: document\nAccept-Encoding: gzip, deflate, br, zstd\nAccept-Language: en-US,en;q=0.9\nCookie: session=0123456789abcdef\n\n"), []byte("\n"), []byte("\r\n"))
	tap := NewTap(new(Counters))
	b.ReportAllocs()
	for b.Loop() {
		tap.Write(request)
		tap.Claim("GET", "/shop/item?id=17")
	}
}

// A later request of Chrome: most fields are in the table, path and cookie are not.
func BenchmarkHTTP2(b *testing.B) {
	fields := []string{"user-agent=" + strings.Repeat("a", 110), "accept=" + strings.Repeat("b", 100), "sec-ch-ua=x", "sec-ch-ua-mobile=x", "sec-ch-ua-platform=x", "sec-fetch-site=x",
		"sec-fetch-mode=x", "sec-fetch-dest=x", "accept-encoding=gzip", "accept-language=en"}
	first := "\x82\x87\x41\x01a\x84"
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		first += "\x40" + string([]byte{byte(len(name))}) + name + string([]byte{byte(len(value))}) + value
	}
	tap, _ := newTap(preface+settings(1, 65536)+frame(headersFrame, endHeadersFlag, 1, first), whole)
	path := huffmanCode([]byte("/shop/item?id=17"))
	again := "\x82\x87\xc8\x04" + string([]byte{0x80 | byte(len(path))}) + string(path)
	for i := range fields {
		again += string([]byte{byte(0x80 | 62 + len(fields) - 1 - i)})
	}
	f := []byte(frame(headersFrame, endHeadersFlag, 3, again))
	b.ReportAllocs()
	for b.Loop() {
		tap.Write(f[:frameHead])
		tap.Write(f[frameHead:])
		if tap.Claim("GET", "/shop/item?id=17") == 0 {
			b.Fatal("not understood")
		}
	}
}

// Memory of a connection with one request: the tap, and for HTTP/2 the table.
func BenchmarkConnection(b *testing.B) {
	http1 := []byte("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: c\r\n\r\n")
	http2 := []byte(preface + settings(1, 65536, 2, 0, 4, 6291456, 6, 262144) + windowUpdate(15663105) +
		frame(headersFrame, endHeadersFlag, 1, "\x82\x87\x41\x01a\x84\x7a\x01b\x53\x01c"))
	for name, bytes := range map[string][]byte{"HTTP1": http1, "HTTP2": http2} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			counters := new(Counters)
			for b.Loop() {
				tap := NewTap(counters)
				tap.Write(bytes)
				tap.Claim("GET", "/")
			}
		})
	}
}
