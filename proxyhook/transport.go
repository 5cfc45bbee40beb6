package proxyhook

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
)

// Transport gives a RoundTripper that asks the limiter for room at the origin, which is the URL's host, before next
// (nil: http.DefaultTransport) gets the request. A refused request is answered with 503, Retry-After and
// X-Headgate-Reason and never reaches the origin. The ticket is released when the response's body is closed or at its
// end, when next fails, and at the latest when the Handler has ended. Without a Handler around it, the transport
// limits but scores and reports nothing.
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
		return refusalOf(r, refusal), nil
	}
	var watch *watchdog
	if silence := t.filter.config.OriginSilence; silence > 0 {
		r, watch = watched(r, silence)
	}
	answered := false
	defer func() {
		if !answered { // an error, or a panic in next
			watch.end()
			held.release()
		}
	}()
	start := time.Now()
	response, err := t.next.RoundTrip(cleanInterim(r))
	watch.rest()
	t.filter.limiting.answered(held, time.Since(start))
	if err != nil {
		return response, err
	}
	cleanResponse(response)
	if response.Body != nil { // it must not be, and next has broken its promise
		answered = true
		response.Body = guardBody(response.Body, held, watch)
	}
	return response, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (t *transport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func (t *transport) admit(r *http.Request) (*admission, *limits.Admission) {
	if req := t.filter.requestOf(r.Context()); req != nil {
		return req.admit(r.URL.Host)
	}
	ev := traffic.Event{Host: hostOf(cmp.Or(r.Host, r.URL.Host))}
	ev.Bound()
	held := &admission{}
	a, ok := t.filter.Admit(&ev, r.URL.Host, &held.state)
	if !ok {
		return nil, &a
	}
	held.take(&a)
	return held, nil
}

// refusalOf is the response in the origin's place. A HEAD request is told the length of a body that it does not get.
func refusalOf(r *http.Request, a *limits.Admission) *http.Response {
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

// guardBody releases a ticket with the body. The body of an upgraded connection can be written to, and stays so.
func guardBody(body io.ReadCloser, held *admission, watch *watchdog) io.ReadCloser {
	guarded := &guardedBody{ReadCloser: body, held: held, watch: watch}
	if conn, ok := body.(io.Writer); ok {
		return &guardedConn{guarded, conn}
	}
	return guarded
}

type guardedBody struct {
	io.ReadCloser
	held  *admission
	watch *watchdog
}

func (b *guardedBody) Read(p []byte) (int, error) {
	b.watch.start()
	n, err := b.ReadCloser.Read(p)
	b.watch.rest()
	if err != nil {
		b.watch.end()
		b.held.release()
	}
	return n, err
}

func (b *guardedBody) Close() error {
	defer b.held.release()
	defer b.watch.end()
	return b.ReadCloser.Close()
}

type guardedConn struct {
	*guardedBody
	io.Writer
}

// Read must not release: the other direction may go on after this one has ended. Nor is silence an end here.
func (c *guardedConn) Read(p []byte) (int, error) { return c.ReadCloser.Read(p) }

// CloseWrite ends one direction, where the connection can.
func (c *guardedConn) CloseWrite() error { return closeWrite(c.ReadCloser) }
