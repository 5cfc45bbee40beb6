package worlds

import (
	"context"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// Field is a header field as sent.
type Field struct{ Name, Value string }

// Request is one request. It has all facts, including those that the world's View hides; [Source]
// removes these.
type Request struct {
	At     time.Duration // since the start of the episode
	Client netip.Addr
	Method string
	Host   string
	Target string  // path and query
	Header []Field // in the order sent, without Host
	Agent  string  // the User-Agent field; empty: none
	Refer  string  // the Referer field; empty: none

	Version  int          // times ten
	JA4      string       // empty: in the clear
	Wire     traffic.Wire // 0: in the clear
	Status   int
	Bytes    int
	Duration time.Duration

	Truth  *Truth
	serial uint64
	unseen bool // whether it goes to a host that is not behind the proxy
}

// Truth describes the client of a request.
type Truth struct {
	Bot      bool
	Kind     string // of the client: one of People or of Bots
	Program  string // the program that sends its requests
	Disguise string // how a bot's requests differ from its program's own; plain: they don't
	Site     string // kind of the site: one of Kinds
	Client   string // the same for all requests of a client, also from several addresses
}

// String returns the six parts separated by colons, as in a row's truth: in the same form as the
// truth of recorded clients.
func (t *Truth) String() string {
	side := "person"
	if t.Bot {
		side = "bot"
	}
	return strings.Join([]string{side, t.Kind, t.Program, t.Disguise, t.Site, t.Client}, ":")
}

// describer makes the events of requests. It is reused for all of them.
type describer struct {
	config  proxyhook.Config
	request http.Request
	header  http.Header
	values  map[string][]string // reused for each name, so that a request allocates none
	names   map[string]string   // canonical, by the name as sent
	seen    map[connection]context.Context
}

func newDescriber() *describer {
	return &describer{header: make(http.Header), values: make(map[string][]string), names: make(map[string]string), seen: make(map[connection]context.Context)}
}

// http returns the request as a Go server passes it to a handler, valid until the next call.
func (d *describer) http(r *Request, view View) *http.Request {
	clear(d.header)
	for _, f := range r.Header {
		name, ok := d.names[f.Name]
		if !ok {
			name = textproto.CanonicalMIMEHeaderKey(f.Name)
			d.names[f.Name] = name
			d.values[name] = make([]string, 1)
		}
		values := d.values[name]
		values[0] = f.Value
		d.header[name] = values
	}
	d.request = http.Request{Method: r.Method, Host: r.Host, RequestURI: r.Target, Proto: "HTTP/" + strconv.Itoa(r.Version/10) + "." + strconv.Itoa(r.Version%10),
		ProtoMajor: r.Version / 10, ProtoMinor: r.Version % 10, Header: d.header, RemoteAddr: netip.AddrPortFrom(r.Client, 443).String()}
	if view != JA4 && view != Wire {
		return &d.request
	}
	c := connection{ja4: r.JA4}
	if view == Wire {
		c.wire = r.Wire
	}
	return d.request.WithContext(d.context(c))
}

// connection holds the facts of a request's connection.
type connection struct {
	ja4  string
	wire traffic.Wire
}

// maxContexts bounds the connections whose context is kept.
const maxContexts = 4096

func (d *describer) context(c connection) context.Context {
	ctx, ok := d.seen[c]
	if !ok {
		if len(d.seen) == maxContexts {
			clear(d.seen)
		}
		ctx = proxyhook.WithWire(proxyhook.WithJA4(context.Background(), c.ja4), c.wire)
		d.seen[c] = ctx
	}
	return ctx
}

// event fills ev with what a proxy of the view reports of r, in an episode that began at a time.
func (d *describer) event(ev *traffic.Event, r *Request, view View, start int64) {
	d.config.Describe(ev, d.http(r, view), traffic.Sums{})
	if view == Behind { // the proxy in front speaks HTTP/1.1 to this one
		ev.Version = 11
	}
	ev.Time, ev.Origin = start+int64(r.At), ev.Host
	ev.Status, ev.Bytes, ev.Duration = uint16(r.Status), uint64(r.Bytes), uint64(r.Duration)
	ev.Bound()
}
