package demo

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/internal/app/simulator"
)

// request is one request to send.
type request struct {
	at     time.Duration // since the start
	kind   string
	bot    bool
	client netip.Addr
	method string
	host   string
	target string
	body   string
	header http.Header
}

// load returns the requests to send, in the order of their times; io.EOF ends it.
type load interface {
	next() (*request, error)
	malformed() int // lines dropped so far because they were malformed
	truthKnown() bool
}

func (c *Config) load() (load, error) {
	if c.Log == nil {
		return &simulatedLoad{simulator: simulator.New(simulator.Config{Seed: c.Seed, Rate: c.Rate}), length: c.For}, nil
	}
	reader, err := accesslog.NewReader(c.Log)
	if err != nil {
		return nil, err
	}
	l := &logLoad{reader: reader, speed: c.Speed, maxSilence: c.MaxSilence}
	if l.speed <= 0 {
		l.speed = 1
	}
	if l.maxSilence <= 0 {
		l.maxSilence = 10 * time.Second
	}
	if err := l.begin(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.LogName, err)
	}
	return l, nil
}

// simulatedLoad is traffic of the simulator.
type simulatedLoad struct {
	simulator *simulator.Simulator
	length    time.Duration // 0: endless
	headers   []simulator.Header
}

func (l *simulatedLoad) truthKnown() bool { return true }
func (l *simulatedLoad) malformed() int   { return 0 }

func (l *simulatedLoad) next() (*request, error) {
	r := l.simulator.Next()
	if l.length > 0 && r.At >= l.length {
		return nil, io.EOF
	}
	out := &request{at: r.At, kind: r.Kind, bot: r.Bot, client: r.Client, method: r.Method, host: r.Host, target: r.Target,
		body: r.Body, header: make(http.Header)}
	l.headers = r.AppendHeaders(l.headers[:0])
	for _, h := range l.headers {
		if h.Name != "Host" {
			out.header.Add(h.Name, h.Value)
		}
	}
	return out, nil
}

// logLoad is an access log. It drops malformed lines and lines whose request was not HTTP, since
// they cannot be sent. The paths are spread over the origins, which answer with the log's status
// and size.
type logLoad struct {
	reader         *accesslog.Reader
	speed          float64
	maxSilence     time.Duration
	entry          accesslog.Entry
	lastTime       int64         // time of the last line
	at             time.Duration // in the log's time, without the cut silences
	malformedLines int           // malformed lines so far
	nonHTTPLines   int           // lines so far whose request was not HTTP
	first          *request      // read by begin; returned by next
}

func (l *logLoad) truthKnown() bool { return false }
func (l *logLoad) malformed() int   { return l.malformedLines }

// begin reads the first request, so that a file without one is an error before anything is started.
func (l *logLoad) begin() (err error) {
	l.first, err = l.read()
	switch {
	case err != io.EOF:
		return err
	case l.malformedLines == 0 && l.nonHTTPLines == 0:
		return errors.New("the log is empty; name an access log")
	case l.nonHTTPLines == 0:
		return fmt.Errorf("none of its %d lines is an access log line in the combined or common format", l.malformedLines)
	}
	return fmt.Errorf("none of its lines can be sent: %d are not HTTP, %d are malformed", l.nonHTTPLines, l.malformedLines)
}

func (l *logLoad) next() (*request, error) {
	if r := l.first; r != nil {
		l.first = nil
		return r, nil
	}
	return l.read()
}

func (l *logLoad) read() (*request, error) {
	for {
		err := l.reader.Next(&l.entry)
		var malformed *accesslog.LineError
		switch {
		case errors.As(err, &malformed):
			l.malformedLines++
		case err != nil:
			return nil, err
		case !l.entry.HTTP:
			l.nonHTTPLines++
		default:
			return l.request(), nil
		}
	}
}

func (l *logLoad) request() *request {
	e := &l.entry
	if l.lastTime != 0 {
		l.at += min(max(time.Duration(e.Time-l.lastTime), 0), l.maxSilence)
	}
	l.lastTime = e.Time
	r := &request{
		at:     time.Duration(float64(l.at) / l.speed),
		kind:   "log",
		client: e.Addr,
		method: string(e.Method),
		target: sendableTarget(string(e.Target)),
		header: http.Header{statusHeader: {strconv.Itoa(answerable(e))}, sizeHeader: {strconv.FormatInt(e.Bytes, 10)}},
	}
	r.host = simulator.Hosts[spread(r.target)%uint32(len(simulator.Hosts))]
	if len(e.UserAgent) > 0 {
		r.header.Set("User-Agent", sendableValue(string(e.UserAgent)))
	}
	if len(e.Referer) > 0 {
		r.header.Set("Referer", sendableValue(string(e.Referer)))
	}
	return r
}

// answerable returns a status that an origin can answer a line with: none below 200, and no success
// to CONNECT, which would open a tunnel.
func answerable(e *accesslog.Entry) int {
	switch {
	case e.Status < 200:
		return http.StatusBadRequest
	case string(e.Method) == http.MethodConnect && e.Status < 300:
		return http.StatusMethodNotAllowed
	}
	return e.Status
}

// sendableTarget returns a request target that an HTTP client can send and a server accepts: it
// begins with a single slash, and bytes that a URL cannot contain are escaped. Logs of attacks
// contain anything.
func sendableTarget(target string) string {
	path, query, hasQuery := strings.Cut(target, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok && !strings.HasPrefix(path, "/") { // absolute form
		_, path, _ = strings.Cut(rest, "/")
	}
	path = "/" + strings.TrimLeft(path, "/")
	if hasQuery {
		return escape(path) + "?" + escape(query)
	}
	return escape(path)
}

func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '#' || c == '%' && !isEscape(s[i:]) {
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isEscape tells whether s begins with a percent sign and two hexadecimal digits.
func isEscape(s string) bool {
	if len(s) < 3 {
		return false
	}
	_, err := strconv.ParseUint(s[1:3], 16, 8)
	return err == nil && s[1] != '+'
}

// sendableValue replaces bytes that a header field cannot contain by blanks.
func sendableValue(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = ' '
		}
	}
	return string(b)
}

// spread returns the FNV-1a hash of a path, so that a path always goes to the same origin.
func spread(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
