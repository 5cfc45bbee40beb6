package proxyhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/headgate/headgate/proxyhook"
)

// The writers below, each with some of the interfaces that handlers look for.
type plainWriter struct{ http.ResponseWriter }

type canFlush struct{ flushed *bool }

func (f canFlush) Flush() { *f.flushed = true }

type canHijack struct{}

func (canHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrHijacked }

type canPush struct{ pushed *string }

func (p canPush) Push(target string, _ *http.PushOptions) error { *p.pushed = target; return nil }

type canTakeStrings struct{ taken *string }

func (s canTakeStrings) WriteString(text string) (int, error) { *s.taken = text; return len(text), nil }

// unwrapped is a middleware that can do nothing but lead to the writer below.
type unwrapped struct{ http.ResponseWriter }

func (u unwrapped) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// What a handler can do with its writer is what the writer below can: no less, and no more.
func TestWritersKeepTheirAbilities(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{})
	var flushed bool
	var pushed, taken string
	plain, fl, hi, pu := plainWriter{httptest.NewRecorder()}, canFlush{&flushed}, canHijack{}, canPush{&pushed}
	for _, below := range []http.ResponseWriter{
		plain,
		struct {
			plainWriter
			canFlush
		}{plain, fl},
		struct {
			plainWriter
			canHijack
		}{plain, hi},
		struct {
			plainWriter
			canPush
		}{plain, pu},
		struct {
			plainWriter
			canFlush
			canHijack
		}{plain, fl, hi},
		struct {
			plainWriter
			canFlush
			canPush
		}{plain, fl, pu},
		struct {
			plainWriter
			canHijack
			canPush
		}{plain, hi, pu},
		struct {
			plainWriter
			canFlush
			canHijack
			canPush
			canTakeStrings
		}{plain, fl, hi, pu, canTakeStrings{&taken}},
	} {
		_, canFlush := below.(http.Flusher)
		_, canHijack := below.(http.Hijacker)
		_, canPush := below.(http.Pusher)
		flushed, pushed = false, ""
		check := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			flusher, flushes := w.(http.Flusher)
			hijacker, hijacks := w.(http.Hijacker)
			pusher, pushes := w.(http.Pusher)
			if flushes != canFlush || hijacks != canHijack || pushes != canPush {
				t.Errorf("%T: flushes %v, hijacks %v, pushes %v", below, flushes, hijacks, pushes)
			}
			if flushes {
				flusher.Flush()
			}
			if _, _, err := http.NewResponseController(w).Hijack(); canHijack && err != http.ErrHijacked || !canHijack && err == nil {
				t.Errorf("%T: %v", below, err)
			}
			if hijacks {
				if _, _, err := hijacker.Hijack(); err != http.ErrHijacked {
					t.Errorf("%T: %v", below, err)
				}
			}
			if pushes && (pusher.Push("/style.css", nil) != nil || pushed != "/style.css") {
				t.Errorf("%T: pushed %q", below, pushed)
			}
			w.(io.StringWriter).WriteString("text")
		})
		f.Handler(check).ServeHTTP(below, httptest.NewRequest("GET", "/", nil))
		f.Handler(check).ServeHTTP(unwrapped{below}, httptest.NewRequest("GET", "/", nil))
		if flushed != canFlush {
			t.Errorf("%T: flushed %v", below, flushed)
		}
	}
	if taken != "text" {
		t.Errorf("the writer below got the string %q", taken)
	}
}

// An HTTP/2 connection cannot be hijacked, and pushes; one of HTTP/1 is the other way round.
func TestAbilitiesByVersion(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{})
	type abilities struct{ flushes, hijacks, pushes bool }
	got := make(chan abilities, 1)
	work := f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a abilities
		_, a.flushes = w.(http.Flusher)
		_, a.hijacks = w.(http.Hijacker)
		_, a.pushes = w.(http.Pusher)
		got <- a
	}))
	for server, want := range map[*httptest.Server]abilities{
		serve(t, work):      {flushes: true, hijacks: true},
		serveHTTP2(t, work): {flushes: true, pushes: true},
	} {
		response, err := server.Client().Get(server.URL)
		must(t, err)
		response.Body.Close()
		if a := <-got; a != want {
			t.Errorf("%s: %+v, expected %+v", response.Proto, a, want)
		}
	}
}

// A filter that is put around twice decides, reports and admits once.
func TestHandlerInAHandlerDecidesOnce(t *testing.T) {
	s := newSite(t, limited(1), func(http.ResponseWriter, *http.Request) {})
	s.proxy.Transport = s.filter.Transport(s.filter.Transport(nil))
	front := serve(t, s.filter.Handler(http.StripPrefix("/twice", s.filter.Handler(s.proxy))))
	if response, _ := get(t, front.URL+"/twice/path"); response.StatusCode != 200 {
		t.Error(response.Status)
	}
	if ev := s.end(t, 200, 0); ev.Path != "/twice/path" {
		t.Errorf("%+v", ev)
	}
	if st := s.filter.Stats(); st.Admitted != 1 {
		t.Errorf("%+v", st)
	}
}

// Two filters around one handler decide each for itself, whichever is the outer one.
func TestTwoFilters(t *testing.T) {
	s := newSite(t, limited(10), func(http.ResponseWriter, *http.Request) {})
	h := newHost(t)
	other := h.filter(proxyhook.Config{})
	get(t, serve(t, s.filter.Handler(other.Handler(s.filter.Handler(s.proxy)))).URL)
	s.end(t, 200, 0)
	ended(t, h, other, 1)
}
