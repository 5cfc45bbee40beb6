package proxyhook_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/proxyhook"
)

// A front that connects by a Unix socket has no address to trust.
func TestClientsBehindAUnixSocket(t *testing.T) {
	for _, c := range []struct {
		what      string
		trusted   bool
		forwarded string
		headers   uint8
		want      string // empty: unknown
	}{
		{"trusted", true, "198.51.100.1, 192.0.2.7", 2, "192.0.2.7"},
		{"trusted, two proxies", true, "192.0.2.7, 10.0.0.1", 2, "192.0.2.7"},
		{"trusted, says nothing", true, "", 2, ""},
		{"trusted, garbage", true, "192.0.2.7, unknown", 2, ""},
		{"not trusted", false, "192.0.2.7", 3, ""},
	} {
		h := newHost(t)
		f := h.filter(proxyhook.Config{TrustUnixSocket: c.trusted, TrustedProxies: prefixes("10.0.0.0/8")})
		path := filepath.Join(t.TempDir(), "socket")
		server := &http.Server{ErrorLog: quiet, Handler: f.Handler(http.NotFoundHandler())}
		go server.Serve(listen(t, "unix", path))
		t.Cleanup(func() { server.Close() })
		client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", path)
		}}}
		r, _ := http.NewRequest("GET", "http://x/", nil)
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		response, err := client.Do(r)
		must(t, err)
		response.Body.Close()
		want, _ := netip.ParseAddr(c.want)
		if ev := ended(t, h, f, 1)[0]; ev.Addr() != want || ev.Headers != c.headers {
			t.Errorf("%s: %v with %d header fields, expected %v and %d", c.what, ev.Addr(), ev.Headers, want, c.headers)
		}
		client.CloseIdleConnections()
	}
}

// Nobody makes a Unix socket of a TCP connection by its name.
func TestUnixSocketsAreNotClaimed(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{TrustUnixSocket: true})
	r := &http.Request{RemoteAddr: "@", Header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}, URL: mustURL(t, "/")}
	var ev eventOf
	if proxyhook.Describe(f, &ev, r); ev.Addr().IsValid() {
		t.Errorf("%v", ev.Addr())
	}
}

// A refusal answers a HEAD request as the origin would: with the length of a body, and without one.
func TestRefusedHeadHasNoBody(t *testing.T) {
	f := newHost(t).filter(limited(1))
	must(t, f.SetThreshold("origin", "origin", 0))
	r, _ := http.NewRequest("HEAD", "http://origin/", nil)
	response, err := f.Transport(nil).RoundTrip(r)
	must(t, err)
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != 503 || len(body) != 0 || response.Header.Get("Content-Length") != "20" || err != nil {
		t.Errorf("%s, %q, %v, %v", response.Status, body, response.Header, err)
	}
}

// What ends idle connections ends those of the transport below.
func TestCloseIdleConnections(t *testing.T) {
	states := make(chan http.ConnState, 10)
	origin := httptest.NewUnstartedServer(http.NotFoundHandler())
	origin.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	origin.Start()
	t.Cleanup(origin.Close)
	f := newHost(t).filter(proxyhook.Config{})
	client := &http.Client{Transport: f.Transport(&http.Transport{})}
	response, err := client.Get(origin.URL)
	must(t, err)
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	client.CloseIdleConnections()
	for state := range states {
		if state == http.StateClosed {
			break
		}
	}
	(&http.Client{Transport: f.Transport(roundTripper(nil))}).CloseIdleConnections() // one that cannot
}
