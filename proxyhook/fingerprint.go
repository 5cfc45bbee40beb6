package proxyhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/headgate/headgate/featurestore/traffic"
)

// client is what is kept of whoever opened a connection. The handshake writes it before the first request is read.
type client struct{ ja4 string }

type clientKey struct{}

// CaptureJA4 makes server tell its handlers the TLS fingerprint of each connection, so that a [Filter.Handler] fills in
// [traffic.Event].JA4. It is to be called once, before the server starts; whoever makes the TLS listener himself gives it
// server.TLSConfig. It wraps server.ConnContext and GetConfigForClient of server.TLSConfig: what they did before they
// still do. The configuration itself is not changed but replaced by a clone.
//
// A fingerprint costs about a microsecond and one allocation per connection, and nothing per request. Where the
// connection comes from one of [Config.TrustedProxies], the fingerprint is that proxy's and not the client's, and is
// left out.
func CaptureJA4(server *http.Server) {
	before := server.ConnContext
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		return context.WithValue(ctx, clientKey{}, &client{})
	}
	config := &tls.Config{}
	if server.TLSConfig != nil {
		config = server.TLSConfig.Clone()
	}
	choose := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if c, ok := hello.Context().Value(clientKey{}).(*client); ok {
			c.ja4 = traffic.JA4Of(hello)
		}
		if choose != nil {
			return choose(hello)
		}
		return nil, nil
	}
	server.TLSConfig = config
}

// WithJA4 returns a context with the fingerprint of a connection, as a request's context has it in a server that
// [CaptureJA4] was called for. It is for requests that come from a record instead of a connection.
func WithJA4(ctx context.Context, ja4 string) context.Context {
	return context.WithValue(ctx, clientKey{}, &client{ja4: ja4})
}

// ja4Of gives the fingerprint of the connection that r came by; empty where it was not taken.
func ja4Of(r *http.Request) string {
	if c, ok := r.Context().Value(clientKey{}).(*client); ok {
		return c.ja4
	}
	return ""
}
