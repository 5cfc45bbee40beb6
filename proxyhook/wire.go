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
	"github.com/headgate/headgate/internal/wire"
)

// CaptureWire returns a listener whose connections tell [Filter.Handler] what each request looked like on the wire, so
// that it fills in [traffic.Event].Wire, and JA4 where config is not nil:
//
//	server := &http.Server{Handler: filter.Handler(proxy)}
//	log.Fatal(server.Serve(proxyhook.CaptureWire(server, listener, tlsConfig)))
//
// With a config the listener ends TLS, with HTTP/2 where the server has not turned that off: it takes the place of
// [http.Server.ServeTLS], and server.TLSConfig is not looked at. Without one, the connections are in the clear, say behind
// something that ends TLS and leaves the bytes inside as they are.
//
// It is to be called when the server's fields are set and before it serves, once for each of its listeners. It changes
// server.ConnContext and server.Handler, which still do what they did, and server.Protocols: net/http speaks HTTP/2
// only to a *tls.Conn, or to clients that are known to want it, which is what these connections are to it. Handlers see
// the same [http.Request].TLS as without. A listener around this one is allowed if its connections have NetConn, too. Requests in a protocol that was not agreed on are refused (505). What the
// server's functions, and handlers that hijack, get as a connection has a method NetConn, which returns the *tls.Conn or
// that of the listener below. The server's ReadHeaderTimeout includes the handshake.
//
// Bytes are parsed beside the server, within bounds, and neither changed nor held up; what is not understood is unknown
// and counted. Where the connection comes from one of [Config.TrustedProxies], the wire is that proxy's and not the
// client's, and is left out.
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

// WireListener accepts connections that tell what requests look like: see [CaptureWire].
type WireListener struct {
	net.Listener
	config *tls.Config // nil: no TLS
	errors *log.Logger // nil: the standard one

	connections, failed atomic.Uint64
	counters            wire.Counters
}

// WireStats are what a WireListener has counted.
type WireStats struct {
	Connections   uint64 // that were accepted
	Failed        uint64 // TLS handshakes that failed
	Requests      uint64 // whose header fields were seen in their order
	Unknown       uint64 // requests of which nothing was known: not understood, or not told from another one
	NotUnderstood uint64 // connections whose bytes were not understood from some place on
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

// client is what is kept of whoever opened a connection. The handshake writes it before the first request is read. It does
// not refer to the connection: contexts keep it for as long as anybody likes.
type client struct {
	ja4   string
	print uint32               // of its TLS
	tls   *tls.ConnectionState // nil: none
	tap   *wire.Tap            // nil: it comes from a record
	wire  traffic.Wire         // of the one request of a record
}

type clientKey struct{}

// WithJA4 returns a context with the fingerprint of a connection, as a request's context has it on a connection of
// [CaptureWire]. It is for requests that come from a record instead of a connection.
func WithJA4(ctx context.Context, ja4 string) context.Context {
	c := recorded(ctx)
	c.ja4 = ja4
	return context.WithValue(ctx, clientKey{}, &c)
}

// WithWire returns a context with what a request looked like on the wire. It is for requests that come from a record.
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

// seen returns what is known of the client's TLS and of r itself. It is to be called once for each request.
func seen(r *http.Request) (ja4 string, w traffic.Wire) {
	c := clientIn(r.Context())
	if c == nil {
		return "", 0
	}
	if c.tap == nil {
		return c.ja4, c.wire
	}
	if outer := innermost(r.Context()); outer != nil { // another filter, which has asked already
		return c.ja4, outer.ev.Wire
	}
	return c.ja4, c.tap.Claim(r.Method, r.RequestURI)
}

// capturing returns a GetConfigForClient that notes what a hello looks like and goes on with choose, which may be nil.
func capturing(choose func(*tls.ClientHelloInfo) (*tls.Config, error)) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if c := clientIn(hello.Context()); c != nil {
			c.ja4, c.print = traffic.JA4Of(hello), traffic.TLSPrint(hello)
		}
		if choose != nil {
			return choose(hello)
		}
		return nil, nil
	}
}
