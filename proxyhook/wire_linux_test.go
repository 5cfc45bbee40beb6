package proxyhook_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// wired is a server whose connections are captured, with a filter, and what it saw of handshakes by
// a hook of the user's own.
type wired struct {
	server   *http.Server
	listener *proxyhook.WireListener
	host     *host
	filter   *proxyhook.Filter
	roots    *x509.CertPool
	addr     string
	url      string

	mutex sync.Mutex
	seen  []string
	log   bytes.Buffer
}

// Write takes the server's log.
func (s *wired) Write(b []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.Write(b)
}

func (s *wired) logged() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.String()
}

// certificate is one for 127.0.0.1 and example.com, and the roots that it is good for.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
})

// serveWire serves handler, with TLS where secure is set. change may change the server before its
// listener is captured.
func serveWire(t *testing.T, config proxyhook.Config, secure bool, handler http.Handler, change func(*http.Server, *tls.Config)) *wired {
	t.Helper()
	s := &wired{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.server = &http.Server{Handler: s.filter.Handler(handler), ErrorLog: log.New(s, "", 0)}
	type key struct{}
	s.server.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, key{}, "the user's")
	}
	l := listen(t, "tcp", "127.0.0.1:0")
	s.addr = l.Addr().String()
	var ends *tls.Config
	s.url = "http://" + s.addr
	if secure {
		cert, roots := certificate()
		s.url, s.roots = "https://"+s.addr, roots
		ends = &tls.Config{Certificates: []tls.Certificate{cert}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if hello.Context().Value(key{}) != "the user's" {
				t.Error("the server's own ConnContext is lost")
			}
			s.seen = append(s.seen, traffic.JA4(hello))
			return nil, nil
		}}
	}
	change(s.server, ends)
	s.listener = proxyhook.CaptureWire(s.server, l, ends)
	go s.server.Serve(s.listener)
	t.Cleanup(func() { s.server.Close() })
	return s
}

func unchanged(*http.Server, *tls.Config) {}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// transport is a client's, which speaks HTTP/1.1 or HTTP/2.
func (s *wired) transport(version int) *http.Transport {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetHTTP2(version == 2 && s.roots != nil)
	transport.Protocols.SetUnencryptedHTTP2(version == 2 && s.roots == nil)
	return transport
}

