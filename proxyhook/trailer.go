package proxyhook

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
)

// Trailers are fields that follow a body. net/http adds them to the body's request or response
// before a read of the body returns io.EOF; from then on they do not change.

// cleanRequestTrailers removes the fields that only the filter may set from the trailers of to, a
// copy of from for the origin. from is unchanged.
func cleanRequestTrailers(from, to *http.Request) {
	if from.Body == nil || from.Body == http.NoBody || from.ContentLength >= 0 && len(from.Trailer) == 0 {
		return
	}
	body := &requestBody{from.Body, from, to}
	to.Body, to.Trailer = body, nil
	body.takeOver() // the announced names
}

type requestBody struct {
	io.ReadCloser
	from, to *http.Request
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.takeOver()
	}
	return n, err
}

// takeOver copies the trailers known so far, except ours.
func (b *requestBody) takeOver() {
	for name, values := range b.from.Trailer {
		if isOwn(name) {
			continue
		}
		if b.to.Trailer == nil {
			b.to.Trailer = make(http.Header, len(b.from.Trailer))
		}
		b.to.Trailer[name] = values
	}
}

// cleanResponse removes the fields that only the filter may set from an origin's response: now from
// its header, and from its trailers when they arrive.
func cleanResponse(r *http.Response) {
	dropOwn(r.Header)
	dropOwn(r.Trailer)
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength >= 0 && len(r.Trailer) == 0 && r.ProtoMajor < 2 {
		return
	}
	if _, upgraded := r.Body.(io.Writer); !upgraded {
		r.Body = &responseBody{r.Body, r}
	}
}

type responseBody struct {
	io.ReadCloser
	response *http.Response
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		dropOwn(b.response.Trailer)
	}
	return n, err
}

// cleanInterim cleans interim responses (1xx) for a caller that reads them by its own trace. Within
// a Handler, the handler's writer cleans them, which costs less.
func cleanInterim(r *http.Request) *http.Request {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace == nil || trace.Got1xxResponse == nil || innermost(r.Context()) != nil {
		return r
	}
	clean := &httptrace.ClientTrace{Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
		dropOwn(http.Header(header))
		return nil
	}}
	return r.WithContext(httptrace.WithClientTrace(r.Context(), clean)) // before the caller's
}
