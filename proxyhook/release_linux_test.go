package proxyhook_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// origins runs a handler as a plain and as an HTTP/2 server, and calls test with a transport for
// each.
func origins(t *testing.T, h http.HandlerFunc, test func(t *testing.T, url string, next http.RoundTripper)) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		name := map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[h2]
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(h)
			server.Config.ErrorLog = quiet
			if server.EnableHTTP2 = h2; h2 {
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
			test(t, server.URL, server.Client().Transport)
		})
	}
}

func released(t *testing.T, f *proxyhook.Filter, admitted uint64) {
	t.Helper()
	await(t, "the tickets' release", func() bool { return f.Stats().InFlight == 0 })
	if s := f.Stats(); s.Admitted != admitted || s.DoubleDone != 0 {
		t.Errorf("%+v", s)
	}
}

// Without a Handler, only the body's Close and the context can release a ticket.
func TestTicketIsReleasedWithItsContext(t *testing.T) {
	hold := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "some")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	origins(t, hold, func(t *testing.T, url string, next http.RoundTripper) {
		f := newHost(t).filter(limited(10))
		transport := f.Transport(next)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var bodies []io.Closer
		for range 3 { // as retries do: several calls with one context
			r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
			response, err := transport.RoundTrip(r)
			must(t, err)
			bodies = append(bodies, response.Body)
		}
		if n := f.Stats().InFlight; n != 3 {
			t.Fatalf("%d in flight", n)
		}
		must(t, bodies[0].Close())
		if n := f.Stats().InFlight; n != 2 {
			t.Errorf("%d in flight after a Close", n)
		}
		cancel()
		released(t, f, 3)
		for _, b := range bodies {
			b.Close()
		}
		released(t, f, 3)
	})
}

// An answer without a body need not be closed.
func TestTicketOfAnAnswerWithoutABody(t *testing.T) {
	empty := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(204)
		case "/304":
			w.WriteHeader(304)
		case "/length":
			w.Header().Set("Content-Length", "0")
		default:
			w.Header().Set("Content-Length", "5")
		}
	}
	origins(t, empty, func(t *testing.T, url string, next http.RoundTripper) {
		f := newHost(t).filter(limited(10))
		transport := f.Transport(next)
		for i, c := range []struct{ method, path string }{{"GET", "/204"}, {"GET", "/304"}, {"GET", "/length"}, {"HEAD", "/"}} {
			r, _ := http.NewRequest(c.method, url+c.path, nil)
			response, err := transport.RoundTrip(r)
			must(t, err)
			if s := f.Stats(); s.InFlight != 0 || s.Admitted != uint64(i+1) {
				t.Errorf("%s %s: %+v", c.method, c.path, s)
			}
			response.Body.Close()
			released(t, f, uint64(i+1))
		}
	})
}

// The call ends when the client leaves, however long the handler goes on.
func TestTicketIsReleasedWhenTheClientLeaves(t *testing.T) {
	hold := func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	origin := serve(t, http.HandlerFunc(hold))
	f := newHost(t).filter(limited(10))
	transport := f.Transport(nil)
	goOn, called, quit := make(chan struct{}), make(chan struct{}), make(chan struct{})
	defer close(quit)
	front := f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, _ := http.NewRequestWithContext(r.Context(), "GET", origin.URL, nil)
		if _, err := transport.RoundTrip(out); err != nil {
			t.Error(err)
		}
		called <- struct{}{}
		select {
		case <-goOn:
		case <-quit:
		}
	}))
	origins(t, front.ServeHTTP, func(t *testing.T, url string, next http.RoundTripper) {
		before := f.Stats()
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		go func() {
			if response, err := next.RoundTrip(r); err == nil {
				response.Body.Close()
			}
		}()
		<-called
		if n := f.Stats().InFlight; n != 1 {
			t.Errorf("%d in flight", n)
		}
		leave()
		await(t, "the ticket's release", func() bool { return f.Stats().InFlight == 0 })
		if n := f.Stats().Events; n != before.Events {
			t.Error("the event came before the handler's end")
		}
		goOn <- struct{}{}
		await(t, "the event", func() bool { return f.Stats().Events == before.Events+1 })
		released(t, f, before.Admitted+1)
	})
}

// An upgraded connection is in use until it is closed, so the end of its context closes it, too.
func TestUpgradedConnectionEndsWithItsContext(t *testing.T) {
	gone := make(chan error, 1)
	origin := serve(t, switching(func(conn *net.TCPConn, r *bufio.Reader) {
		_, err := r.ReadByte()
		gone <- err
	}))
	f := newHost(t).filter(limited(10))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	response := upgradeRequest(t, ctx, f.Transport(nil), origin.URL)
	if n := f.Stats().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	cancel()
	released(t, f, 1)
	if err := <-gone; err == nil {
		t.Error("the origin was sent something")
	}
	response.Body.Close()
	released(t, f, 1)
}

func upgradeRequest(t *testing.T, ctx context.Context, over http.RoundTripper, url string) *http.Response {
	r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	response, err := over.RoundTrip(r)
	if err != nil || response.StatusCode != 101 {
		t.Errorf("%v, %v", response, err)
	}
	return response
}

// A handler that has hijacked its connection may return, which ends its context, and leave a tunnel
// to others.
func TestTunnelOutlivesItsHandler(t *testing.T) {
	s := newSite(t, limited(10), switching(func(conn *net.TCPConn, r *bufio.Reader) { io.Copy(conn, r) }))
	transport := s.filter.Transport(nil)
	done := make(chan context.Context, 1)
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back := upgradeRequest(t, r.Context(), transport, s.origin.URL).Body.(io.ReadWriteCloser)
		conn, _, err := http.NewResponseController(w).Hijack()
		must(t, err)
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		go func() { io.Copy(back, conn); back.Close() }()
		go func() { io.Copy(conn, back); conn.Close() }()
		done <- r.Context()
	}))
	conn, r := upgrade(t, s.front.Listener.Addr().String())
	ctx := <-done
	<-ctx.Done() // the handler has returned
	time.Sleep(10 * time.Millisecond)
	io.WriteString(conn, "still here\n")
	expectLine(t, r, "still here\n")
	if n := s.filter.Stats().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	conn.Close()
	await(t, "the event", func() bool { return s.filter.Stats().Events == 1 })
	released(t, s.filter, 1)
}