// get asks n times over one connection of a new client.
func (s *wired) get(t *testing.T, n, version int, change func(*tls.Config)) {
	t.Helper()
	transport := s.transport(version)
	change(transport.TLSClientConfig)
	defer transport.CloseIdleConnections()
	for range n {
		response, err := (&http.Client{Transport: transport}).Get(s.url)
		must(t, err)
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

// Every request carries the fingerprint of its connection, by HTTP/1.1 and HTTP/2.
func TestJA4OfRequests(t *testing.T) {
	s := serveWire(t, proxyhook.Config{}, true, hello, unchanged)
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

// What Go's client sends, over all four ways. Its print is the same for all requests of a way.
func TestWireOfRequests(t *testing.T) {
	http1 := traffic.WireFacts{Seen: true, HostFirst: true}
	http2 := traffic.WireFacts{Seen: true, Pseudo: traffic.PseudoOrder("amps"), Window: 7, ConnectionWindow: 15,
		Settings: traffic.SettingPush | traffic.SettingWindow | traffic.SettingFrame | traffic.SettingHeaders}
	prints := make(map[uint32]string)
	for _, c := range []struct {
		name    string
		secure  bool
		version int
		want    traffic.WireFacts
	}{{"HTTP/1.1", false, 1, http1}, {"HTTP/2", false, 2, http2}, {"HTTP/1.1 over TLS", true, 1, http1}, {"HTTP/2 over TLS", true, 2, http2}} {
		s := serveWire(t, proxyhook.Config{}, c.secure, hello, func(server *http.Server, _ *tls.Config) {
			server.Protocols = new(http.Protocols)
			server.Protocols.SetHTTP1(true)
			server.Protocols.SetHTTP2(true)
			server.Protocols.SetUnencryptedHTTP2(!c.secure)
		})
		s.get(t, 3, c.version, func(*tls.Config) {})
		events := ended(t, s.host, s.filter, 3)
		for _, ev := range events {
			if ev.Wire.Facts() != c.want || ev.Wire != events[0].Wire || ev.Wire.Print() == 0 || ev.Status != 200 {
				t.Errorf("%s: status %d, %+v, print %x\nwant %+v", c.name, ev.Status, ev.Wire.Facts(), ev.Wire.Print(), c.want)
			}
		}
		if other, ok := prints[events[0].Wire.Print()]; ok {
			t.Errorf("%s has the print of %s", c.name, other)
		}
		prints[events[0].Wire.Print()] = c.name
		if got, want := s.listener.Stats(), (proxyhook.WireStats{Connections: 1, Requests: 3}); got != want {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}

// A resumed session changes JA4 and not the print.
func TestPrintOfAResumedSession(t *testing.T) {
	s := serveWire(t, proxyhook.Config{}, true, hello, unchanged)
	cache := tls.NewLRUClientSessionCache(4)
	for range 2 {
		s.get(t, 1, 1, func(config *tls.Config) { config.ClientSessionCache, config.ServerName = cache, "example.com" })
	}
	events := ended(t, s.host, s.filter, 2)
	if events[0].JA4 == events[1].JA4 || events[0].Wire != events[1].Wire || events[0].Wire == 0 {
		t.Errorf("%s and %s, %x and %x", events[0].JA4, events[1].JA4, events[0].Wire, events[1].Wire)
	}
}

// What a trusted proxy says of the client is in none of its own bytes.
func TestNoWireOfTrustedProxies(t *testing.T) {
	s := serveWire(t, proxyhook.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, true, hello, unchanged)
	s.get(t, 1, 1, func(*tls.Config) {})
	if ev := ended(t, s.host, s.filter, 1)[0]; ev.JA4 != "" || ev.Wire != 0 || len(s.seen) != 1 {
		t.Errorf("%q and %x of %q", ev.JA4, ev.Wire, s.seen)
	}
}

// Handlers know that the connection is encrypted, as without the capture: a reverse proxy forwards
// that to its origin.
func TestHandlersKnowTLS(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Forwarded-Proto"))
	}))
	defer origin.Close()
	target, err := url.Parse(origin.URL)
	must(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() }}
	for _, secure := range []bool{false, true} {
		for _, version := range []int{1, 2} {
			if !secure && version == 2 {
				continue
			}
			var state *tls.ConnectionState
			s := serveWire(t, proxyhook.Config{}, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				state = r.TLS
				proxy.ServeHTTP(w, r)
			}), unchanged)
			response, err := (&http.Client{Transport: s.transport(version)}).Get(s.url)
			must(t, err)
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			want := map[bool]string{false: "http", true: "https"}[secure]
			if string(body) != want || secure != (state != nil) || response.ProtoMajor != version {
				t.Errorf("HTTP/%d: the origin is told %q, want %q; %v", version, body, want, state)
			}
			if secure && (!state.HandshakeComplete || state.NegotiatedProtocol != [3]string{2: "h2"}[version]) {
				t.Errorf("HTTP/%d: %+v", version, state)
			}
		}
	}
}

