package accesslog

import (
	"bytes"
	"net/netip"
)

// Entry is one line of an access log. Its byte slices point into the buffer of the [Reader] and are
// valid until the next call of [Reader.Next]; copy what you keep. Escapes (\xHH, \", \\, \t and so
// on) are decoded in all of them, so they may hold any byte.
type Entry struct {
	Line int        // number of the line, from 1
	Addr netip.Addr // client; an IPv4-mapped address becomes IPv4, a zone is removed
	User []byte     // authenticated user; empty when the log says "-"
	Time int64      // nanoseconds since the Unix epoch, always whole seconds

	RequestLine []byte // as the client sent it; empty when the log says "-" (no request)

	// HTTP is true when RequestLine is a method of capital letters, one
	// space, a target without spaces, one space, "HTTP/" and a version of
	// digits and dots. Method, Target and Proto are empty otherwise.
	HTTP   bool
	Method []byte
	Target []byte // path and query, as sent; not checked to be a URL
	Proto  []byte // for instance "HTTP/1.1"

	Status int   // 0 to 999; 0 when the log says "-" or "000" (no answer)
	Bytes  int64 // size of the answer, never negative; 0 when the log says "-"

	Combined  bool   // whether the line has a referer and a user agent, as the combined format
	Referer   []byte // empty when the log says "-"
	UserAgent []byte // empty when the log says "-"
}

// parse fills e from a line without its line end, or returns what is wrong with the line. It
// changes the bytes of line only if the line is valid, so that an error can still show them.
func (e *Entry) parse(line []byte, dates *dateCache) (reason string) {
	var f fields
	if reason := f.split(line); reason != "" {
		return reason
	}
	var ok bool
	if e.Addr, ok = parseAddr(f.addr); !ok {
		return "the first field is not an IP address"
	}
	if e.Time, ok = dates.parse(f.stamp); !ok {
		return "the date is not a valid day/month/year:hour:minute:second zone from 1990 to 2100"
	}
	if e.Status, ok = parseStatus(f.status); !ok {
		return "the status is not three digits"
	}
	if e.Bytes, ok = parseBytes(f.bytes); !ok {
		return "the size of the answer is not a number"
	}
	e.User = unescape(unlessDash(f.user))
	e.RequestLine = unescape(unlessDash(f.request))
	e.Combined = f.agent != nil
	e.Referer = unescape(unlessDash(f.referer))
	e.UserAgent = unescape(unlessDash(f.agent))
	e.splitRequest()
	return ""
}

// splitRequest sets HTTP and, if it is true, the three parts of the request line.
func (e *Entry) splitRequest() {
	first := bytes.IndexByte(e.RequestLine, ' ')
	last := bytes.LastIndexByte(e.RequestLine, ' ')
	if first == last {
		return
	}
	method, target, proto := e.RequestLine[:first], e.RequestLine[first+1:last], e.RequestLine[last+1:]
	if !isMethod(method) || len(target) == 0 || bytes.IndexByte(target, ' ') >= 0 || !isProto(proto) {
		return
	}
	e.HTTP, e.Method, e.Target, e.Proto = true, method, target, proto
}

// isMethod accepts capital letters only. Registered methods with a hyphen exist (VERSION-CONTROL,
// M-SEARCH), but in logs, names with other characters come from scanners and tunnels
// (SSTP_DUPLEX_POST), and those must stay distinguishable.
func isMethod(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(b) > 0
}

func isProto(b []byte) bool {
	version, ok := bytes.CutPrefix(b, []byte("HTTP/"))
	for _, c := range version {
		if (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return ok && len(version) > 0
}

// unlessDash returns nil for the "-" of an absent field.
func unlessDash(b []byte) []byte {
	if len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}
