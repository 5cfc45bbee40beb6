package proxyhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// However a request ends, its ticket is released exactly once and one event reports it. The endings
// are those that httputil.ReverseProxy and net/http have.

// limited is a configuration whose limiter has something to release.
func limited(n uint32) proxyhook.Config {
	return proxyhook.Config{Limits: limits.LimiterConfig{Threshold: n}}
}

var quiet = log.New(io.Discard, "", 0)

// site is an origin behind a proxy with a filter.
type site struct {
	*host
	filter *proxyhook.Filter
	origin *httptest.Server
	proxy  *httputil.ReverseProxy
	front  *httptest.Server
	client *http.Client // of the front
	hits   atomic.Int32 // requests that reached the origin
}

func newSite(t *testing.T, config proxyhook.Config, origin http.HandlerFunc) *site {
	t.Helper()
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.serve(origin)
	return s
}

// serve starts the origin, the proxy and the front.
func (s *site) serve(origin http.HandlerFunc) {
	t := s.t
	t.Helper()
	s.origin = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		origin(w, r)
	}))
	target, err := url.Parse(s.origin.URL)
	must(t, err)
	s.proxy = reverseProxy(target, s.filter.Transport(nil))
	s.front, s.client = serve(t, s.filter.Handler(s.proxy)), http.DefaultClient
}

func reverseProxy(target *url.URL, over http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: over,
		ErrorLog:  quiet,
	}
}

// serve runs a handler on the loopback interface.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// ended waits for the end of n requests, checks that nothing is held and nothing was released
// twice, and returns their events.
func ended(t *testing.T, h *host, f *proxyhook.Filter, n int) []traffic.Event {
	t.Helper()
	await(t, "the end of the requests", func() bool { s := f.Stats(); return s.Events >= uint64(n) && s.InFlight == 0 })
	events, s := h.events(), f.Stats()
	if len(events) != n || s.Events != uint64(n) || s.Dropped != 0 || s.InFlight != 0 || s.DoubleDone != 0 || s.Decisions != uint64(n) {
		t.Errorf("%d events, expected %d; %+v", len(events), n, s)
	}
	return events
}

// end is ended for one request, whose event it checks.
func (s *site) end(t *testing.T, status uint16, bytes uint64) traffic.Event {
	t.Helper()
	events := ended(t, s.host, s.filter, 1)
	if len(events) != 1 {
		t.FailNow()
	}
	ev := events[0]
	if ev.Status != status || ev.Bytes != bytes || ev.Duration == 0 || ev.Score != modelScore[0] || ev.Refused {
		t.Errorf("status %d, %d bytes expected: %+v", status, bytes, ev)
	}
	if s.origin != nil && ev.Origin != s.origin.Listener.Addr().String() {
		t.Errorf("origin %q, expected %q", ev.Origin, s.origin.Listener.Addr())
	}
	return ev
}

// get fetches a URL and its body.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	must(t, err)
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func TestAnsweredRequest(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	if _, body := get(t, s.front.URL+"/a/b?x"); body != "hello" {
		t.Errorf("body %q", body)
	}
	ev := s.end(t, 200, 5)
	if ev.Method != "GET" || ev.Path != "/a/b" || ev.Query != 1 || ev.Version != 11 || ev.Host != "127.0.0.1" ||
		ev.Addr().String() != "127.0.0.1" || !strings.HasPrefix(ev.UserAgent, "Go-http-client") || ev.JA4 != "" {
		t.Errorf("%+v", ev)
	}
}

func TestModifyResponseFails(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	s.proxy.ModifyResponse = func(*http.Response) error { return errors.New("not this one") }
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

// The proxy notices by a failed write, and panics with http.ErrAbortHandler.
func TestClientLeavesAnEventStream(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	response, err := http.Get(s.front.URL)
	must(t, err)
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if s.filter.Stats().InFlight != 1 || len(s.events()) != 0 {
		t.Error("the stream is open, its ticket or its event is not")
	}
	response.Body.Close()
	s.end(t, 200, 9)
}

func TestClientLeavesBeforeTheHeaders(t *testing.T) {
	arrived := make(chan struct{})
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		<-arrived
		leave()
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", s.front.URL, nil)
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	s.end(t, 502, 0)
}

func TestOriginAbortsItsBody(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "0123456789")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if response, err := http.Get(s.front.URL); err == nil {
		if _, err = io.Copy(io.Discard, response.Body); err == nil {
			t.Error("the client was told that the body is complete")
		}
	}
	s.end(t, 200, 10)
}