// HTTP/2 that was not agreed on is refused, so that a server speaks no more than it did without the
// capture; HTTP/1.1 where HTTP/2 was agreed on, too.
func TestProtocolsThatWereNotAgreedOn(t *testing.T) {
	http2 := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		"\x00\x00\x06\x01\x05\x00\x00\x00\x01" + "\x82\x84\x86\x41\x01a"
	for name, c := range map[string]struct {
		secure    bool
		protocols []string
		send      string
		answer    string
	}{
		"HTTP/2 in the clear":          {false, nil, http2, "505"},
		"HTTP/2 over TLS, none agreed": {true, nil, http2, "505"},
		"HTTP/2 over TLS for HTTP/1.1": {true, []string{"http/1.1"}, http2, "505"},
		"HTTP/1.1 over TLS for HTTP/2": {true, []string{"h2"}, plainRequest, "505"},
		"HTTP/2 over TLS":              {true, []string{"h2"}, http2, "200"},
		"HTTP/1.1 over TLS":            {true, nil, plainRequest, "200"},
	} {
		s := serveWire(t, proxyhook.Config{}, c.secure, hello, unchanged)
		conn, err := net.Dial("tcp", s.addr)
		must(t, err)
		if c.secure {
			conn = tls.Client(conn, &tls.Config{RootCAs: s.roots, ServerName: "example.com", NextProtos: c.protocols})
		}
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		io.WriteString(conn, c.send)
		var status string
		if c.send == http2 {
			status = readStatus(t, conn)
		} else {
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			must(t, err)
			status = fmt.Sprint(response.StatusCode)
		}
		conn.Close()
		if status != c.answer {
			t.Errorf("%s: %s, want %s", name, status, c.answer)
		}
	}
}

// readStatus reads frames until the first HEADERS and returns the :status in it, which is one of
// HPACK's static table or a literal with its index.
func readStatus(t *testing.T, conn net.Conn) string {
	t.Helper()
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return err.Error()
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:4])>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err.Error()
		}
		switch {
		case head[3] != 1:
		case payload[0] == 0x88:
			return "200"
		case bytes.Contains(payload, []byte("505")):
			return "505"
		default:
			return fmt.Sprintf("% x", payload)
		}
	}
}

// literalFields is a header block that nothing in it is indexed or coded in.
func literalFields(fields ...string) (block []byte) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		block = append(append(block, 0, byte(len(name))), name...)
		block = append(append(block, byte(len(value))), value...)
	}
	return block
}

// Many requests at once on one connection, in two orders: each event has its own order. Of two that
// only their order tells apart, both have their own, where one was claimed before the other was
// read, or neither has one.
func TestEachStreamHasItsOwnOrder(t *testing.T) {
	const streams = 100
	var all sync.WaitGroup
	all.Add(streams)
	s := serveWire(t, proxyhook.Config{}, true, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		all.Done()
		all.Wait() // none ends before all have begun
	}), unchanged)
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.roots, ServerName: "example.com", NextProtos: []string{"h2"}})
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	send := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	for n := range streams {
		path := fmt.Sprint(":path=/", n)
		if n >= streams-2 {
			path = ":path=/twice"
		}
		fields := []string{":method=GET", ":scheme=https", ":authority=a", path, "user-agent=a", "accept=b"}
		if n%2 != 0 {
			fields[4], fields[5] = fields[5], fields[4]
		}
		block := literalFields(fields...)
		send = append(send, 0, byte(len(block)>>8), byte(len(block)), 1, 5, 0, 0, byte((2*n+1)>>8), byte(2*n+1))
		send = append(send, block...)
	}
	_, err = conn.Write(send)
	must(t, err)
	go io.Copy(io.Discard, conn)
	orders := make(map[string]traffic.FieldOrder)
	var twice [3]int // by order, unknown first
	for _, ev := range ended(t, s.host, s.filter, streams) {
		order := ev.Wire.Facts().AgentAccept
		if orders[ev.Path] = order; ev.Path == "/twice" {
			twice[order]++
		}
	}
	for n := range streams - 2 {
		if want := traffic.FieldOrder(1 + n%2); orders[fmt.Sprint("/", n)] != want {
			t.Errorf("request %d has order %d, want %d", n, orders[fmt.Sprint("/", n)], want)
		}
	}
	stats := s.listener.Stats()
	if twice != [3]int{2, 0, 0} && twice != [3]int{0, 1, 1} || stats.Unknown != uint64(twice[0]) || stats.Requests != streams {
		t.Errorf("orders of the two, the unknown first: %v; %+v", twice, stats)
	}
}

