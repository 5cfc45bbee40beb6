package corpus

import (
	"context"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/proxy/wire"
	"github.com/headgate/headgate/proxyhook"
)

// HTTP returns the request as a Go server passes it to a handler, with the facts of its connection.
func (r *Request) HTTP(run *Run, conn *Conn) *http.Request {
	ctx := context.Background()
	if conn.Hello != nil {
		ctx = proxyhook.WithJA4(ctx, traffic.JA4(conn.Hello.Info()))
	}
	ctx = proxyhook.WithWire(ctx, r.wire(conn))
	request := (&http.Request{
		Method: r.Method, URL: &url.URL{}, RequestURI: r.Target, Host: r.Host, Proto: r.Proto,
		Header: make(http.Header, len(r.Header)), RemoteAddr: net.JoinHostPort(run.Client, "1"),
	}).WithContext(ctx)
	request.ProtoMajor, request.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	for _, field := range r.Header {
		name := textproto.CanonicalMIMEHeaderKey(field[0])
		request.Header[name] = append(request.Header[name], field[1])
	}
	for _, name := range []string{"Host", "Transfer-Encoding", "Trailer"} { // kept elsewhere by net/http
		delete(request.Header, name)
	}
	if crumbs := request.Header["Cookie"]; request.ProtoMajor == 2 && len(crumbs) > 1 {
		request.Header["Cookie"] = []string{strings.Join(crumbs, "; ")}
	}
	return request
}

// wire returns what the request looked like on its connection.
func (r *Request) wire(conn *Conn) traffic.Wire {
	w := wire.Recorded{Pseudo: r.Pseudo, Priority: len(r.Priority) > 0}
	if conn.Hello != nil {
		w.TLS = traffic.TLSPrint(conn.Hello.Info())
	}
	for _, field := range r.Header {
		w.Fields = append(w.Fields, field[0])
	}
	for _, f := range conn.H2 {
		if kind, ok := frameKinds[f.Type]; ok {
			w.Frames = append(w.Frames, wire.Frame{Kind: kind, Values: f.Values})
		}
	}
	return w.Wire()
}

var frameKinds = map[string]wire.FrameKind{"SETTINGS": wire.Settings, "WINDOW_UPDATE": wire.WindowUpdate, "PRIORITY": wire.Priority}

// Event fills ev with the request, as a proxy would have reported it had it started at the given
// time, nanoseconds since 1970 UTC. The origin is the request's host.
func (r *Request) Event(ev *traffic.Event, run *Run, conn *Conn, start int64) {
	var config proxyhook.Config
	config.Describe(ev, r.HTTP(run, conn), traffic.Sums{})
	ev.Time = start
	ev.Origin = ev.Host
	ev.Status = uint16(r.Status)
	ev.Bytes = uint64(r.Bytes)
	ev.Duration = uint64(max(1, 1000*r.Duration))
	ev.Bound()
}
