package proxyhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// However a request ends, its ticket is released exactly once and one event tells about it. The endings are those that
// httputil.ReverseProxy and net/http have.

// limited is a configuration whose limiter has something to release.
func limited(n uint32) proxyhook.Config {
	return proxyhook.Config{Limits: limits.LimiterConfig{Threshold: n}}
}

var quiet = log.New(io.Discard, "", 0)

// site is an origin behind a proxy with a filter.
type site struct {
	*host
	filter *proxyhook.Filter
	origin *httptest.Server
	proxy  *httputil.ReverseProxy
	front  *httptest.Server
	hits   atomic.Int32 // requests that reached the origin
}

func newSite(t *testing.T, config proxyhook.Config, origin http.HandlerFunc) *site {
	t.Helper()
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.origin = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		origin(w, r)
	}))
	target, err := url.Parse(s.origin.URL)
	must(t, err)
	s.proxy = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: s.filter.Transport(nil),
		ErrorLog:  quiet,
	}
	s.front = serve(t, s.filter.Handler(s.proxy))
	return s
}

// serve runs a handler on the loopback interface.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// ended waits for the end of n requests, checks that nothing is held and nothing was released twice, and gives their events.
func ended(t *testing.T, h *host, f *proxyhook.Filter, n int) []traffic.Event {
	t.Helper()
	await(t, "the end of the requests", func() bool { s := f.Stats(); return s.Events >= uint64(n) && s.InFlight == 0 })
	events, s := h.events(), f.Stats()
	if len(events) != n || s.Events != uint64(n) || s.Dropped != 0 || s.InFlight != 0 || s.DoubleDone != 0 || s.Decisions != uint64(n) {
		t.Errorf("%d events, expected %d; %+v", len(events), n, s)
	}
	return events
}

// end is ended for one request, of which it checks what the event tells.
func (s *site) end(t *testing.T, status uint16, bytes uint64) traffic.Event {
	t.Helper()
	events := ended(t, s.host, s.filter, 1)
	if len(events) != 1 {
		t.FailNow()
	}
	ev := events[0]
	if ev.Status != status || ev.Bytes != bytes || ev.Duration == 0 || ev.Score != scoreOf[0] || ev.Refused {
		t.Errorf("status %d, %d bytes expected: %+v", status, bytes, ev)
	}
	if s.origin != nil && ev.Origin != s.origin.Listener.Addr().String() {
		t.Errorf("origin %q, expected %q", ev.Origin, s.origin.Listener.Addr())
	}
	return ev
}

// get fetches a URL and its body.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	must(t, err)
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func TestAnsweredRequest(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	if _, body := get(t, s.front.URL+"/a/b?x"); body != "hello" {
		t.Errorf("body %q", body)
	}
	ev := s.end(t, 200, 5)
	if ev.Method != "GET" || ev.Path != "/a/b" || ev.Query != 1 || ev.Version != 11 || ev.Host != "127.0.0.1" ||
		ev.Addr().String() != "127.0.0.1" || !strings.HasPrefix(ev.UserAgent, "Go-http-client") || ev.JA4 != "" {
		t.Errorf("%+v", ev)
	}
}

func TestModifyResponseFails(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	s.proxy.ModifyResponse = func(*http.Response) error { return errors.New("not this one") }
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

// The proxy notices by a failed write, and panics with http.ErrAbortHandler.
func TestClientLeavesAnEventStream(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	response, err := http.Get(s.front.URL)
	must(t, err)
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if s.filter.Stats().InFlight != 1 || len(s.events()) != 0 {
		t.Error("the stream is open, its ticket or its event is not")
	}
	response.Body.Close()
	s.end(t, 200, 9)
}

func TestClientLeavesBeforeTheHeaders(t *testing.T) {
	arrived := make(chan struct{})
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		<-arrived
		leave()
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", s.front.URL, nil)
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	s.end(t, 502, 0)
}

func TestOriginAbortsItsBody(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "0123456789")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if response, err := http.Get(s.front.URL); err == nil {
		if _, err = io.Copy(io.Discard, response.Body); err == nil {
			t.Error("the client was told that the body is complete")
		}
	}
	s.end(t, 200, 10)
}

