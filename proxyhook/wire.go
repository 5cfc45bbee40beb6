package proxyhook

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/proxy/wire"
)

// CaptureWire returns a listener whose connections let [Filter.Handler] see what each request
// looked like on the wire, so that it sets [traffic.Event].Wire, and JA4 if config is not nil:
//
//	server := &http.Server{Handler: filter.Handler(proxy)}
//	log.Fatal(server.Serve(proxyhook.CaptureWire(server, listener, tlsConfig)))
//
// With a config the listener ends TLS, with HTTP/2 unless the server has turned that off: it
// replaces [http.Server.ServeTLS], and ignores server.TLSConfig. Without one the connections are in
// the clear, for instance behind something that ends TLS and leaves the bytes inside unchanged.
//
// Call it when the server's fields are set and before it serves, once for each of its listeners. It
// changes server.ConnContext and server.Handler, which keep their effect, and server.Protocols:
// net/http speaks HTTP/2 only to a *tls.Conn, or to clients that are known to want it, which is how
// it sees these connections. Handlers see the same [http.Request].TLS as without. A listener around
// this one is allowed if its connections have NetConn, too. Requests in a protocol that was not
// agreed on are refused (505). The connections that the server's functions, and handlers that
// hijack, get have a method NetConn, which returns the *tls.Conn or the connection of the listener
// below. The server's ReadHeaderTimeout includes the handshake.
//
// Bytes are parsed beside the server, within bounds, and neither changed nor delayed; bytes that
// are not understood are unknown and counted. On a connection from one of [Config.TrustedProxies]
// the wire is the proxy's and not the client's, and is not used.
func CaptureWire(server *http.Server, l net.Listener, config *tls.Config) *WireListener {
	agreed := prepare(server)
	w := &WireListener{Listener: l, errors: server.ErrorLog}
	if config != nil {
		w.config = config.Clone()
		w.config.NextProtos = nextProtocols(config.NextProtos, agreed)
		w.config.GetConfigForClient = capturing(config.GetConfigForClient)
	}
	return w
}

// WireListener accepts connections that record what requests look like: see [CaptureWire].
type WireListener struct {
	net.Listener
	config *tls.Config // nil: no TLS
	errors *log.Logger // nil: the standard logger

	connections, failed atomic.Uint64
	counters            wire.Counters
}

// WireStats holds the counts of a WireListener.
type WireStats struct {
	Connections   uint64 // accepted connections
	Failed        uint64 // TLS handshakes that failed
	Requests      uint64 // requests whose header fields were seen in order
	Unknown       uint64 // unknown requests: not understood, or not distinguishable from another
	NotUnderstood uint64 // connections on which some bytes were not understood
}

// Stats returns the counts.
func (l *WireListener) Stats() WireStats {
	return WireStats{
		Connections:   l.connections.Load(),
		Failed:        l.failed.Load(),
		Requests:      l.counters.Requests.Load(),
		Unknown:       l.counters.Unmatched.Load(),
		NotUnderstood: l.counters.NotUnderstood.Load(),
	}
}

// Accept implements net.Listener.
func (l *WireListener) Accept() (net.Conn, error) {
	below, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.connections.Add(1)
	conn := &wireConn{Conn: below, listener: l, client: &client{tap: wire.NewTap(&l.counters)}}
	if l.config != nil {
		conn.tls = tls.Server(below, l.config)
		conn.Conn = conn.tls
		return conn, nil
	}
	if reader, ok := below.(io.ReaderFrom); ok {
		return &wireSendConn{conn, reader}, nil
	}
	return conn, nil
}

// client is what is kept of the peer of a connection. The handshake writes it before the first
// request is read. It does not refer to the connection, since contexts may keep it for any time.
type client struct {
	ja4   string
	print uint32               // of its TLS
	tls   *tls.ConnectionState // nil: none
	tap   *wire.Tap            // nil: the client comes from a record
	wire  traffic.Wire         // of the one request of a record
}

type clientKey struct{}

// WithJA4 returns a context with the fingerprint of a connection, as the context of a request on a
// connection of [CaptureWire] has it. It is for requests that come from a record.
func WithJA4(ctx context.Context, ja4 string) context.Context {
	c := recorded(ctx)
	c.ja4 = ja4
	return context.WithValue(ctx, clientKey{}, &c)
}

// WithWire returns a context with what a request looked like on the wire. It is for requests that
// come from a record.
func WithWire(ctx context.Context, w traffic.Wire) context.Context {
	c := recorded(ctx)
	c.wire = w
	return context.WithValue(ctx, clientKey{}, &c)
}

func recorded(ctx context.Context) client {
	if c := clientIn(ctx); c != nil && c.tap == nil {
		return *c
	}
	return client{}
}

func clientIn(ctx context.Context) *client {
	c, _ := ctx.Value(clientKey{}).(*client)
	return c
}

// seen returns what is known of the client's TLS and of r itself. Call it only once for each
// request.
func seen(r *http.Request) (ja4 string, w traffic.Wire) {
	c := clientIn(r.Context())
	if c == nil {
		return "", 0
	}
	if c.tap == nil {
		return c.ja4, c.wire
	}
	if outer := innermost(r.Context()); outer != nil { // another filter has read it already
		return c.ja4, outer.ev.Wire
	}
	return c.ja4, c.tap.Claim(r.Method, r.RequestURI)
}

// capturing returns a GetConfigForClient that records what a hello looks like and then calls
// choose, which may be nil.
func capturing(choose func(*tls.ClientHelloInfo) (*tls.Config, error)) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if c := clientIn(hello.Context()); c != nil {
			c.ja4, c.print = traffic.JA4(hello), traffic.TLSPrint(hello)
		}
		if choose != nil {
			return choose(hello)
		}
		return nil, nil
	}
}
