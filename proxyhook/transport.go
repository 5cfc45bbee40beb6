package proxyhook

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
)

// Transport returns a RoundTripper that requests a ticket for the origin, which is the URL's host,
// before next (nil: http.DefaultTransport) gets the request. A refused request is answered with
// 503, Retry-After and X-Headgate-Reason and never reaches the origin. The ticket is released when
// the response's body is closed or ends, at once if it has none, when next fails, and at the latest
// when the request's context is done or the Handler has ended. An upgraded connection is closed
// when its context is done, unless the Handler's own connection was hijacked: then the end of
// either releases the ticket. Without a Handler around it, the transport limits but does not score
// or report.
func (f *Filter) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	if t, ok := next.(*transport); ok && t.filter == f { // one call needs one ticket
		return t
	}
	return &transport{filter: f, next: next}
}

type transport struct {
	filter *Filter
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	held, refusal := t.admit(r)
	if refusal != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return newRefusal(r, refusal), nil
	}
	c := newCall(r, held)
	answered := false
	defer func() {
		if !answered { // an error, or a panic in next
			c.end()
		}
	}()
	response, err := t.next.RoundTrip(c.follow(t.filter, cleanInterim(r)))
	c.answered(t.filter, err)
	if err != nil {
		return response, c.exchange.reason(err)
	}
	cleanResponse(response)
	if response.Body != nil { // nil only if next breaks its contract
		answered = true
		c.guard(r, response)
	}
	return response, nil
}

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func (t *transport) admit(r *http.Request) (*admission, *limits.Admission) {
	if req := t.filter.findRequest(r.Context()); req != nil {
		return req.admit(r.URL.Host)
	}
	ev := traffic.Event{Host: canonicalHost(cmp.Or(r.Host, r.URL.Host))}
	ev.Bound()
	held := &admission{}
	a, ok := t.filter.Admit(&ev, r.URL.Host, &held.state)
	if !ok {
		return nil, &a
	}
	held.take(&a)
	return held, nil
}

// newRefusal returns the response that replaces the origin's. A HEAD request gets the length of a
// body that is not sent.
func newRefusal(r *http.Request, a *limits.Admission) *http.Response {
	const text = "Service Unavailable\n"
	var body io.ReadCloser = http.NoBody
	if r.Method != http.MethodHead {
		body = io.NopCloser(strings.NewReader(text))
	}
	return &http.Response{
		Status:     "503 Service Unavailable",
		StatusCode: http.StatusServiceUnavailable,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":   {"text/plain; charset=utf-8"},
			"Content-Length": {strconv.Itoa(len(text))},
			"Retry-After":    {retryAfter(a.RetryAfter)},
			ReasonHeader:     {overloadReason(a)},
		},
		Body:          body,
		ContentLength: int64(len(text)),
		Request:       r,
	}
}
