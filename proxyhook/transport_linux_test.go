package proxyhook_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// A handler that calls an origin and forgets the body.
func TestBodyIsNeverClosed(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<16)) })
	transport := s.filter.Transport(nil)
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, _ := http.NewRequestWithContext(r.Context(), "GET", s.origin.URL, nil)
		if _, err := transport.RoundTrip(out); err != nil {
			t.Error(err)
		}
		if n := s.filter.Stats().InFlight; n != 1 {
			t.Errorf("%d in flight during the call", n)
		}
	}))
	get(t, s.front.URL)
	s.end(t, 200, 0)
}

// The body's Close and the request's end may come at the same moment.
func TestBodyIsClosedWhileTheRequestEnds(t *testing.T) {
	const n = 500
	f := newHost(t).filter(limited(10))
	transport := f.Transport(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	var closing atomic.Int32
	bodies := make(chan io.Closer)
	var closer sync.WaitGroup
	closer.Go(func() {
		for body := range bodies {
			closing.Add(1)
			body.Close()
		}
	})
	h := f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := transport.RoundTrip(httptest.NewRequest("GET", "http://origin/", nil).WithContext(r.Context()))
		if err != nil {
			t.Error(err)
			return
		}
		before := closing.Load()
		bodies <- response.Body
		for closing.Load() == before { // so that both are at the same place
		}
	}))
	r := httptest.NewRequest("GET", "/", nil)
	for range n {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	close(bodies)
	closer.Wait()
	if s := f.Stats(); s.Admitted != n || s.InFlight != 0 || s.DoubleDone != 0 || s.Events+s.Dropped != n {
		t.Errorf("%+v", s)
	}
}

// The same without anything around it, so that the two come closer together.
func TestTicketIsReleasedTwiceAtOnce(t *testing.T) {
	n := 50_000
	if testing.Short() { // where two goroutines do not run at a time, each round waits for the scheduler
		n = 5000
	}
	f := newHost(t).filter(limited(10))
	releases := make([]func(), n)
	var reached [2]atomic.Int32
	together := func(me int) {
		for i := range int32(n) {
			if me == 0 {
				releases[i] = proxyhook.AdmitForRelease(f)
			}
			reached[me].Store(i + 1)
			for spins := 1; reached[1-me].Load() <= i; spins++ {
				if spins%1000 == 0 {
					runtime.Gosched()
				}
			}
			releases[i]()
		}
	}
	var other sync.WaitGroup
	other.Go(func() { together(1) })
	together(0)
	other.Wait()
	if s := f.Stats(); s.Admitted != uint64(n) || s.InFlight != 0 || s.DoubleDone != 0 {
		t.Errorf("%+v", s)
	}
}

// A handler that calls origins all day keeps no more than what is open.
func TestManyCallsOfOneRequest(t *testing.T) {
	f := newHost(t).filter(limited(10))
	transport := f.Transport(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 1000 {
			response, err := transport.RoundTrip(httptest.NewRequest("GET", "http://origin/", nil).WithContext(r.Context()))
			must(t, err)
			response.Body.Close()
			if n := proxyhook.KeptTickets(r.Context()); n > 1 {
				t.Fatalf("%d tickets are kept", n)
			}
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if s := f.Stats(); s.Admitted != 1000 || s.InFlight != 0 || s.DoubleDone != 0 {
		t.Errorf("%+v", s)
	}
}

// A call that outlives its request has a ticket of its own.
func TestCallAfterTheEnd(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "late") })
	transport := s.filter.Transport(nil)
	contexts := make(chan context.Context, 1)
	s.front.Config.Handler = s.filter.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contexts <- context.WithoutCancel(r.Context())
	}))
	get(t, s.front.URL)
	ctx := <-contexts
	await(t, "the event", func() bool { return s.filter.Stats().Events == 1 })
	out, _ := http.NewRequestWithContext(ctx, "GET", s.origin.URL, nil)
	response, err := transport.RoundTrip(out)
	must(t, err)
	if n := s.filter.Stats().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	response.Body.Close()
	ended(t, s.host, s.filter, 1)
}

