package proxyhook

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
)

// responseWriter remembers the status and counts the body. It hides nothing of the writer below: that is reached
// through Unwrap, as http.ResponseController does.
type responseWriter struct {
	http.ResponseWriter
	request *request
	status  atomic.Uint32 // atomic, like bytes: a hijacked connection may be closed while the handler still runs
	bytes   atomic.Uint64
}

func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseWriter) WriteHeader(status int) {
	w.cleanHeader()
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status.CompareAndSwap(0, uint32(status))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(b)
	w.bytes.Add(uint64(n))
	return n, err
}

// ReadFrom keeps the way open for sendfile.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes.Add(uint64(n))
	return n, err
}

// FlushError is Flush for a http.ResponseController, which hands the error on.
func (w *responseWriter) FlushError() error {
	if w.status.Load() == 0 {
		w.cleanHeader()
	}
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if err == nil {
		w.status.CompareAndSwap(0, http.StatusOK)
	}
	return err
}

// Flush is for handlers that ask for a http.Flusher.
func (w *responseWriter) Flush() { _ = w.FlushError() }

// begin is what a write does before its first byte, where nobody has called WriteHeader.
func (w *responseWriter) begin() {
	if w.status.CompareAndSwap(0, http.StatusOK) {
		w.cleanHeader()
	}
}

// cleanHeader drops the fields that only the filter may set, which a handler passed on from its origin.
func (w *responseWriter) cleanHeader() {
	h := w.Header()
	reason := h[ReasonHeader]
	dropOwn(h)
	if len(reason) == 1 && w.request.refusedFor(reason[0]) {
		h[ReasonHeader] = reason
	}
	dropListed(h, "Trailer")
}

// returned is called when the handler has come to its end without a panic: where it has not written anything, net/http
// sends 200. It also sends the trailers now.
func (w *responseWriter) returned() {
	w.status.CompareAndSwap(0, http.StatusOK)
	w.cleanHeader()
}

// Hijack hands the connection over. The request then ends when it is closed, since its work goes on until then,
// whether or not the handler waits for that. What status is written to the connection is not seen; it counts as 101.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.request.hijacked.Store(true)
	w.status.CompareAndSwap(0, http.StatusSwitchingProtocols)
	c := &hijackedConn{Conn: conn, response: w}
	// A handler that panics may lose its connection without having closed it. The runtime then closes the socket in
	// the end; the ticket must not stay open for ever either.
	runtime.AddCleanup(c, func(w *responseWriter) { w.request.end(w) }, w)
	return c, rw, nil
}

// hijackedConn ends its request when it is closed, and counts what is written to it.
type hijackedConn struct {
	net.Conn
	response *responseWriter
}

// NetConn gives the connection below, as that of a tls.Conn does. Closing that one instead ends nothing.
func (c *hijackedConn) NetConn() net.Conn { return c.Conn }

func (c *hijackedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.response.bytes.Add(uint64(n))
	return n, err
}

func (c *hijackedConn) Close() error {
	defer c.response.request.end(c.response)
	return c.Conn.Close()
}

// CloseWrite ends one direction, where the connection can, as a tunnel does when one side has sent all.
func (c *hijackedConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(conn any) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}
