package proxyhook

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"syscall"
)

// A hijacked connection ends its request when it is closed, and counts what is written to it. It
// has all methods of the underlying connection, which NetConn returns, like that of a tls.Conn.
// Closing the underlying one ends nothing at once.
//
// A handler that panics may drop its connection without closing it. The runtime then closes the
// socket eventually, and the ticket must be released too. So the request also ends when the
// underlying connection is garbage, which it is not while anything uses it, including the buffers
// that were returned with it.

// hijacked wraps a connection and its buffers for the request r.
func hijacked(conn net.Conn, rw *bufio.ReadWriter, r *request) (net.Conn, *bufio.ReadWriter) {
	if c, ok := conn.(captured); ok { // no more requests are read from it
		conn = c.captured().Conn
	}
	switch below := conn.(type) {
	case *net.TCPConn:
		runtime.AddCleanup(below, (*request).end, r)
		return &hijackedTCP{below, r}, rw
	case *net.UnixConn:
		runtime.AddCleanup(below, (*request).end, r)
		return &hijackedUnix{below, r}, rw
	case *tls.Conn:
		runtime.AddCleanup(below, (*request).end, r)
		return &hijackedTLS{below, r}, rw
	}
	c := &hijackedConn{conn, r}
	runtime.AddCleanup(c, (*request).end, r)
	if socket, ok := conn.(syscall.Conn); ok {
		return &hijackedSocket{c, socket}, kept(rw, c)
	}
	return c, kept(rw, c)
}

// wrote counts what was written to a hijacked connection.
func (r *request) wrote(n int, err error) (int, error) {
	r.bytes.Add(uint64(n))
	return n, err
}

type hijackedTCP struct {
	*net.TCPConn
	request *request
}

func (c *hijackedTCP) NetConn() net.Conn { return c.TCPConn }

func (c *hijackedTCP) Write(b []byte) (int, error) { return c.request.wrote(c.TCPConn.Write(b)) }

func (c *hijackedTCP) Close() error {
	defer c.request.end()
	return c.TCPConn.Close()
}

// kernelPiece is the number of bytes that the kernel copies before they are counted.
const kernelPiece = 64 << 10

// ReadFrom allows splice and sendfile, for sources that the kernel may be able to copy from.
func (c *hijackedTCP) ReadFrom(src io.Reader) (n int64, err error) {
	rest := &io.LimitedReader{R: src, N: 1<<63 - 1}
	if limited, ok := src.(*io.LimitedReader); ok {
		rest = limited
	}
	if _, ok := rest.R.(syscall.Conn); !ok {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	for {
		piece := &io.LimitedReader{R: rest.R, N: min(rest.N, kernelPiece)}
		want := piece.N
		got, err := c.TCPConn.ReadFrom(piece)
		c.request.bytes.Add(uint64(got))
		rest.N -= got
		n += got
		if err != nil || got < want || rest.N <= 0 {
			return n, err
		}
	}
}

type hijackedUnix struct {
	*net.UnixConn
	request *request
}

func (c *hijackedUnix) NetConn() net.Conn { return c.UnixConn }

func (c *hijackedUnix) Write(b []byte) (int, error) { return c.request.wrote(c.UnixConn.Write(b)) }

func (c *hijackedUnix) Close() error {
	defer c.request.end()
	return c.UnixConn.Close()
}

type hijackedTLS struct {
	*tls.Conn
	request *request
}

func (c *hijackedTLS) NetConn() net.Conn { return c.Conn }

func (c *hijackedTLS) Write(b []byte) (int, error) { return c.request.wrote(c.Conn.Write(b)) }

func (c *hijackedTLS) Close() error {
	defer c.request.end()
	return c.Conn.Close()
}

// hijackedConn is a connection of any other type.
type hijackedConn struct {
	net.Conn
	request *request
}

func (c *hijackedConn) NetConn() net.Conn { return c.Conn }

func (c *hijackedConn) Write(b []byte) (int, error) { return c.request.wrote(c.Conn.Write(b)) }

func (c *hijackedConn) Close() error {
	defer c.request.end()
	return c.Conn.Close()
}

// CloseWrite ends one direction, if the connection supports that, as a tunnel does when one side
// has sent everything.
func (c *hijackedConn) CloseWrite() error { return closeWrite(c.Conn) }

// CloseRead ends the other direction.
func (c *hijackedConn) CloseRead() error {
	if half, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return half.CloseRead()
	}
	return http.ErrNotSupported
}

func closeWrite(conn any) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}

// hijackedSocket is a hijacked connection with a file descriptor.
type hijackedSocket struct {
	*hijackedConn
	syscall.Conn
}

func (c *hijackedSocket) Close() error { return c.hijackedConn.Close() }

// kept returns buffers that keep c from being garbage. Buffered data is preserved.
func kept(rw *bufio.ReadWriter, c *hijackedConn) *bufio.ReadWriter {
	r := bufio.NewReaderSize(&keptReader{rw.Reader, c}, rw.Reader.Size())
	_, _ = r.Peek(rw.Reader.Buffered())
	return bufio.NewReadWriter(r, bufio.NewWriterSize(&keptWriter{rw.Writer, c}, rw.Writer.Size()))
}

type keptReader struct {
	below *bufio.Reader
	conn  *hijackedConn
}

func (r *keptReader) Read(b []byte) (int, error) {
	defer runtime.KeepAlive(r.conn)
	return r.below.Read(b)
}

type keptWriter struct {
	below *bufio.Writer
	conn  *hijackedConn
}

// Write is called when the buffer above is flushed, or full.
func (w *keptWriter) Write(b []byte) (int, error) {
	defer runtime.KeepAlive(w.conn)
	n, err := w.below.Write(b)
	if err == nil {
		err = w.below.Flush()
	}
	return n, err
}
