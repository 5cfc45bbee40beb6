package proxyhook_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// impatient has everything end within seconds.
var impatient = proxyhook.Peers{Gone: 2 * time.Second, Stall: 1500 * time.Millisecond, Pace: 16 << 10}

// present is that for peers that are not gone.
var present = proxyhook.Peers{Gone: time.Minute, Stall: impatient.Stall, Pace: impatient.Pace}

// remote is README's proxy in a network namespace, its clients in another one, and its origin in
// that of the test.
type remote struct {
	*site
	listener *proxyhook.Listener
	proxy    *namespace
	clients  *namespace
	server   *http.Server
}

// protocols are the ways in which clients connect.
var protocols = []string{"HTTP/1", "TLS", "HTTP/2"}

func newRemote(t *testing.T, peers proxyhook.Peers, config proxyhook.Config, protocol string, origin http.HandlerFunc) *remote {
	t.Helper()
	s := &remote{proxy: newNamespace(t), clients: newNamespace(t), site: &site{host: newHost(t)}}
	link(s.proxy, s.clients)
	s.filter = s.host.filter(config)
	s.origin = serve(t, origin)
	target, err := url.Parse(s.origin.URL)
	must(t, err)
	s.site.proxy = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: s.filter.Transport(&http.Transport{}),
		ErrorLog:  quiet,
	}
	s.proxy.do(func() { s.listener, err = peers.Listen("tcp", "10.66.0.1:0") })
	must(t, err)
	s.server = &http.Server{Handler: s.filter.Handler(s.site.proxy), ErrorLog: quiet, ReadHeaderTimeout: 10 * time.Second}
	switch protocol {
	case "HTTP/1":
		go s.server.Serve(s.listener)
	default:
		s.server.TLSConfig = &tls.Config{Certificates: serveHTTP2(t, http.NotFoundHandler()).TLS.Certificates}
		if protocol == "TLS" {
			s.server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}
		go s.server.ServeTLS(s.listener, "", "")
	}
	t.Cleanup(func() { s.server.Close() })
	return s
}

// client is one with a connection of its own, from which it reads with pauses.
func (s *remote) client(t *testing.T, protocol string, pause time.Duration) *http.Client {
	dial, done := s.clients.dialer(true), make(chan struct{})
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &slowConn{Conn: conn, pause: pause, done: done}, err
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: protocol == "HTTP/2",
	}
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(func() { close(done) })
	return &http.Client{Transport: transport}
}

// slowConn takes blocks of 16 KiB with pauses between, after the first ones. What it does not take
// stays in the kernel.
type slowConn struct {
	net.Conn
	pause time.Duration
	done  chan struct{} // ends a pause
	taken int
}

func (c *slowConn) Read(b []byte) (int, error) {
	if c.taken > 256<<10 && c.pause > 0 {
		select {
		case <-time.After(c.pause):
		case <-c.done:
		}
	}
	n, err := c.Conn.Read(b[:min(len(b), 16<<10)])
	c.taken += n
	return n, err
}

func (s *remote) url(protocol, path string) string {
	scheme := "https://"
	if protocol == "HTTP/1" {
		scheme = "http://"
	}
	return scheme + s.listener.Addr().String() + path
}

