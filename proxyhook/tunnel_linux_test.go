package proxyhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// switching is the origin's side of an upgrade.
func switching(tunnel func(conn *net.TCPConn, r *bufio.Reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		tunnel(conn.(*net.TCPConn), rw.Reader)
	}
}

// upgrade opens a tunnel and returns the client's side.
func upgrade(t *testing.T, address string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	io.WriteString(conn, "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	must(t, err)
	if response.StatusCode != 101 || response.Header.Get("Upgrade") != "echo" {
		t.Fatalf("%v", response)
	}
	return conn.(*net.TCPConn), r
}

func expectLine(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if line, err := r.ReadString('\n'); line != want {
		t.Fatalf("%q, expected %q: %v", line, want, err)
	}
}

// A tunnel holds its ticket until it is closed. Here the client is the first to have sent all.
func TestTunnelClientSendsLess(t *testing.T) {
	s := newSite(t, limited(10), switching(func(conn *net.TCPConn, r *bufio.Reader) {
		io.Copy(conn, r)
		io.WriteString(conn, "bye\n")
	}))
	conn, r := upgrade(t, s.front.Listener.Addr().String())
	io.WriteString(conn, "hello\n")
	expectLine(t, r, "hello\n")
	if s.filter.Stats().InFlight != 1 || len(s.events()) != 0 {
		t.Error("the tunnel is open, its ticket or its event is not")
	}
	must(t, conn.CloseWrite())
	expectLine(t, r, "bye\n")
	s.end(t, 101, 10)
}

// Here it is the origin.
func TestTunnelOriginSendsLess(t *testing.T) {
	got := make(chan string, 1)
	s := newSite(t, limited(10), switching(func(conn *net.TCPConn, r *bufio.Reader) {
		io.WriteString(conn, "all\n")
		conn.CloseWrite()
		rest, _ := io.ReadAll(r)
		got <- string(rest)
	}))
	conn, r := upgrade(t, s.front.Listener.Addr().String())
	if all, err := io.ReadAll(r); string(all) != "all\n" || err != nil {
		t.Fatalf("%q, %v", all, err)
	}
	if s.filter.Stats().InFlight != 1 || len(s.events()) != 0 {
		t.Error("half of the tunnel is open, its ticket or its event is not")
	}
	io.WriteString(conn, "late")
	must(t, conn.CloseWrite())
	if rest := <-got; rest != "late" {
		t.Errorf("the origin got %q", rest)
	}
	s.end(t, 101, 4)
}

func TestTunnelClientVanishes(t *testing.T) {
	s := newSite(t, limited(10), switching(func(conn *net.TCPConn, r *bufio.Reader) { io.Copy(conn, r) }))
	conn, _ := upgrade(t, s.front.Listener.Addr().String())
	must(t, conn.SetLinger(0)) // reset
	conn.Close()
	s.end(t, 101, 0)
}

// A handler that hijacks and returns leaves its work to another goroutine. The request ends with
// the connection.
func TestHandlerHijacksAndReturns(t *testing.T) {
	for _, twice := range []bool{false, true} {
		hijacked := make(chan net.Conn, 1)
		s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			hijacked <- conn
		})
		client, err := net.Dial("tcp", s.front.Listener.Addr().String())
		must(t, err)
		defer client.Close()
		io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		conn := <-hijacked
		io.WriteString(conn, "something else\n")
		expectLine(t, bufio.NewReader(client), "something else\n")
		if s.filter.Stats().InFlight != 1 || len(s.events()) != 0 {
			t.Error("the connection is open, its ticket or its event is not")
		}
		if _, ok := conn.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); !ok {
			t.Error("the connection below cannot be reached")
		}
		must(t, conn.Close())
		if twice {
			conn.Close()
		}
		s.end(t, 101, 15)
	}
}

// Nobody closes what a handler that panics has lost; the garbage collector finds it.
func TestHandlerLosesAHijackedConnection(t *testing.T) {
	s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Hijack()
		panic(http.ErrAbortHandler)
	})
	client, err := net.Dial("tcp", s.front.Listener.Addr().String())
	must(t, err)
	defer client.Close()
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	await(t, "the ticket's release", func() bool { runtime.GC(); return s.filter.Stats().Events == 1 })
	s.end(t, 101, 0)
}
