package pipeline

import (
	"bytes"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/accesslog"
	"github.com/headgate/headgate/internal/simulator"
	"github.com/headgate/headgate/proxyhook"
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

// httpVersion gives ten times the version: "HTTP/1.1" is 11. What is none is 0.
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

// FromRequest fills ev with a simulated request that starts at the given time, nanoseconds since 1970 UTC, as a proxy
// describes it that the client speaks HTTP/1.1 to.
func FromRequest(ev *traffic.Event, r *simulator.Request, start int64) {
	var config proxyhook.Config
	config.Describe(ev, httpRequest(r), traffic.Sums{})
	response := r.Response()
	ev.Time = start + int64(r.At)
	ev.Origin = r.Host
	ev.Status = uint16(response.Status)
	ev.Bytes = uint64(response.Bytes)
	ev.Duration = uint64(response.Delay)
	ev.Bound()
}

// httpRequest returns the request as a Go server has it: without the field Host, with the Content-Length of a body.
func httpRequest(r *simulator.Request) *http.Request {
	request := &http.Request{Method: r.Method, Host: r.Host, RequestURI: r.Target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: netip.AddrPortFrom(r.Client, 1).String(), Header: make(http.Header)}
	for _, h := range r.AppendHeaders(nil)[1:] {
		request.Header.Set(h.Name, h.Value)
	}
	if r.Body != "" {
		request.Header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	return request
}