func TestOriginRefusesTheConnection(t *testing.T) {
	s := newSite(t, limited(10), nil)
	s.origin.Close()
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

func TestOriginPanics(t *testing.T) {
	s := newSite(t, limited(10), func(http.ResponseWriter, *http.Request) { panic("origin") })
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

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

// upgrade opens a tunnel and gives the client's side.
func upgrade(t *testing.T, address string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
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

// ownWork is a site without a proxy: the handler itself does the work of "here".
func ownWork(t *testing.T, config proxyhook.Config, work http.HandlerFunc) *site {
	t.Helper()
	config.Origin = func(*http.Request) string { return "here" }
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.front = serve(t, s.filter.Handler(work))
	return s
}

// A handler that hijacks and returns leaves its work to somebody else. The request ends with the connection.
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

func TestHandlerPanics(t *testing.T) {
	s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) { panic("handler") })
	if response, err := http.Get(s.front.URL); err == nil {
		t.Errorf("%v", response)
	}
	s.end(t, 0, 0) // nothing was sent
}

func TestHandlerPanicsInTheMiddle(t *testing.T) {
	s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		io.WriteString(w, "abc")
		panic(http.ErrAbortHandler)
	})
	if response, err := http.Get(s.front.URL); err == nil {
		t.Errorf("%v", response)
	}
	s.end(t, 201, 3)
}

// http.TimeoutHandler answers in the place of a handler that still works; the ticket stays with the work.
func TestTimeoutHandlerOutside(t *testing.T) {
	release := make(chan struct{})
	h := newHost(t)
	config := limited(10)
	config.Origin = func(*http.Request) string { return "here" }
	f := h.filter(config)
	work := f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	front := serve(t, http.TimeoutHandler(work, time.Millisecond, "late"))
	if response, body := get(t, front.URL); response.StatusCode != 503 || body != "late" {
		t.Errorf("%v %q", response.Status, body)
	}
	if f.Stats().InFlight != 1 {
		t.Error("the handler works, its ticket is released")
	}
	close(release)
	ended(t, h, f, 1)
}

// A handler that calls an origin and forgets the body.
func TestBodyIsNeverClosed(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<16)) })
	transport := s.filter.Transport(nil)
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, _ := http.NewRequestWithContext(r.Context(), "GET", s.origin.URL, nil)
		if _, err := transport.RoundTrip(out); err != nil {
			t.Error(err)
		}
		if n := s.filter.Stats().InFlight; n != 1 {
			t.Errorf("%d in flight during the call", n)
		}
	}))
	get(t, s.front.URL)
	s.end(t, 200, 0)
}

// The body's Close and the request's end may come at the same moment.
func TestBodyIsClosedWhileTheRequestEnds(t *testing.T) {
	const n = 300
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<12)) })
	transport := s.filter.Transport(nil)
	var closers sync.WaitGroup
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, _ := http.NewRequestWithContext(context.WithoutCancel(r.Context()), "GET", s.origin.URL, nil)
		response, err := transport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		start := make(chan struct{})
		for range 2 {
			closers.Go(func() {
				<-start
				response.Body.Close()
			})
		}
		close(start)
	}))
	for range n {
		get(t, s.front.URL)
	}
	closers.Wait()
	ended(t, s.host, s.filter, n)
}

// A call that outlives its request has a ticket of its own.
func TestCallAfterTheEnd(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "late") })
	transport := s.filter.Transport(nil)
	contexts := make(chan context.Context, 1)
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contexts <- context.WithoutCancel(r.Context())
	}))
	get(t, s.front.URL)
	ctx := <-contexts
	await(t, "the event", func() bool { return s.filter.Stats().Events == 1 })
	out, _ := http.NewRequestWithContext(ctx, "GET", s.origin.URL, nil)
	response, err := transport.RoundTrip(out)
	must(t, err)
	if n := s.filter.Stats().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	response.Body.Close()
	ended(t, s.host, s.filter, 1)
}

// roundTripper is a function that is a http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A retry goes through the filter's transport once for each origin that is tried. The event tells the last one.
func TestRetryAtAnotherOrigin(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "second") })
	dead := httptest.NewServer(nil)
	dead.Close()
	guarded := s.filter.Transport(nil)
	s.proxy.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		first := r.Clone(r.Context())
		first.URL.Host = dead.Listener.Addr().String()
		if _, err := guarded.RoundTrip(first); err == nil {
			t.Error("the dead origin answered")
		}
		return guarded.RoundTrip(r)
	})
	if _, body := get(t, s.front.URL); body != "second" {
		t.Errorf("%q", body)
	}
	s.end(t, 200, 6)
	if n := s.filter.Stats().Admitted; n != 2 {
		t.Errorf("%d admitted, expected 2", n)
	}
}

// A panic and a broken promise of the transport below, and one that belongs to another filter than the handler.
func TestTransportsThatMisbehave(t *testing.T) {
	s := newSite(t, limited(10), nil)
	s.origin = nil
	s.proxy.Transport = s.filter.Transport(roundTripper(func(*http.Request) (*http.Response, error) { panic(http.ErrAbortHandler) }))
	http.Get(s.front.URL)
	ended(t, s.host, s.filter, 1)

	alone := newHost(t).filter(limited(10))
	r := httptest.NewRequest("GET", "http://origin/", nil)
	response, err := alone.Transport(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204}, nil
	})).RoundTrip(r)
	if err != nil || response.StatusCode != 204 || alone.Stats().InFlight != 0 || alone.Stats().Admitted != 1 {
		t.Errorf("%v, %v; %+v", response, err, alone.Stats())
	}
}

