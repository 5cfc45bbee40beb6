package proxyhook_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// secure is a TLS server with the filter, and what it saw of handshakes by a hook of the user's own.
type secure struct {
	*httptest.Server
	host   *host
	filter *proxyhook.Filter
	mutex  sync.Mutex
	seen   []string
}

func newSecure(t *testing.T, config proxyhook.Config) *secure {
	t.Helper()
	s := &secure{host: newHost(t)}
	s.filter = s.host.filter(config)
	type key struct{}
	s.Server = httptest.NewUnstartedServer(s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(key{}) != "the user's" {
			t.Error("the server's own ConnContext is lost")
		}
		io.WriteString(w, "hello")
	})))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, key{}, "the user's")
	}
	s.Config.TLSConfig = &tls.Config{NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.seen = append(s.seen, traffic.JA4Of(hello))
		return nil, nil
	}}
	proxyhook.CaptureJA4(s.Config)
	s.TLS = s.Config.TLSConfig
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// get asks n times over one connection of a new client, which speaks HTTP/1.1 or HTTP/2.
func (s *secure) get(t *testing.T, n, version int, change func(*tls.Config)) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig.Clone(), Protocols: new(http.Protocols)}
	transport.TLSClientConfig.NextProtos = nil
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetHTTP2(version == 2)
	change(transport.TLSClientConfig)
	defer transport.CloseIdleConnections()
	for range n {
		response, err := (&http.Client{Transport: transport}).Get(s.URL)
		must(t, err)
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

// Every request carries the fingerprint of its connection, by HTTP/1.1 and HTTP/2.
func TestJA4OfRequests(t *testing.T) {
	s := newSecure(t, proxyhook.Config{})
	s.get(t, 2, 1, func(*tls.Config) {})
	s.get(t, 2, 2, func(*tls.Config) {})
	s.get(t, 1, 1, func(config *tls.Config) { config.MaxVersion, config.ServerName = tls.VersionTLS12, "example.com" })
	events := ended(t, s.host, s.filter, 5)
	if len(s.seen) != 3 {
		t.Fatalf("%d handshakes: %q", len(s.seen), s.seen)
	}
	for i, ev := range events {
		if want := s.seen[i/2]; ev.JA4 != want || len(want) != 36 {
			t.Errorf("request %d: %q, the handshake's is %q", i, ev.JA4, want)
		}
	}
	for i, begin := range []string{"t13i", "t13i", "t12d"} { // a client names no server that is an address
		if s.seen[i][:4] != begin {
			t.Errorf("handshake %d: %s, want %s...", i, s.seen[i], begin)
		}
	}
	if events[0].Version != 11 || events[2].Version != 20 || s.seen[1][8:10] != "h2" || s.seen[0][10:] == s.seen[2][10:] {
		t.Errorf("%q, versions %d and %d", s.seen, events[0].Version, events[2].Version)
	}
}

// What a trusted proxy says of the client is not in its own handshake.
func TestNoJA4OfTrustedProxies(t *testing.T) {
	s := newSecure(t, proxyhook.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	s.get(t, 1, 1, func(*tls.Config) {})
	if ev := ended(t, s.host, s.filter, 1)[0]; ev.JA4 != "" || len(s.seen) != 1 {
		t.Errorf("%q of %q", ev.JA4, s.seen)
	}
}

// A server without a TLS configuration gets one; requests in the clear have no fingerprint.
func TestCaptureJA4OnABareServer(t *testing.T) {
	h := newHost(t)
	filter := h.filter(proxyhook.Config{})
	s := httptest.NewUnstartedServer(filter.Handler(http.NotFoundHandler()))
	proxyhook.CaptureJA4(s.Config)
	if s.Config.TLSConfig == nil || s.Config.TLSConfig.GetConfigForClient == nil {
		t.Error("no TLS configuration")
	}
	s.Start()
	defer s.Close()
	get(t, s.URL)
	if ev := ended(t, h, filter, 1)[0]; ev.JA4 != "" {
		t.Errorf("%q in the clear", ev.JA4)
	}
}

// A request that is built from what was recorded of another gives the same event, but for what its end told.
func TestDescribeOfARecordedRequest(t *testing.T) {
	config := proxyhook.Config{SessionCookie: "id"}
	s := newSecure(t, config)
	request, err := http.NewRequest("GET", s.URL+"/a/b.php?c=d", nil)
	must(t, err)
	for name, value := range map[string]string{"Referer": s.URL + "/", "Cookie": "id=7", "Accept-Language": "de", "User-Agent": "recorder/1"} {
		request.Header.Set(name, value)
	}
	response, err := s.Client().Do(request)
	must(t, err)
	response.Body.Close()
	live := ended(t, s.host, s.filter, 1)[0]

	ctx := proxyhook.WithJA4(context.Background(), s.seen[0])
	again, err := http.NewRequestWithContext(ctx, "GET", "/", nil)
	must(t, err)
	again.Host, again.RequestURI, again.RemoteAddr = request.URL.Host, "/a/b.php?c=d", "127.0.0.1:1"
	again.Proto, again.ProtoMajor, again.ProtoMinor = "HTTP/2.0", 2, 0
	again.Header = request.Header.Clone()
	again.Header.Set("Accept-Encoding", "gzip") // as net/http's client adds it
	var ev traffic.Event
	config.Describe(&ev, again, s.filter.Sums())
	if ev.JA4 == "" || ev.Session == 0 || !ev.Facts.Has(traffic.RefererSame) {
		t.Errorf("the event lacks what the request had: %+v", ev)
	}
	ev.Time, ev.Status, ev.Bytes, ev.Duration, ev.Score, ev.Action = live.Time, live.Status, live.Bytes, live.Duration, live.Score, live.Action
	if ev != live {
		t.Errorf("recorded %+v\nlive     %+v", ev, live)
	}
}