// A filter within another one describes the same request.
func TestWireWithinAnotherFilter(t *testing.T) {
	inner := newHost(t)
	filter := inner.filter(proxyhook.Config{})
	s := serveWire(t, proxyhook.Config{}, true, filter.Handler(hello), unchanged)
	s.get(t, 1, 1, func(*tls.Config) {})
	outside, inside := ended(t, s.host, s.filter, 1)[0], ended(t, inner, filter, 1)[0]
	if outside.Wire == 0 || inside.Wire != outside.Wire || inside.JA4 != outside.JA4 {
		t.Errorf("%x %s outside, %x %s inside", outside.Wire, outside.JA4, inside.Wire, inside.JA4)
	}
}

// A hijacked connection is the one below the capture, with all that it can do, and goes on after
// what was buffered.
func TestHijackOfACapturedConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := serveWire(t, proxyhook.Config{}, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, isTLS := conn.(interface {
				ConnectionState() tls.ConnectionState
			})
			_, sends := conn.(io.ReaderFrom)
			fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n%v %v\n", isTLS, sends)
			rw.Flush()
			line, _ := rw.ReadString('\n')
			io.WriteString(conn, line)
		}), unchanged)
		conn, err := net.Dial("tcp", s.addr)
		must(t, err)
		if secure {
			conn = tls.Client(conn, &tls.Config{RootCAs: s.roots, ServerName: "example.com"})
		}
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nGET is no request here\n")
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if want := fmt.Sprintf("%v %v\nGET is no request here\n", secure, !secure); !strings.HasSuffix(string(answer), want) {
			t.Errorf("secure %v: %q", secure, answer)
		}
		ev := ended(t, s.host, s.filter, 1)[0]
		if stats := s.listener.Stats(); !ev.Wire.Facts().Seen || ev.Status != 101 || stats.NotUnderstood != 0 {
			t.Errorf("secure %v: %+v, %+v", secure, ev, stats)
		}
	}
}

// Handshakes that fail are counted and logged as net/http does, and a request in the clear gets an
// answer that says so.
func TestFailedHandshakes(t *testing.T) {
	s := serveWire(t, proxyhook.Config{}, true, hello, unchanged)
	for _, send := range []string{plainRequest, "\x16\x03\x01\x00\x02\x01\x00", "no TLS at all"} {
		conn, err := net.Dial("tcp", s.addr)
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		io.WriteString(conn, send)
		conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if told := strings.Contains(string(answer), "Client sent an HTTP request to an HTTPS server"); told != (send == plainRequest) {
			t.Errorf("%q is answered %q", send, answer)
		}
	}
	await(t, "three failures", func() bool { return s.listener.Stats().Failed == 3 })
	await(t, "the log of them", func() bool { return strings.Count(s.logged(), "http: TLS handshake error from 127.0.0.1:") == 3 })
	if !strings.Contains(s.logged(), "client sent an HTTP request to an HTTPS server") {
		t.Error(s.logged())
	}
}

// A client that stops within its handshake holds its connection no longer than ReadHeaderTimeout.
func TestHandshakeThatStandsStill(t *testing.T) {
	s := serveWire(t, proxyhook.Config{}, true, hello, func(server *http.Server, _ *tls.Config) { server.ReadHeaderTimeout = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", s.addr)
	must(t, err)
	defer conn.Close()
	io.WriteString(conn, "\x16\x03\x01")
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}

// A server's own choice of protocols stays.
func TestProtocolsOfTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Server, *tls.Config)
		want   string
	}{
		"as it is":  {unchanged, "h2"},
		"no HTTP/2": {func(s *http.Server, _ *tls.Config) { s.Protocols = new(http.Protocols); s.Protocols.SetHTTP1(true) }, "http/1.1"},
		"no HTTP/2, as once": {func(s *http.Server, _ *tls.Config) {
			s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}, "http/1.1"},
		"only HTTP/2":    {func(s *http.Server, _ *tls.Config) { s.Protocols = new(http.Protocols); s.Protocols.SetHTTP2(true) }, "h2"},
		"HTTP/1.1 first": {func(_ *http.Server, c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }, "http/1.1"},
	} {
		s := serveWire(t, proxyhook.Config{}, true, hello, c.change)
		conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.roots, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}})
		must(t, err)
		if got := conn.ConnectionState().NegotiatedProtocol; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		conn.Close()
	}
}

