package proxyhook

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// call is one request to an origin, from its admission to the end of the answer's body. What holds its ticket also ends
// with the request's context: by then next has ended the exchange, whether or not anybody closes the body.
type call struct {
	ctx      context.Context
	held     *admission
	exchange *exchange
	observed bool // how long the origin is waited for
	upgraded atomic.Pointer[guardedConn]
	stop     func() bool // ends the wait for the context
}

// newCall begins a call whose ticket is held.
func newCall(r *http.Request, held *admission) *call {
	c := &call{ctx: r.Context(), held: held}
	c.stop = context.AfterFunc(c.ctx, c.expire)
	return c
}

// follow has the call's exchange followed, where somebody asks for it, and returns the request to send.
func (c *call) follow(f *Filter, r *http.Request) *http.Request {
	silence := f.config.OriginSilence
	c.observed = f.observes(r)
	if silence > 0 || c.observed {
		r, c.exchange = follow(r, silence)
	}
	return r
}

// answered is called when the wait for the origin is over: it has answered, or err is why not.
func (c *call) answered(f *Filter, err error) {
	c.exchange.rest()
	if c.observed {
		f.observe(c.exchange, c.held, err != nil, c.ctx.Err() != nil)
	}
}

// end releases the ticket and frees what watches over the call.
func (c *call) end() {
	c.stop()
	c.exchange.end()
	c.held.release()
}

// expire releases the ticket when the context is done. An upgraded connection is closed then, since it must not be in use
// without a ticket. The context of a request whose connection was hijacked is done when its handler returns, while
// the tunnel goes on: such a ticket is released when either side of the tunnel is closed.
func (c *call) expire() {
	conn := c.upgraded.Load()
	switch {
	case conn == nil:
		c.held.release()
	case !isHijacked(c.ctx):
		conn.Close()
	}
}

// guard ends the call with the answer's body.
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
		if c.ctx.Err() != nil { // expire may not have seen it
			c.expire()
		}
	}
}

// bodiless reports whether an answer has no body to read, so that the origin is done with the request. Not every client
// closes such a body.
func bodiless(r *http.Request, response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusNoContent, http.StatusNotModified:
		return true
	}
	return r.Method == http.MethodHead || response.Body == http.NoBody ||
		response.ContentLength == 0 && response.ProtoMajor == 2 // whose empty body is no http.NoBody
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

// Read must not release: the other direction may go on after this one has ended. Nor is silence an end here.
func (c *guardedConn) Read(p []byte) (int, error) { return c.ReadCloser.Read(p) }

// CloseWrite ends one direction, where the connection can.
func (c *guardedConn) CloseWrite() error { return closeWrite(c.ReadCloser) }
