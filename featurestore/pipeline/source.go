package pipeline

import (
	"bytes"
	"strings"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// FromEntry fills ev with the request of a log line. A log contains neither the host, nor headers
// other than Referer and User-Agent (the common format lacks these too), nor the duration: those
// stay unknown. Status and size are always known: if the log has no number, no answer was sent.
func FromEntry(ev *traffic.Event, e *accesslog.Entry) {
	*ev = traffic.Event{
		Time:    e.Time,
		Method:  string(e.Method),
		Version: httpVersion(e.Proto),
		Status:  uint16(e.Status),
		Bytes:   uint64(e.Bytes),
	}
	ev.SetClient(e.Addr)
	path, query := requestTarget(e)
	ev.SetPath(path)
	ev.SetQuery(len(query))
	ev.SetUserAgent(string(e.UserAgent))
	ev.Facts = traffic.FactHostUnknown | traffic.FactDurationUnknown
	if e.Combined {
		ev.Facts |= traffic.FactRefererKnown
	} else {
		ev.Facts |= traffic.FactAgentUnknown
	}
	if len(e.Referer) > 0 {
		ev.Facts |= traffic.FactReferer
	}
	ev.Facts |= heuristics.RequestFacts(query, string(e.Referer), string(e.UserAgent))
	ev.Bound()
	if ev.PathSum != 0 || ev.AgentSum != 0 { // do not keep the whole string alive
		ev.Path, ev.UserAgent = strings.Clone(ev.Path), strings.Clone(ev.UserAgent)
	}
}

// requestTarget returns the requested path and the query, or the whole request line if it is not
// HTTP.
func requestTarget(e *accesslog.Entry) (path, query string) {
	if !e.HTTP {
		return string(e.RequestLine), ""
	}
	return traffic.SplitTarget(string(e.Target))
}

// httpVersion returns ten times the version, 11 for "HTTP/1.1", or 0 if proto is not a version.
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
