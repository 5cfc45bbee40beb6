package main

import (
	"cmp"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/models/corpus"
)

// recorder notes what the clients of the runs that are going on send, and what they get. Which run
// a request is of, the address that it came to tells: each run has one of its own.
type recorder struct {
	next  http.Handler
	began time.Time

	mutex    sync.Mutex // guards all below
	runs     map[netip.Addr]*recording
	unparsed int // requests that the parser had not found
}

// recording is what was noted of one run.
type recording struct {
	run      corpus.Run
	conns    map[*tap]*corpus.Conn
	requests []exchange
	seen     int
}

// exchange is a request with the connection that it came by.
type exchange struct {
	*corpus.Request
	conn *corpus.Conn
}

func newRecorder(next http.Handler) *recorder {
	return &recorder{next: next, began: time.Now(), runs: make(map[netip.Addr]*recording)}
}

// since returns the microseconds from the recorder's beginning to t.
func (r *recorder) since(t time.Time) int64 { return t.Sub(r.began).Microseconds() }

// start begins a run whose clients come to the given address.
func (r *recorder) start(server netip.Addr, run corpus.Run) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	run.Start = r.since(time.Now())
	r.runs[server] = &recording{run: run, conns: make(map[*tap]*corpus.Conn)}
}

// count returns how many requests have arrived.
func (r *recorder) count(server netip.Addr) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.runs[server].seen
}

// finish ends it and returns what was noted.
func (r *recorder) finish(server netip.Addr) *recording {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	done := r.runs[server]
	delete(r.runs, server)
	slices.SortStableFunc(done.requests, func(a, b exchange) int { return cmp.Compare(a.At, b.At) })
	return done
}

// ServeHTTP serves a request and notes it.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := contextTap(req.Context())
	s, ok := t.take(req.Method, req.RequestURI)
	start := time.Now()
	noted := &corpus.Request{
		At: r.since(start), Method: req.Method, Target: req.RequestURI, Host: req.Host, Proto: req.Proto,
		Pseudo: s.pseudo, Priority: s.priority, Header: s.header,
	}
	body := &countedBody{ReadCloser: req.Body}
	counted := req.WithContext(req.Context())
	counted.Body = body
	out := &countedWriter{ResponseWriter: w}
	defer func() {
		noted.Status, noted.Bytes, noted.Body = cmp.Or(out.status, http.StatusOK), out.bytes, body.bytes
		if req.Method == http.MethodHead { // net/http takes the body of its answer, and sends none
			noted.Bytes = 0
		}
		noted.Duration = time.Since(start).Microseconds()
		r.note(t, noted, ok)
	}()
	r.next.ServeHTTP(out, counted)
}

// Bounds of what is kept of a client that sends very many requests: all of the first, then every
// tenth, and no more than keepMost.
const (
	keepFirst = 240
	keepEvery = 10
	keepMost  = 400
)

func (r *recorder) note(t *tap, noted *corpus.Request, parsed bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	rec, ok := r.runs[parseAddr(t.LocalAddr())]
	if !ok {
		return
	}
	if !parsed {
		r.unparsed++
		return
	}
	rec.seen++
	if rec.seen > keepFirst && (rec.seen%keepEvery != 0 || len(rec.requests) >= keepMost) {
		rec.run.Thinned++
		return
	}
	conn := rec.conns[t]
	if conn == nil {
		conn = &corpus.Conn{At: r.since(t.opened), Hello: t.hello}
		rec.conns[t] = conn
	}
	conn.H2 = t.frames()
	rec.requests = append(rec.requests, exchange{noted, conn})
}

// numbers are the last that were given in a file.
type numbers struct{ run, conn int }

// write writes the run, its connections and its requests, with the next numbers of the file.
func (rec *recording) write(w *corpus.Writer, last *numbers) error {
	last.run++
	rec.run.ID = last.run
	w.Run(&rec.run)
	written := make(map[*corpus.Conn]bool)
	for _, e := range rec.requests {
		if !written[e.conn] {
			written[e.conn] = true
			last.conn++
			e.conn.ID, e.conn.Run = last.conn, rec.run.ID
			w.Conn(e.conn)
		}
		e.Conn = e.conn.ID
		if err := w.Request(e.Request); err != nil {
			return err
		}
	}
	return nil
}

// countedBody counts what is read of a request's body.
type countedBody struct {
	io.ReadCloser
	bytes int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	return n, err
}

// countedWriter notes the status and counts what is written of the answer's body.
type countedWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countedWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedWriter) Write(b []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}
