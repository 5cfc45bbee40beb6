package proxyhook

import (
	"context"
	"net"
	"net/http"
	"slices"
)

// Names of application protocols in TLS.
const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// wireHandler wraps a server's handler and restores what net/http has not set for it: that the
// connection of a request is encrypted.
type wireHandler struct {
	next       http.Handler // nil: that of package http
	clearHTTP2 bool         // whether the server's owner wants HTTP/2 in the clear
}

func (h *wireHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c := clientIn(r.Context()); c != nil && c.tls != nil {
		r.TLS = c.tls
	}
	if !h.agreed(r) {
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(http.StatusHTTPVersionNotSupported), http.StatusHTTPVersionNotSupported)
		return
	}
	if h.next == nil {
		http.DefaultServeMux.ServeHTTP(w, r)
		return
	}
	h.next.ServeHTTP(w, r)
}

// agreed reports whether a request is in the protocol that the client agreed on. net/http only
// checks whether a connection begins as HTTP/2.
func (h *wireHandler) agreed(r *http.Request) bool {
	switch {
	case r.TLS == nil:
		return r.ProtoMajor < 2 || h.clearHTTP2
	case r.ProtoMajor == 2:
		return r.TLS.NegotiatedProtocol == protocolHTTP2
	}
	return r.TLS.NegotiatedProtocol != protocolHTTP2
}

// prepare makes a server serve captured connections, once, and returns the protocols that it serves
// over TLS.
func prepare(server *http.Server) http.Protocols {
	var protocols http.Protocols
	if server.Protocols != nil {
		protocols = *server.Protocols
	} else {
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	}
	if _, done := server.Handler.(*wireHandler); done {
		return protocols
	}
	if server.TLSNextProto != nil { // HTTP/2 is off, or of another package, which wants a *tls.Conn
		protocols.SetHTTP2(false)
	}
	server.Handler = &wireHandler{next: server.Handler, clearHTTP2: protocols.UnencryptedHTTP2()}
	if protocols.HTTP2() {
		protocols.SetUnencryptedHTTP2(true)
	}
	server.Protocols = &protocols
	before := server.ConnContext
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		of := findCaptured(c)
		if of == nil {
			return ctx
		}
		of.ctx = context.WithValue(ctx, clientKey{}, of.client)
		return of.ctx
	}
	return protocols
}

// findCaptured returns the captured connection that c is or wraps, by NetConn.
func findCaptured(c net.Conn) *wireConn {
	for {
		if conn, ok := c.(captured); ok {
			return conn.captured()
		}
		around, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = around.NetConn()
	}
}

// nextProtocols returns the application protocols to offer: the wanted ones that the server serves,
// then the others that it serves.
func nextProtocols(wanted []string, served http.Protocols) (offered []string) {
	for _, p := range wanted {
		if p == protocolHTTP1 && !served.HTTP1() || p == protocolHTTP2 && !served.HTTP2() {
			continue
		}
		offered = append(offered, p)
	}
	if served.HTTP2() && !slices.Contains(offered, protocolHTTP2) {
		offered = append(offered, protocolHTTP2)
	}
	if served.HTTP1() && !slices.Contains(offered, protocolHTTP1) {
		offered = append(offered, protocolHTTP1)
	}
	return offered
}