// endless is an origin whose answer has no end.
func endless(w http.ResponseWriter, r *http.Request) {
	block := make([]byte, 32<<10)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// freed waits for the end of n requests, and says how long it took.
func (s *remote) freed(t *testing.T, what string, n int) {
	t.Helper()
	start := time.Now()
	for s.filter.Stats().InFlight != 0 || s.filter.Stats().Events != uint64(n) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%s: the ticket is held: %+v", what, s.filter.Stats())
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s: freed after %v, %+v", what, time.Since(start).Round(100*time.Millisecond), s.listener.Stats())
	ended(t, s.host, s.filter, n)
}

// A client that vanishes in mid-download frees its ticket within Gone, or Stall, whichever is the
// shorter.
func TestVanishedClientsFreeTheirTickets(t *testing.T) {
	kernel := impatient
	kernel.Stall = -1 // so that it is all up to the kernel
	for _, protocol := range protocols {
		for what, peers := range map[string]proxyhook.Peers{"watched": impatient, "by the kernel alone": kernel} {
			for how, leave := range map[string]func(*namespace){"dropped": (*namespace).vanish, "unplugged": (*namespace).unplug} {
				t.Run(protocol+", "+what+", "+how, func(t *testing.T) {
					t.Parallel()
					s := newRemote(t, peers, limited(10), protocol, endless)
					response, err := s.client(t, protocol, 0).Get(s.url(protocol, "/"))
					must(t, err)
					defer response.Body.Close()
					_, err = io.CopyN(io.Discard, response.Body, 1<<20)
					must(t, err)
					leave(s.clients)
					s.freed(t, t.Name(), 1)
				})
			}
		}
	}
}

// One that vanishes while it waits has nothing to confirm. Keep-alive finds that it is gone.
func TestClientsThatVanishWhileTheyWaitFreeTheirTickets(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			s := newRemote(t, impatient, limited(10), protocol, func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				<-r.Context().Done()
			})
			go func() {
				if response, err := s.client(t, protocol, 0).Get(s.url(protocol, "/")); err == nil {
					response.Body.Close()
				}
			}()
			<-arrived
			s.clients.vanish()
			s.freed(t, t.Name(), 1)
		})
	}
}

// A client that is there and takes too little, or nothing, is ended; one that takes as much as it
// should is not, however long its download lasts.
func TestSlowReaders(t *testing.T) {
	for _, protocol := range protocols {
		for what, pause := range map[string]time.Duration{"nothing": time.Hour, "a trickle": 2500 * time.Millisecond} {
			t.Run(protocol+", "+what, func(t *testing.T) {
				t.Parallel()
				s := newRemote(t, present, limited(10), protocol, endless)
				response, err := s.client(t, protocol, pause).Get(s.url(protocol, "/"))
				must(t, err)
				defer response.Body.Close()
				go io.Copy(io.Discard, response.Body)
				s.freed(t, t.Name(), 1)
				if st := s.listener.Stats(); st.Stalled != 1 {
					t.Errorf("%+v", st)
				}
			})
		}
		t.Run(protocol+", enough", func(t *testing.T) {
			t.Parallel()
			peers := present
			peers.Stall = 4 * time.Second // longer than the machine may stall
			s := newRemote(t, peers, limited(10), protocol, endless)
			response, err := s.client(t, protocol, 30*time.Millisecond).Get(s.url(protocol, "/"))
			must(t, err)
			defer response.Body.Close()
			start, read := time.Now(), int64(0)
			for time.Since(start) < 2*peers.Stall && err == nil {
				var n int64
				n, err = io.CopyN(io.Discard, response.Body, 16<<10)
				read += n
			}
			t.Logf("%d bytes in %v", read, time.Since(start))
			if st := s.listener.Stats(); err != nil || st.Stalled != 0 || s.filter.Stats().InFlight != 1 {
				t.Errorf("cut: %v, %+v", err, st)
			}
		})
	}
}

// A reader that takes nothing is ended by TCP_USER_TIMEOUT as well.
func TestClosedWindowsEndAtGone(t *testing.T) {
	peers := impatient
	peers.Stall = -1
	s := newRemote(t, peers, limited(10), "HTTP/1", endless)
	conn, err := s.clients.dialer(true)(context.Background(), "tcp", s.listener.Addr().String())
	must(t, err)
	defer conn.Close()
	io.WriteString(conn, plainRequest)
	s.freed(t, t.Name(), 1)
}

// A stream of HTTP/2 that its client does not take is ended although the connection is in use.
func TestStreamsThatStandStill(t *testing.T) {
	config := limited(10)
	config.ClientSilence = time.Second
	inside(t, "HTTP/2", func(t *testing.T) {
		s := newSiteInside(t, config, true, endless)
		stuck, err := s.client.Get(s.front.URL)
		must(t, err)
		defer stuck.Body.Close()
		flowing, err := s.client.Get(s.front.URL)
		must(t, err)
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			_, err := io.CopyN(io.Discard, flowing.Body, 1<<20)
			must(t, err)
		}
		if st := s.filter.Stats(); st.Silent != 1 || st.InFlight != 1 {
			t.Errorf("%+v", st)
		}
		if _, err := io.Copy(io.Discard, stuck.Body); err == nil {
			t.Error("the stream's client was told that it is complete")
		}
		flowing.Body.Close()
		ended(t, s.host, s.filter, 2)
	})
}