// roundTripper is a function that is a http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A retry goes through the filter's transport once for each origin that is tried. The event has the
// last one.
func TestRetryAtAnotherOrigin(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "second") })
	dead := httptest.NewServer(nil)
	dead.Close()
	guarded := s.filter.Transport(nil)
	s.proxy.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		first := r.Clone(r.Context())
		first.URL.Host = dead.Listener.Addr().String()
		if _, err := guarded.RoundTrip(first); err == nil {
			t.Error("the dead origin answered")
		}
		return guarded.RoundTrip(r)
	})
	if _, body := get(t, s.front.URL); body != "second" {
		t.Errorf("%q", body)
	}
	s.end(t, 200, 6)
	if n := s.filter.Stats().Admitted; n != 2 {
		t.Errorf("%d admitted, expected 2", n)
	}
}

// A panic and a broken promise of the transport below, and one that belongs to another filter than
// the handler.
func TestTransportsThatMisbehave(t *testing.T) {
	s := newSite(t, limited(10), nil)
	s.origin = nil
	s.proxy.Transport = s.filter.Transport(roundTripper(func(*http.Request) (*http.Response, error) { panic(http.ErrAbortHandler) }))
	http.Get(s.front.URL)
	ended(t, s.host, s.filter, 1)

	alone := newHost(t).filter(limited(10))
	r := httptest.NewRequest("GET", "http://origin/", nil)
	response, err := alone.Transport(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204}, nil
	})).RoundTrip(r)
	if err != nil || response.StatusCode != 204 || alone.Stats().InFlight != 0 || alone.Stats().Admitted != 1 {
		t.Errorf("%v, %v; %+v", response, err, alone.Stats())
	}
}

func TestTransportOfAnotherFilter(t *testing.T) {
	inner := newHost(t).filter(limited(10))
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	s.proxy.Transport = inner.Transport(nil)
	get(t, s.front.URL)
	ended(t, s.host, s.filter, 1)
	if a, b := s.filter.Stats().Admitted, inner.Stats(); a != 0 || b.Admitted != 1 || b.InFlight != 0 {
		t.Errorf("%d admitted by the handler's filter; %+v", a, b)
	}
}

func TestTransportWithoutHandler(t *testing.T) {
	h := newHost(t)
	f := h.filter(limited(1))
	origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	client := &http.Client{Transport: f.Transport(nil)}
	first, err := client.Get(origin.URL)
	must(t, err)
	second, err := client.Get(origin.URL)
	must(t, err)
	if second.StatusCode != 503 || f.Stats().InFlight != 1 {
		t.Errorf("%v; %+v", second.Status, f.Stats())
	}
	second.Body.Close()
	if body, err := io.ReadAll(first.Body); string(body) != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if n := f.Stats().InFlight; n != 0 { // the end of the body is the end of the origin's work
		t.Errorf("%d in flight after the end of the body", n)
	}
	first.Body.Close()
	if s := f.Stats(); s.InFlight != 0 || s.DoubleDone != 0 || s.Events != 0 || s.Decisions != 0 {
		t.Errorf("%+v", s)
	}
}

// closeRecorder is a request body that knows whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

func TestOverloadedOrigin(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{})
	config := limited(1)
	config.Limits.RetryAfter = 1500 * time.Millisecond
	s := newSite(t, config, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
	})
	var first sync.WaitGroup
	first.Go(func() { http.Get(s.front.URL) })
	<-arrived
	response, body := get(t, s.front.URL)
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "2" || body != "Service Unavailable\n" ||
		response.Header.Get(proxyhook.ReasonHeader) != "origin_overloaded" {
		t.Errorf("%v %v %q", response.Status, response.Header, body)
	}
	if n := s.hits.Load(); n != 1 {
		t.Errorf("%d requests reached the origin", n)
	}
	refused := s.events()
	if len(refused) != 1 || !refused[0].Refused || refused[0].Status != 503 || refused[0].Origin != s.origin.Listener.Addr().String() {
		t.Errorf("%+v", refused)
	}
	upload := &closeRecorder{Reader: strings.NewReader("upload")}
	r, _ := http.NewRequest("POST", s.origin.URL, upload)
	r.Host = "127.0.0.1"
	if again, err := s.filter.Transport(nil).RoundTrip(r); err != nil || again.StatusCode != 503 || !upload.closed {
		t.Errorf("%v, %v; upload closed: %v", again, err, upload.closed)
	}
	close(release)
	first.Wait()
	await(t, "the first request", func() bool { return s.filter.Stats().InFlight == 0 })
	if st := s.filter.Stats(); st.Admitted != 1 || st.Refused != 2 || st.DoubleDone != 0 || st.Events != 2 {
		t.Errorf("%+v", st)
	}
}
