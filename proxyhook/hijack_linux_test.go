package proxyhook_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hijackOn serves a site on a listener, whose handler hands its connection to work and returns. It
// returns the client's side of one request.
func hijackOn(t *testing.T, listener net.Listener, work func(net.Conn, *bufio.ReadWriter)) (*site, net.Conn) {
	t.Helper()
	config := limited(10)
	config.Origin = func(*http.Request) string { return "here" }
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	server := &http.Server{ErrorLog: quiet, Handler: s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go work(conn, rw)
	}))}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	client, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { client.Close() })
	must(t, client.SetDeadline(time.Now().Add(patience)))
	return s, client
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

const plainRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// wrappedListener's connections are of a type that the filter does not know.
type wrappedListener struct{ net.Listener }

type wrappedConn struct{ *net.TCPConn }

func (l wrappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return wrappedConn{c.(*net.TCPConn)}, nil
}

// A hijacked connection can do what the one below can: a tunnel reads and writes by splice, closes
// its halves and sets options.
func TestHijackedConnectionsKeepTheirAbilities(t *testing.T) {
	work := make(chan net.Conn, 1)
	take := func(conn net.Conn, _ *bufio.ReadWriter) { work <- conn }

	s, client := hijackOn(t, listen(t, "tcp", "127.0.0.1:0"), take)
	io.WriteString(client, plainRequest)
	conn := <-work
	tcp := conn.(interface {
		syscall.Conn
		io.ReaderFrom
		io.WriterTo
		CloseRead() error
		CloseWrite() error
		SetNoDelay(bool) error
		SetKeepAliveConfig(net.KeepAliveConfig) error
		SetLinger(int) error
	})
	must(t, tcp.SetNoDelay(true))
	raw, err := tcp.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(uintptr) {}))
	must(t, tcp.CloseWrite())
	if rest, err := io.ReadAll(client); err != nil || len(rest) != 0 {
		t.Errorf("%q, %v", rest, err)
	}
	must(t, conn.Close())
	s.end(t, 101, 0)

	s, client = hijackOn(t, listen(t, "unix", filepath.Join(t.TempDir(), "socket")), take)
	io.WriteString(client, plainRequest)
	conn = <-work
	unix := conn.(interface {
		syscall.Conn
		CloseRead() error
		CloseWrite() error
		WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error)
	})
	must(t, unix.CloseWrite())
	must(t, conn.Close())
	s.end(t, 101, 0)

	s, client = hijackOn(t, wrappedListener{listen(t, "tcp", "127.0.0.1:0")}, take)
	io.WriteString(client, plainRequest)
	conn = <-work
	raw, err = conn.(syscall.Conn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(uintptr) {}))
	must(t, conn.(interface{ CloseRead() error }).CloseRead())
	io.WriteString(conn, "12345")
	must(t, conn.Close())
	s.end(t, 101, 5)
}

// Behind TLS, the state of the connection is available.
func TestHijackedTLSConnections(t *testing.T) {
	work := make(chan net.Conn, 1)
	certificates := serveHTTP2(t, http.NotFoundHandler()).TLS.Certificates
	s, client := hijackOn(t, tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), &tls.Config{Certificates: certificates}),
		func(conn net.Conn, _ *bufio.ReadWriter) { work <- conn })
	secure := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	io.WriteString(secure, plainRequest)
	conn := <-work
	if state := conn.(interface{ ConnectionState() tls.ConnectionState }).ConnectionState(); !state.HandshakeComplete {
		t.Errorf("%+v", state)
	}
	if _, ok := conn.(interface{ NetConn() net.Conn }).NetConn().(*tls.Conn); !ok {
		t.Error("the connection below cannot be reached")
	}
	io.WriteString(conn, "123")
	must(t, conn.Close())
	s.end(t, 101, 3)
}

// What the kernel copies into a hijacked connection is counted, from whatever it is copied.
func TestCopiesIntoHijackedConnectionsAreCounted(t *testing.T) {
	const size = 300_000
	s, client := hijackOn(t, listen(t, "tcp", "127.0.0.1:0"), func(conn net.Conn, _ *bufio.ReadWriter) {
		defer conn.Close()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		go func() {
			if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
				io.WriteString(c, strings.Repeat("s", size))
				c.Close()
			}
		}()
		source, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer source.Close()
		for _, copied := range []func() (int64, error){
			func() (int64, error) { return io.CopyN(conn, source, size/3) }, // spliced, as far as a limit
			func() (int64, error) { return io.Copy(conn, source) },          // spliced to its end
			func() (int64, error) { return io.Copy(conn, strings.NewReader("12345")) },
			func() (int64, error) {
				return conn.(io.ReaderFrom).ReadFrom(io.LimitReader(strings.NewReader("12345"), 3))
			},
		} {
			if n, err := copied(); err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
	})
	io.WriteString(client, plainRequest)
	if n, err := io.Copy(io.Discard, client); n != size+8 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.end(t, 101, size+8)
}

// A handler that goes on with the buffers, or with the connection below, holds its ticket, although
// it has forgotten the connection that it got.
func TestTicketsStayWhileBuffersAreInUse(t *testing.T) {
	for what, wrap := range map[string]func(net.Listener) net.Listener{
		"TCP":   func(l net.Listener) net.Listener { return l },
		"other": func(l net.Listener) net.Listener { return wrappedListener{l} },
	} {
		buffers, forgotten := make(chan *bufio.ReadWriter, 1), make(chan struct{})
		s, client := hijackOn(t, wrap(listen(t, "tcp", "127.0.0.1:0")), func(_ net.Conn, rw *bufio.ReadWriter) { buffers <- rw })
		fmt.Fprint(client, plainRequest+"early\n")
		rw := <-buffers
		go func() {
			defer close(forgotten)
			for range 5 {
				runtime.GC()
				time.Sleep(5 * time.Millisecond) // for cleanups
			}
		}()
		<-forgotten
		if st := s.filter.Stats(); st.InFlight != 1 || st.Events != 0 {
			t.Errorf("%s: the ticket has ended: %+v", what, st)
		}
		expectLine(t, rw.Reader, "early\n")
		io.WriteString(client, "late\n")
		expectLine(t, rw.Reader, "late\n")
		io.WriteString(rw, "answer\n")
		must(t, rw.Flush())
		expectLine(t, bufio.NewReader(client), "answer\n")
		runtime.KeepAlive(rw)
		buffers, rw = nil, nil
		await(t, what+": the ticket's release", func() bool { runtime.GC(); return s.filter.Stats().Events == 1 })
		ended(t, s.host, s.filter, 1)
	}
}

func TestTicketsStayWhileTheConnectionBelowIsInUse(t *testing.T) {
	work := make(chan net.Conn, 1)
	s, client := hijackOn(t, listen(t, "tcp", "127.0.0.1:0"), func(conn net.Conn, _ *bufio.ReadWriter) {
		work <- conn.(interface{ NetConn() net.Conn }).NetConn()
	})
	io.WriteString(client, plainRequest)
	below := <-work
	for range 5 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	if st := s.filter.Stats(); st.InFlight != 1 || st.Events != 0 {
		t.Errorf("the ticket has ended: %+v", st)
	}
	must(t, below.Close())
	below = nil
	await(t, "the ticket's release", func() bool { runtime.GC(); return s.filter.Stats().Events == 1 })
	ended(t, s.host, s.filter, 1)
}
