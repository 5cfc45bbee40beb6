package pipeline

import (
	"bytes"
	"strings"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// FromEntry describes the request of a log line. A log tells neither the host nor the headers other than Referer and
// User-Agent, which one of the common format lacks as well, and not how long a request took: those stay unknown. Status
// and size are always told: where the log has no number, none was sent.
func FromEntry(ev *traffic.Event, e *accesslog.Entry) {
	*ev = traffic.Event{
		Time:    e.Time,
		Method:  string(e.Method),
		Version: httpVersion(e.Proto),
		Status:  uint16(e.Status),
		Bytes:   uint64(e.Bytes),
	}
	ev.SetClient(e.Addr)
	path, query := targetOf(e)
	ev.SetPath(path)
	ev.SetQuery(len(query))
	ev.SetUserAgent(string(e.UserAgent))
	ev.Facts = traffic.HostUnknown | traffic.DurationUnknown
	if e.Combined {
		ev.Facts |= traffic.RefererKnown
	} else {
		ev.Facts |= traffic.AgentUnknown
	}
	if len(e.Referer) > 0 {
		ev.Facts |= traffic.Referer
	}
	ev.Facts |= heuristics.FactsOf(query, string(e.Referer), string(e.UserAgent))
	ev.Bound()
	if ev.PathSum != 0 || ev.AgentSum != 0 { // the whole of it is not kept for its beginning
		ev.Path, ev.UserAgent = strings.Clone(ev.Path), strings.Clone(ev.UserAgent)
	}
}

// targetOf returns the path that was asked for and the query; where the request was no HTTP, what was sent in its place.
func targetOf(e *accesslog.Entry) (path, query string) {
	if !e.HTTP {
		return string(e.RequestLine), ""
	}
	return traffic.SplitTarget(string(e.Target))
}

// httpVersion returns ten times the version: "HTTP/1.1" is 11. What is none is 0.
func httpVersion(proto []byte) uint8 {
	version, ok := bytes.CutPrefix(proto, []byte("HTTP/"))
	if !ok || len(version) == 0 || version[0] < '0' || version[0] > '9' {
		return 0
	}
	v := 10 * (version[0] - '0')
	if len(version) == 3 && version[1] == '.' && '0' <= version[2] && version[2] <= '9' {
		v += version[2] - '0'
	}
	return v
}
