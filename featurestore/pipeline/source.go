package pipeline

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/accesslog"
	"github.com/headgate/headgate/internal/simulator"
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

// FromRequest describes a simulated request that starts at the given time, nanoseconds since 1970 UTC, as the filter
// describes it in a proxy that the client speaks HTTP/1.1 to.
func FromRequest(ev *traffic.Event, r *simulator.Request, start int64) {
	response := r.Response()
	*ev = traffic.Event{
		Time:     start + int64(r.At),
		Method:   r.Method,
		Host:     r.Host,
		Version:  11,
		Facts:    factsOf(r),
		Headers:  headersOf(r),
		Origin:   r.Host,
		Status:   uint16(response.Status),
		Bytes:    uint64(response.Bytes),
		Duration: uint64(response.Delay),
	}
	ev.SetClient(r.Client)
	path, query := traffic.SplitTarget(r.Target)
	ev.SetPath(path)
	ev.SetQuery(len(query))
	ev.Facts |= heuristics.FactsOf(query, r.Referer, r.UserAgent)
	ev.SetUserAgent(r.UserAgent)
	if host, path := traffic.SplitReferer(r.Referer); host == r.Host && host != "" {
		traffic.Sums{}.SetLink(ev, path)
	}
	ev.Bound()
}

// headersOf counts the header fields as a Go server keeps them: without Host, with the Content-Length of a body.
func headersOf(r *simulator.Request) uint8 {
	n := len(r.AppendHeaders(nil)) - 1
	if r.Body != "" {
		n++
	}
	return uint8(min(n, 255))
}

func factsOf(r *simulator.Request) traffic.Facts {
	facts := traffic.HeadersKnown | traffic.RefererKnown
	for _, h := range []struct {
		value string
		fact  traffic.Facts
	}{
		{r.AcceptLanguage, traffic.AcceptLanguage},
		{r.AcceptEncoding, traffic.AcceptEncoding},
		{r.Cookie, traffic.Cookie},
		{r.FetchMode, traffic.SecFetch},
		{r.RequestedWith, traffic.XHR},
		{r.Referer, traffic.Referer},
	} {
		if h.value != "" {
			facts |= h.fact
		}
	}
	if u, err := url.Parse(r.Referer); err == nil && r.Referer != "" && u.Hostname() == r.Host {
		facts |= traffic.RefererSame
	}
	claims := traffic.Claims{UserAgent: r.UserAgent, Hints: r.ClientHints, FetchSite: r.FetchSite, FetchMode: r.FetchMode,
		FetchDest: r.FetchDest, Accept: r.Accept, AcceptEncoding: r.AcceptEncoding}
	facts |= claims.Facts(facts)
	return facts
}