// One server on two listeners, one of them in the clear, ends when it is shut down.
func TestCaptureOfTwoListeners(t *testing.T) {
	s := serveWire(t, proxyhook.Config{}, true, hello, unchanged)
	handler := s.server.Handler
	clear := proxyhook.CaptureWire(s.server, listen(t, "tcp", "127.0.0.1:0"), nil)
	if s.server.Handler != handler {
		t.Error("the handler is wrapped twice")
	}
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(clear) }()
	get(t, "http://"+clear.Addr().String())
	s.get(t, 1, 2, func(*tls.Config) {})
	for i, ev := range ended(t, s.host, s.filter, 2) {
		if !ev.Wire.Facts().Seen || (ev.JA4 != "") != (i == 1) {
			t.Errorf("request %d: %+v", i, ev)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.server.Shutdown(ctx))
	if err := <-done; err != http.ErrServerClosed {
		t.Error(err)
	}
}

// A request rebuilt from a record is the same event, except for what is known at its end.
func TestDescribeOfARecordedRequest(t *testing.T) {
	config := proxyhook.Config{SessionCookie: "id"}
	s := serveWire(t, config, true, hello, unchanged)
	request, err := http.NewRequest("GET", s.url+"/a/b.php?c=d", nil)
	must(t, err)
	for name, value := range map[string]string{"Referer": s.url + "/", "Cookie": "id=7", "Accept-Language": "de", "User-Agent": "recorder/1"} {
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{Transport: s.transport(2)}).Do(request)
	must(t, err)
	response.Body.Close()
	live := ended(t, s.host, s.filter, 1)[0]

	ctx := proxyhook.WithWire(proxyhook.WithJA4(context.Background(), s.seen[0]), live.Wire)
	again, err := http.NewRequestWithContext(ctx, "GET", "/", nil)
	must(t, err)
	again.Host, again.RequestURI, again.RemoteAddr = request.URL.Host, "/a/b.php?c=d", "127.0.0.1:1"
	again.Proto, again.ProtoMajor, again.ProtoMinor = "HTTP/2.0", 2, 0
	again.Header = request.Header.Clone()
	again.Header.Set("Accept-Encoding", "gzip") // as net/http's client adds it
	var ev traffic.Event
	config.Describe(&ev, again, s.filter.Sums())
	if ev.JA4 == "" || ev.Wire == 0 || ev.Session == 0 || !ev.Facts.Has(traffic.FactRefererSame) {
		t.Errorf("the event lacks what the request had: %+v", ev)
	}
	ev.Time, ev.Status, ev.Bytes, ev.Duration, ev.Score, ev.Action = live.Time, live.Status, live.Bytes, live.Duration, live.Score, live.Action
	if ev != live {
		t.Errorf("recorded %+v\nlive     %+v", ev, live)
	}
	if swapped := proxyhook.WithJA4(proxyhook.WithWire(context.Background(), live.Wire), s.seen[0]); !slices.Equal(describedBy(swapped), describedBy(ctx)) {
		t.Error("the order of WithJA4 and WithWire matters")
	}
}

func describedBy(ctx context.Context) []string {
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	var ev traffic.Event
	(&proxyhook.Config{}).Describe(&ev, r, traffic.Sums{})
	return []string{ev.JA4, fmt.Sprint(ev.Wire)}
}