// slowBody is what a client sends with pauses.
type slowBody struct {
	pieces int
	pause  time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.pieces == 0 {
		return 0, io.EOF
	}
	b.pieces--
	time.Sleep(b.pause)
	return copy(p, "piece"), nil
}

// A client that stops in the middle of its request's body is ended, one that goes on is not.
func TestBodiesThatStandStill(t *testing.T) {
	config := limited(10)
	config.ClientSilence = 500 * time.Millisecond
	for _, h2 := range []bool{false, true} {
		inside(t, fmt.Sprint("HTTP/2: ", h2), func(t *testing.T) {
			s := newSiteInside(t, config, h2, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
			response, err := s.client.Post(s.front.URL, "text/plain", &slowBody{20, 400 * time.Millisecond})
			must(t, err)
			body, err := io.ReadAll(response.Body)
			if response.Body.Close(); err != nil || string(body) != strings.Repeat("piece", 20) {
				t.Errorf("%q, %v", body, err)
			}
			silent, end := io.Pipe()
			go s.client.Post(s.front.URL, "text/plain", silent)
			io.WriteString(end, "first")
			ended(t, s.host, s.filter, 2)
			end.Close()
			if st := s.filter.Stats(); st.Silent != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// An origin that vanishes frees the ticket without any silence being configured: before its answer,
// within it, and while it should read a body.
func TestVanishedOriginsFreeTickets(t *testing.T) {
	for what, request := range map[string]struct {
		method string
		body   io.Reader
		begun  func(w http.ResponseWriter, r *http.Request)
	}{
		"before its answer": {"GET", nil, func(http.ResponseWriter, *http.Request) {}},
		"within its answer": {"GET", nil, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}},
		"reading a body": {"POST", struct{ io.Reader }{neverEnding{}}, func(w http.ResponseWriter, r *http.Request) {
			io.CopyN(io.Discard, r.Body, 1<<20)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			here, there := newNamespace(t), newNamespace(t)
			link(here, there)
			begun, done := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(done) })
			var listener net.Listener
			there.do(func() { listener = listen(t, "tcp", "10.66.0.2:0") })
			origin := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				request.begun(w, r)
				close(begun)
				<-done
			})}
			go origin.Serve(listener)
			t.Cleanup(func() { origin.Close() })

			h := newHost(t)
			f := h.filter(limited(10))
			dialer := impatient.Dialer()
			transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
				here.do(func() { conn, err = dialer.DialContext(ctx, network, address) })
				return conn, err
			}}
			front := serve(t, f.Handler(&httputil.ReverseProxy{
				Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: listener.Addr().String()}) },
				Transport: f.Transport(transport),
				ErrorLog:  quiet,
			}))
			go func() {
				r, _ := http.NewRequest(request.method, front.URL, request.body)
				if response, err := http.DefaultClient.Do(r); err == nil {
					io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			}()
			<-begun
			start := time.Now()
			there.vanish()
			for f.Stats().InFlight != 0 || f.Stats().Events != 1 {
				if time.Since(start) > time.Minute {
					t.Fatalf("the ticket is held: %+v", f.Stats())
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Logf("freed after %v", time.Since(start))
		})
	}
}

// Open says how many connections are looked after: those that are closed, or forgotten, are not.
func TestListenersForgetConnections(t *testing.T) {
	l, err := proxyhook.Peers{Stall: 60 * time.Millisecond}.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	client, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer client.Close()
	conn, err := l.Accept()
	must(t, err)
	if _, ok := conn.(*net.TCPConn); !ok || l.Stats().Open != 1 {
		t.Errorf("%T, %+v", conn, l.Stats())
	}
	must(t, l.Close())
	must(t, conn.Close())
	await(t, "the connection's end", func() bool { return l.Stats().Open == 0 })
	if _, err := l.Accept(); err == nil || l.Close() == nil {
		t.Error("closed, and yet open")
	}
	if _, err := proxyhook.Listen("tcp", "256.0.0.1:0"); err == nil {
		t.Error("listening nowhere")
	}
}
