package proxyhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"sync/atomic"
)

// wireConn is a connection whose reader sees what the client sent, as the server does.
type wireConn struct {
	net.Conn // tls, if that is not nil
	tls      *tls.Conn
	listener *WireListener
	client   *client
	ctx      context.Context // of the server; nil: another server, without one

	shaken  bool        // the handshake is over; for the goroutine that reads
	failure error       // of the handshake
	parsing atomic.Bool // so that a handler which hijacks may read in several goroutines
}

// Read makes the handshake first. net/http does so itself only for connection types that it knows.
func (c *wireConn) Read(b []byte) (int, error) {
	if c.tls != nil && !c.shaken {
		c.failure = c.handshake()
		c.shaken = true
	}
	if c.failure != nil {
		return 0, c.failure
	}
	n, err := c.Conn.Read(b)
	if n > 0 && c.parsing.CompareAndSwap(false, true) {
		c.client.tap.Write(b[:n])
		c.parsing.Store(false)
	}
	return n, err
}

// handshake returns an error that net/http does not answer.
func (c *wireConn) handshake() error {
	ctx := c.ctx
	if ctx == nil {
		ctx = context.WithValue(context.Background(), clientKey{}, c.client)
	}
	err := c.tls.HandshakeContext(ctx)
	if err == nil {
		state := c.tls.ConnectionState()
		c.client.tls = &state
		c.client.tap.SetTLS(c.client.print)
		return nil
	}
	c.listener.failed.Add(1)
	reason := err.Error()
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil && isHTTP(header.RecordHeader) {
		_, _ = io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		reason = "client sent an HTTP request to an HTTPS server"
	}
	c.listener.logf("http: TLS handshake error from %s: %v", c.RemoteAddr(), reason)
	return io.EOF
}

// isHTTP reports whether the supposed header of a TLS record is the beginning of a request in the
// clear.
func isHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}

func (l *WireListener) logf(format string, args ...any) {
	if l.errors != nil {
		l.errors.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// NetConn returns the connection below: a *tls.Conn, or the connection that the listener below has
// accepted.
func (c *wireConn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends one direction, if the connection supports that.
func (c *wireConn) CloseWrite() error { return closeWrite(c.Conn) }

func (c *wireConn) captured() *wireConn { return c }

// wireSendConn is a connection in the clear, for which the kernel may send files.
type wireSendConn struct {
	*wireConn
	io.ReaderFrom
}

// captured is a connection that a WireListener has accepted.
type captured interface{ captured() *wireConn }
