package proxyhook

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// call is one request to an origin, from its admission to the end of the answer's body. Its ticket
// is also released when the request's context ends: by then next has ended the exchange, even if
// the body is never closed.
type call struct {
	ctx       context.Context
	admission *admission
	exchange  *exchange
	observed  bool // whether the wait for the origin is measured
	upgraded  atomic.Pointer[guardedConn]
	stop      func() bool // stops waiting for the context
}

// newCall returns a call with an admission.
func newCall(r *http.Request, held *admission) *call {
	c := &call{ctx: r.Context(), admission: held}
	c.stop = context.AfterFunc(c.ctx, c.expire)
	return c
}

// follow starts an exchange for the call if one is needed, and returns the request to send.
func (c *call) follow(f *Filter, r *http.Request) *http.Request {
	silence := f.config.OriginSilence
	c.observed = f.observes(r)
	if silence > 0 || c.observed {
		r, c.exchange = follow(r, silence)
	}
	return r
}

// answered is called when the wait for the origin is over: with an answer, or with the error that
// ended it.
func (c *call) answered(f *Filter, err error) {
	c.exchange.rest()
	if c.observed {
		f.observe(c.exchange, c.admission, err != nil, c.ctx.Err() != nil)
	}
}

// end releases the ticket and stops everything that watches the call.
func (c *call) end() {
	c.stop()
	c.exchange.end()
	c.admission.release()
}

// expire releases the ticket when the context is done. It closes an upgraded connection, which must
// not be used without a ticket. The context of a request whose connection was hijacked is done when
// its handler returns, while the tunnel goes on: such a ticket is released when either side of the
// tunnel is closed.
func (c *call) expire() {
	conn := c.upgraded.Load()
	switch {
	case conn == nil:
		c.admission.release()
	case !isHijacked(c.ctx):
		conn.Close()
	}
}

// guard ends the call when the answer's body ends.
func (c *call) guard(r *http.Request, response *http.Response) {
	if bodiless(r, response) {
		c.end()
		return
	}
	guarded := &guardedBody{ReadCloser: response.Body, call: c}
	response.Body = guarded
	if writer, ok := guarded.ReadCloser.(io.Writer); ok {
		conn := &guardedConn{guarded, writer}
		response.Body = conn
		c.upgraded.Store(conn)
		if c.ctx.Err() != nil { // expire may have missed it
			c.expire()
		}
	}
}

// bodiless reports whether an answer has no body to read, so that the origin has finished the
// request. Not every client closes such a body.
func bodiless(r *http.Request, response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusNoContent, http.StatusNotModified:
		return true
	}
	return r.Method == http.MethodHead || response.Body == http.NoBody ||
		response.ContentLength == 0 && response.ProtoMajor == 2 // its empty body is not http.NoBody
}

// guardedBody ends its call at the body's end, at an error, and when it is closed.
type guardedBody struct {
	io.ReadCloser
	call *call
}

func (b *guardedBody) Read(p []byte) (int, error) {
	b.call.exchange.await()
	n, err := b.ReadCloser.Read(p)
	b.call.exchange.rest()
	if err != nil {
		b.call.end()
	}
	return n, b.call.exchange.reason(err)
}

func (b *guardedBody) Close() error {
	defer b.call.end()
	return b.ReadCloser.Close()
}

// guardedConn is the body of an upgraded connection, which can be written to.
type guardedConn struct {
	*guardedBody
	io.Writer
}

// Read does not release the ticket: the other direction may continue after this one has ended. Nor
// does silence end the tunnel.
func (c *guardedConn) Read(p []byte) (int, error) { return c.ReadCloser.Read(p) }

// CloseWrite ends one direction, if the connection supports that.
func (c *guardedConn) CloseWrite() error { return closeWrite(c.ReadCloser) }