func TestTransportOfAnotherFilter(t *testing.T) {
	inner := newHost(t).filter(limited(10))
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	s.proxy.Transport = inner.Transport(nil)
	get(t, s.front.URL)
	ended(t, s.host, s.filter, 1)
	if a, b := s.filter.Stats().Admitted, inner.Stats(); a != 0 || b.Admitted != 1 || b.InFlight != 0 {
		t.Errorf("%d admitted by the handler's filter; %+v", a, b)
	}
}

func TestTransportWithoutHandler(t *testing.T) {
	h := newHost(t)
	f := h.filter(limited(1))
	origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	client := &http.Client{Transport: f.Transport(nil)}
	first, err := client.Get(origin.URL)
	must(t, err)
	second, err := client.Get(origin.URL)
	must(t, err)
	if second.StatusCode != 503 || f.Stats().InFlight != 1 {
		t.Errorf("%v; %+v", second.Status, f.Stats())
	}
	second.Body.Close()
	if body, err := io.ReadAll(first.Body); string(body) != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if n := f.Stats().InFlight; n != 0 { // the end of the body is the end of the origin's work
		t.Errorf("%d in flight after the end of the body", n)
	}
	first.Body.Close()
	if s := f.Stats(); s.InFlight != 0 || s.DoubleDone != 0 || s.Events != 0 || s.Decisions != 0 {
		t.Errorf("%+v", s)
	}
}

// closeRecorder is a request body that knows whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

func TestOverloadedOrigin(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{})
	config := limited(1)
	config.Limits.RetryAfter = 1500 * time.Millisecond
	s := newSite(t, config, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
	})
	var first sync.WaitGroup
	first.Go(func() { http.Get(s.front.URL) })
	<-arrived
	response, body := get(t, s.front.URL)
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "2" || body != "Service Unavailable\n" ||
		response.Header.Get(proxyhook.ReasonHeader) != "origin_overloaded" {
		t.Errorf("%v %v %q", response.Status, response.Header, body)
	}
	if n := s.hits.Load(); n != 1 {
		t.Errorf("%d requests reached the origin", n)
	}
	refused := s.events()
	if len(refused) != 1 || !refused[0].Refused || refused[0].Status != 503 || refused[0].Origin != s.origin.Listener.Addr().String() {
		t.Errorf("%+v", refused)
	}
	upload := &closeRecorder{Reader: strings.NewReader("upload")}
	r, _ := http.NewRequest("POST", s.origin.URL, upload)
	r.Host = "127.0.0.1"
	if again, err := s.filter.Transport(nil).RoundTrip(r); err != nil || again.StatusCode != 503 || !upload.closed {
		t.Errorf("%v, %v; upload closed: %v", again, err, upload.closed)
	}
	close(release)
	first.Wait()
	await(t, "the first request", func() bool { return s.filter.Stats().InFlight == 0 })
	if st := s.filter.Stats(); st.Admitted != 1 || st.Refused != 2 || st.DoubleDone != 0 || st.Events != 2 {
		t.Errorf("%+v", st)
	}
}

// Whatever a site has to bear, all at once.
func TestManyEndingsTogether(t *testing.T) {
	const clients, each = 8, 40
	s := newSite(t, limited(4), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "some")
		switch r.URL.Path {
		case "/abort":
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/stream":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	paths := []string{"/", "/abort", "/stream", "/leave"}
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				ctx, cancel := context.WithCancel(context.Background())
				path := paths[(c+i)%len(paths)]
				if path == "/leave" {
					time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel)
				}
				r, _ := http.NewRequestWithContext(ctx, "GET", s.front.URL+path, nil)
				if response, err := http.DefaultClient.Do(r); err == nil {
					if path == "/stream" {
						io.ReadFull(response.Body, make([]byte, 4))
					} else {
						io.Copy(io.Discard, response.Body)
					}
					response.Body.Close()
				}
				cancel()
			}
		})
	}
	group.Wait()
	await(t, "the end of all requests", func() bool {
		st := s.filter.Stats()
		return st.InFlight == 0 && st.Events == st.Decisions
	})
	st := s.filter.Stats()
	if n := len(s.events()); uint64(n) != st.Decisions || st.DoubleDone != 0 || st.Dropped != 0 {
		t.Errorf("%d events; %+v", n, st)
	}
	if all := st.Admitted + st.Refused; all > st.Decisions || all == 0 {
		t.Errorf("%d calls of %d requests", all, st.Decisions)
	}
}
