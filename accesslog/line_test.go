package accesslog_test

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
)

// copied is an Entry that outlives the reader's buffer.
type copied struct {
	Line                                                 int
	Addr                                                 netip.Addr
	Time                                                 int64
	HTTP                                                 bool
	Status                                               int
	Bytes                                                int64
	User, Request, Method, Target, Proto, Referer, Agent string
}

func keep(e *accesslog.Entry) copied {
	return copied{
		Line: e.Line, Addr: e.Addr, Time: e.Time, HTTP: e.HTTP, Status: e.Status, Bytes: e.Bytes,
		User: string(e.User), Request: string(e.RequestLine), Method: string(e.Method),
		Target: string(e.Target), Proto: string(e.Proto), Referer: string(e.Referer), Agent: string(e.UserAgent),
	}
}

// readAll returns every entry and every line error of a log, and the error that ended it.
func readAll(t testing.TB, r io.Reader) (entries []copied, bad []*accesslog.LineError, end error) {
	t.Helper()
	reader, err := accesslog.NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	var e accesslog.Entry
	for {
		err := reader.Next(&e)
		var lineError *accesslog.LineError
		switch {
		case err == nil:
			entries = append(entries, keep(&e))
		case errors.As(err, &lineError):
			bad = append(bad, lineError)
		default:
			return entries, bad, err
		}
	}
}

const stamp = "17/Dec/2025:09:03:01 +0000"

var stampNanos = time.Date(2025, 12, 17, 9, 3, 1, 0, time.UTC).UnixNano()

