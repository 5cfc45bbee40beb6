package proxyhook_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/headgate/headgate/proxyhook"
)

// Where a test is about how long somebody waits, it runs in a bubble: the clock is the test's own
// there, and goes on when everybody waits for it, so that nothing takes time but what is said to,
// however slow the machine is. The kernel is outside of the bubble; clients and servers in it are
// connected by pipes.

// pipes are a listener, and the way to it.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	l := &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.dialed:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error { l.close(); return nil }

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.dialed <- there:
		return here, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inside runs a test in a bubble.
func inside(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// serveInside serves a handler in a bubble, and returns its URL and a transport to it.
func serveInside(t *testing.T, h2 bool, h http.Handler) (server *httptest.Server, over *http.Transport) {
	t.Helper()
	server = httptest.NewUnstartedServer(h)
	must(t, server.Listener.Close())
	l := newPipes()
	server.Listener, server.Config.ErrorLog, server.EnableHTTP2 = l, quiet, h2
	if h2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	over = server.Client().Transport.(*http.Transport)
	over.DialContext = l.dial
	t.Cleanup(func() {
		over.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return server, over
}

// newSiteInside is newSite in a bubble. Its clients reach it by its client.
func newSiteInside(t *testing.T, config proxyhook.Config, h2 bool, origin http.HandlerFunc) *site {
	t.Helper()
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.serveInside(t, h2, origin)
	return s
}

// serveInside is serve in a bubble, with an HTTP/2 front if wanted.
func (s *site) serveInside(t *testing.T, h2 bool, origin http.HandlerFunc) {
	t.Helper()
	var next *http.Transport
	s.origin, next = serveInside(t, false, origin)
	target, err := url.Parse(s.origin.URL)
	must(t, err)
	s.proxy = reverseProxy(target, s.filter.Transport(next))
	front, over := serveInside(t, h2, s.filter.Handler(s.proxy))
	s.front, s.client = front, &http.Client{Transport: over}
}

// originsInside is origins in bubbles.
func originsInside(t *testing.T, h http.HandlerFunc, test func(t *testing.T, url string, next http.RoundTripper)) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		inside(t, map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[h2], func(t *testing.T) {
			server, over := serveInside(t, h2, h)
			test(t, server.URL, over)
		})
	}
}
