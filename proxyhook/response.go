package proxyhook

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// responseWriter records the status and counts the body. It hides nothing of the writer below:
// Unwrap returns that, for http.ResponseController, and capable adds the interfaces that handlers
// look for.
type responseWriter struct {
	http.ResponseWriter
	request  *request
	patience *patience // of writes to the client; nil: endless
}

func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseWriter) WriteHeader(status int) {
	w.cleanHeader()
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.request.answer(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.begin()
	w.patience.start()
	n, err := w.ResponseWriter.Write(b)
	w.patience.stop()
	w.request.bytes.Add(uint64(n))
	return n, err
}

// WriteString avoids a copy if the writer below can write strings.
func (w *responseWriter) WriteString(s string) (int, error) {
	w.begin()
	w.patience.start()
	n, err := io.WriteString(w.ResponseWriter, s)
	w.patience.stop()
	w.request.bytes.Add(uint64(n))
	return n, err
}

// ReadFrom allows sendfile.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if w.patience != nil { // each write has its own time
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.request.bytes.Add(uint64(n))
	return n, err
}

// begin does what precedes the first byte, if WriteHeader was not called.
func (w *responseWriter) begin() {
	if w.request.answer(http.StatusOK) {
		w.cleanHeader()
	}
}

// cleanHeader removes the fields that only the filter may set, in case a handler copied them from
// its origin.
func (w *responseWriter) cleanHeader() {
	h := w.Header()
	reason := h[ReasonHeader]
	dropOwn(h)
	if len(reason) == 1 && w.request.refusedFor(reason[0]) {
		h[ReasonHeader] = reason
	}
	dropListed(h, "Trailer")
}

// returned is called when the handler has returned without a panic. If it has written nothing,
// net/http sends 200; it also sends the trailers now.
func (w *responseWriter) returned() {
	w.request.answer(http.StatusOK)
	w.cleanHeader()
}

// capable returns w with those of http.Flusher, http.Hijacker and http.Pusher that the writer below
// has, or one below that. Handlers branch on them, so none may be claimed in vain: HTTP/2 has
// nothing to hijack.
func (w *responseWriter) capable() http.ResponseWriter {
	f, h, p := flusher{w}, hijacker{w}, pusher{below[http.Pusher](w)}
	canFlush := below[http.Flusher](w) != nil || below[errorFlusher](w) != nil
	canHijack := below[http.Hijacker](w) != nil
	switch canPush := p.Pusher != nil; {
	case canFlush && canHijack && canPush:
		return struct {
			*responseWriter
			flusher
			hijacker
			pusher
		}{w, f, h, p}
	case canFlush && canHijack:
		return struct {
			*responseWriter
			flusher
			hijacker
		}{w, f, h}
	case canFlush && canPush:
		return struct {
			*responseWriter
			flusher
			pusher
		}{w, f, p}
	case canHijack && canPush:
		return struct {
			*responseWriter
			hijacker
			pusher
		}{w, h, p}
	case canFlush:
		return struct {
			*responseWriter
			flusher
		}{w, f}
	case canHijack:
		return struct {
			*responseWriter
			hijacker
		}{w, h}
	case canPush:
		return struct {
			*responseWriter
			pusher
		}{w, p}
	}
	return w
}

// below returns the first writer below w that is a T, as http.ResponseController finds it, or nil.
func below[T any](w *responseWriter) (found T) {
	for next := w.ResponseWriter; ; {
		if found, ok := next.(T); ok {
			return found
		}
		wrapper, ok := next.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return found
		}
		next = wrapper.Unwrap()
	}
}

type errorFlusher interface{ FlushError() error }

type flusher struct{ of *responseWriter }

// FlushError is Flush for a http.ResponseController, which returns the error.
func (f flusher) FlushError() error {
	w := f.of
	if w.request.status.Load() == 0 {
		w.cleanHeader()
	}
	w.patience.start()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.patience.stop()
	if err == nil {
		w.request.answer(http.StatusOK)
	}
	return err
}

// Flush is for handlers that look for a http.Flusher.
func (f flusher) Flush() { _ = f.FlushError() }

type pusher struct{ http.Pusher }

type hijacker struct{ of *responseWriter }

// Hijack hands the connection over. The request then ends when the connection is closed, since its
// work continues until then, even if the handler returns before. The status written to the
// connection is unknown; it counts as 101.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w := h.of
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.request.hijacked.Store(true)
	w.request.answer(http.StatusSwitchingProtocols)
	conn, rw = hijacked(conn, rw, w.request)
	return conn, rw, nil
}