// goodLines are lines and what they mean. They are also seeds of the fuzz test.
var goodLines = []struct {
	name, line string
	want       copied
}{
	{
		"combined",
		`192.0.2.7 - - [` + stamp + `] "GET /a?b=c HTTP/1.1" 200 512 "https://example.org/" "Mozilla/5.0 (X11)"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 200, Bytes: 512,
			Request: "GET /a?b=c HTTP/1.1", Method: "GET", Target: "/a?b=c", Proto: "HTTP/1.1",
			Referer: "https://example.org/", Agent: "Mozilla/5.0 (X11)"},
	},
	{
		"common, without referer and user agent",
		`2001:db8::1 - - [` + stamp + `] "HEAD / HTTP/2.0" 304 -`,
		copied{Addr: netip.MustParseAddr("2001:db8::1"), HTTP: true, Status: 304,
			Request: "HEAD / HTTP/2.0", Method: "HEAD", Target: "/", Proto: "HTTP/2.0"},
	},
	{
		"fields after the user agent are ignored",
		`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "curl/8" "203.0.113.9" 0.003`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 200, Bytes: 1,
			Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1", Agent: "curl/8"},
	},
	{
		"an IPv4-mapped client is the IPv4 client",
		`::ffff:192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 200, Bytes: 1,
			Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1"},
	},
	{
		"a zone is dropped",
		`fe80::1%eth0 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "-"`,
		copied{Addr: netip.MustParseAddr("fe80::1"), HTTP: true, Status: 200, Bytes: 1,
			Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1"},
	},
	{
		"a user name that tries to be a date",
		`192.0.2.7 - x [01/Jan/2000:00:00:00 +0000] [` + stamp + `] "GET / HTTP/1.1" 401 1 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 401, Bytes: 1,
			User: "x [01/Jan/2000:00:00:00 +0000]", Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1"},
	},
	{
		"a user name with an escaped quote",
		`192.0.2.7 - a\"b [` + stamp + `] "GET / HTTP/1.1" 401 1 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 401, Bytes: 1,
			User: `a"b`, Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1"},
	},
	{
		"Apache's empty user name",
		`192.0.2.7 - "" [` + stamp + `] "GET / HTTP/1.1" 401 1 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 401, Bytes: 1,
			Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1"},
	},
	{
		"a TLS hello on a plain port, as nginx escapes it",
		`192.0.2.7 - - [` + stamp + `] "\x16\x03\x01\x22\x5C" 400 166 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), Status: 400, Bytes: 166, Request: "\x16\x03\x01\"\\"},
	},
	{
		"Apache's escapes",
		`192.0.2.7 - - [` + stamp + `] "GET /\t\n\r\b\v HTTP/1.1" 400 1 "a\\b" "say \"hi\" \q \x4 \xzz"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 400, Bytes: 1,
			Request: "GET /\t\n\r\b\v HTTP/1.1", Method: "GET", Target: "/\t\n\r\b\v", Proto: "HTTP/1.1",
			Referer: `a\b`, Agent: `say "hi" \q \x4 \xzz`},
	},
	{
		"an even number of backslashes in front of the closing quote",
		`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "tail\\"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), HTTP: true, Status: 200, Bytes: 1,
			Request: "GET / HTTP/1.1", Method: "GET", Target: "/", Proto: "HTTP/1.1", Agent: `tail\`},
	},
	{
		"no request at all",
		`192.0.2.7 - - [` + stamp + `] "" 400 0 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), Status: 400},
	},
	{
		"a connection that timed out in Apache",
		`192.0.2.7 - - [` + stamp + `] "-" 408 - "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), Status: 408},
	},
	{
		"a connection that nginx closed before a status",
		`192.0.2.7 - - [` + stamp + `] "SSH-2.0-Go" 000 0 "-" "-"`,
		copied{Addr: netip.MustParseAddr("192.0.2.7"), Request: "SSH-2.0-Go"},
	},
}

func TestLine(t *testing.T) {
	for _, c := range goodLines {
		t.Run(c.name, func(t *testing.T) {
			c.want.Line, c.want.Time = 1, stampNanos
			for _, end := range []string{"", "\n", "\r\n"} {
				entries, bad, err := readAll(t, strings.NewReader(c.line+end))
				if err != io.EOF || len(bad) != 0 || len(entries) != 1 {
					t.Fatalf("line end %q: %d entries, errors %v, end %v", end, len(entries), bad, err)
				}
				if entries[0] != c.want {
					t.Errorf("line end %q:\n got %+v\nwant %+v", end, entries[0], c.want)
				}
			}
		})
	}
}

// notHTTP are request lines of valid entries that are not HTTP requests.
var notHTTP = []string{
	"", "GET", "GET /", "GET  HTTP/1.1", "GET / HTTP/", "GET / HTTP/1.1x", "GET / http/1.1", "get / HTTP/1.1",
	"GET /a b HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "- - HTTP/1.0",
	"SSTP_DUPLEX_POST / HTTP/1.1", "MGLNDD_192.0.2.1_443", "SSH-2.0-Go", "PRI * HTTP/2.0 x",
}

func TestRequestLineThatIsNotHTTP(t *testing.T) {
	for _, request := range notHTTP {
		line := `192.0.2.7 - - [` + stamp + `] "` + request + `" 400 166 "-" "-"`
		entries, bad, _ := readAll(t, strings.NewReader(line))
		if len(bad) != 0 || len(entries) != 1 {
			t.Errorf("%q: %d entries, errors %v", request, len(entries), bad)
			continue
		}
		if e := entries[0]; e.HTTP || e.Method+e.Target+e.Proto != "" || e.Request != request {
			t.Errorf("%q was read as %+v", request, e)
		}
	}
}

// badLines are lines that must be refused, with a word of the reason.
var badLines = []struct{ line, reason string }{
	{``, "empty"},
	{`192.0.2.7`, "nothing after"},
	{`www.example.org - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2.7:80 192.0.2.8 - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2.256 - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2.07 - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2 - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2.7.8 - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`unix: - - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "IP address"},
	{`192.0.2.7 - - [` + stamp + `] GET`, "no quoted request"},
	{`192.0.2.7 - "" [` + stamp + `] GET`, "no quoted request"},
	{`192.0.2.7 - - ` + stamp + ` "GET / HTTP/1.1" 200 1`, "[date]"},
	{`192.0.2.7 - - [17/Dec/2025:09:03:01] "GET / HTTP/1.1" 200 1`, "[date]"},
	{`192.0.2.7 "GET / HTTP/1.1" 200 1`, "[date]"},
	{`192.0.2.7 [` + stamp + `] "GET / HTTP/1.1" 200 1`, "[date]"},
	{`192.0.2.7 - [` + stamp + `] "GET / HTTP/1.1" 200 1`, "between address and date"},
	{`192.0.2.7 - - [29/Feb/2025:09:03:01 +0000] "GET / HTTP/1.1" 200 1`, "date"},
	{`192.0.2.7 - - [17/Dec/1969:09:03:01 +0000] "GET / HTTP/1.1" 200 1`, "date"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1 200 1`, "closing quote"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1\" 200 1`, "closing quote"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1"200 1`, "no status"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1"`, "no status"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200`, "no size"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 20 1`, "three digits"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" abc 1`, "three digits"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 -1`, "not a number"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 9223372036854775808`, "not a number"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 `, "referer is not quoted"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 - -`, "referer is not quoted"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-"`, "no user agent"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "cut sho`, "user agent is not quoted"},
	{`192.0.2.7 - - [` + stamp + `] "GET / HTTP/1.1" 200 1 "-" "a"b"`, "no space after"},
}

func TestMalformedLine(t *testing.T) {
	for _, c := range badLines {
		good := goodLines[0].line
		entries, bad, err := readAll(t, strings.NewReader(c.line+"\n"+good+"\n"))
		if err != io.EOF || len(bad) != 1 || len(entries) != 1 || entries[0].Line != 2 {
			t.Errorf("%q: entries %v, errors %v, end %v", c.line, entries, bad, err)
			continue
		}
		if e := bad[0]; e.Line != 1 || !strings.Contains(e.Reason, c.reason) || !strings.HasPrefix(c.line, e.Text) {
			t.Errorf("%q: got %+v, want line 1 and a reason with %q", c.line, e, c.reason)
		}
	}
}

func TestLineErrorIsPrintable(t *testing.T) {
	_, bad, _ := readAll(t, strings.NewReader("\x1b[31m\xff\x00\ttext"+strings.Repeat("é", 500)))
	if len(bad) != 1 {
		t.Fatalf("%d line errors, want 1", len(bad))
	}
	if got := bad[0].Text; len(got) != 120 || !strings.HasPrefix(got, ".[31m...text..") {
		t.Errorf("excerpt of %d bytes: %q", len(got), got)
	}
	if got := bad[0].Error(); !strings.Contains(got, "line 1: there is nothing after the first field") {
		t.Errorf("error text %q", got)
	}
}