func TestOriginRefusesTheConnection(t *testing.T) {
	s := newSite(t, limited(10), nil)
	s.origin.Close()
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

func TestOriginPanics(t *testing.T) {
	s := newSite(t, limited(10), func(http.ResponseWriter, *http.Request) { panic("origin") })
	get(t, s.front.URL)
	s.end(t, 502, 0)
}

// ownWork is a site without a proxy: the handler itself does the work of "here".
func ownWork(t *testing.T, config proxyhook.Config, work http.HandlerFunc) *site {
	t.Helper()
	config.Origin = func(*http.Request) string { return "here" }
	s := &site{host: newHost(t)}
	s.filter = s.host.filter(config)
	s.front = serve(t, s.filter.Handler(work))
	return s
}

func TestHandlerPanics(t *testing.T) {
	s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) { panic("handler") })
	if response, err := http.Get(s.front.URL); err == nil {
		t.Errorf("%v", response)
	}
	s.end(t, 0, 0) // nothing was sent
}

func TestHandlerPanicsInTheMiddle(t *testing.T) {
	s := ownWork(t, limited(10), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		io.WriteString(w, "abc")
		panic(http.ErrAbortHandler)
	})
	if response, err := http.Get(s.front.URL); err == nil {
		t.Errorf("%v", response)
	}
	s.end(t, 201, 3)
}

// http.TimeoutHandler answers in the place of a handler that still works; the ticket stays with the
// work.
func TestTimeoutHandlerOutside(t *testing.T) {
	release := make(chan struct{})
	h := newHost(t)
	config := limited(10)
	config.Origin = func(*http.Request) string { return "here" }
	f := h.filter(config)
	work := f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	front := serve(t, http.TimeoutHandler(work, time.Millisecond, "late"))
	if response, body := get(t, front.URL); response.StatusCode != 503 || body != "late" {
		t.Errorf("%v %q", response.Status, body)
	}
	await(t, "the ticket of the work", func() bool { return f.Stats().InFlight == 1 }) // which may begin after the answer
	close(release)
	ended(t, h, f, 1)
}

// Whatever a site has to bear, all at once.
func TestManyEndingsTogether(t *testing.T) {
	const clients, each = 8, 40
	s := newSite(t, limited(4), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "some")
		switch r.URL.Path {
		case "/abort":
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/stream":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	paths := []string{"/", "/abort", "/stream", "/leave"}
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				ctx, cancel := context.WithCancel(context.Background())
				path := paths[(c+i)%len(paths)]
				if path == "/leave" {
					time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel)
				}
				r, _ := http.NewRequestWithContext(ctx, "GET", s.front.URL+path, nil)
				if response, err := http.DefaultClient.Do(r); err == nil {
					if path == "/stream" {
						io.ReadFull(response.Body, make([]byte, 4))
					} else {
						io.Copy(io.Discard, response.Body)
					}
					response.Body.Close()
				}
				cancel()
			}
		})
	}
	group.Wait()
	await(t, "the end of all requests", func() bool {
		st := s.filter.Stats()
		return st.InFlight == 0 && st.Events == st.Decisions
	})
	st := s.filter.Stats()
	if n := len(s.events()); uint64(n) != st.Decisions || st.DoubleDone != 0 || st.Dropped != 0 {
		t.Errorf("%d events; %+v", n, st)
	}
	if all := st.Admitted + st.Refused; all > st.Decisions || all == 0 {
		t.Errorf("%d calls of %d requests", all, st.Decisions)
	}
}
