package proxyhook_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// thresholds has each action for one of testModel's scores, from the mildest on.
var thresholds = proxyhook.Thresholds{TagBelow: 80, ChallengeBelow: 60, ThrottleBelow: 30, DenyBelow: 10}

func TestActionsThroughTheHandler(t *testing.T) {
	for tens, want := range []struct {
		action     proxyhook.Action
		status     int
		retryAfter string
	}{
		{proxyhook.Allow, 200, ""},
		{proxyhook.Tag, 200, ""},
		{proxyhook.Challenge, 403, ""},
		{proxyhook.Throttle, 429, "1"},
		{proxyhook.Deny, 403, ""},
	} {
		s := newSite(t, proxyhook.Config{Policy: thresholds}, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(proxyhook.ActionHeader) != want.action.String() {
				t.Errorf("the origin is told %v, expected %v", r.Header, want.action)
			}
		})
		response, _ := get(t, s.front.URL+"/?"+strings.Repeat("q", 10*tens))
		reason := ""
		if want.status != 200 {
			reason = "score"
		}
		if response.StatusCode != want.status || response.Header.Get("Retry-After") != want.retryAfter ||
			response.Header.Get(proxyhook.ReasonHeader) != reason {
			t.Errorf("%v: %v %v", want.action, response.Status, response.Header)
		}
		if let := s.hits.Load() == 1; let != (want.status == 200) {
			t.Errorf("%v: reached the origin: %v", want.action, let)
		}
		ev := ended(t, s.host, s.filter, 1)[0]
		if ev.Score != modelScore[tens] || ev.Action != uint8(want.action) || int(ev.Status) != want.status || ev.Refused {
			t.Errorf("%v: %+v", want.action, ev)
		}
	}
}

// Config.Origin is for a handler that does the work itself: it is admitted like a call of the
// transport.
func TestHandlerAdmits(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{})
	s := ownWork(t, limited(1), func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	})
	first := make(chan struct{})
	go func() { http.Get(s.front.URL); close(first) }()
	<-arrived
	response, _ := get(t, s.front.URL)
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "1" || response.Header.Get(proxyhook.ReasonHeader) != "origin_overloaded" {
		t.Errorf("%v %v", response.Status, response.Header)
	}
	close(release)
	<-first
	events := ended(t, s.host, s.filter, 2)
	if !events[0].Refused || events[0].Origin != "here" || events[1].Refused || events[1].Status != 200 {
		t.Errorf("%+v", events)
	}
	must(t, s.filter.SetThreshold("here", "127.0.0.1.:80", 0)) // the same host, written differently
	if response, _ := get(t, s.front.URL); response.StatusCode != 503 {
		t.Errorf("%v at a threshold of 0", response.Status)
	}
}

// What the filter says about a request is said by nobody else, and reaches the origin whatever the
// client asks of the proxy.
func TestForgedHeaders(t *testing.T) {
	var got http.Header
	s := newSite(t, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) { got = r.Header })
	r, _ := http.NewRequest("GET", s.front.URL, nil)
	r.Header = http.Header{
		"X-Headgate-Score":   {"99", "98"},
		"X-Headgate-Action":  {"allow"},
		"X-Headgate-Reason":  {"forged"},
		"X-Headgate-Future":  {"forged"},
		"X_headgate_Score":   {"99"},
		"x-headgate-verdict": {"forged"},
		"Connection":         {"X-Keep, X-Headgate-Score", "x-headgate-action"},
		"X-Keep":             {"dropped by the proxy"},
		"X-Other":            {"kept"},
	}
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	response.Body.Close()
	want := http.Header{"X-Headgate-Score": {strconv.Itoa(int(modelScore[0]))}, "X-Headgate-Action": {"allow"}, "X-Other": {"kept"}}
	for _, name := range []string{"User-Agent", "Accept-Encoding"} {
		want[name] = got[name]
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the origin got %v, expected %v", got, want)
	}
}

// The request that the handler was given belongs to those around it, who may be reading it.
func TestRequestIsNotChanged(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{})
	original := httptest.NewRequest("GET", "/", nil)
	original.Header = http.Header{"X-Headgate-Score": {"99"}, "Connection": {"X-Headgate-Score"}, "X-Two": make([]string, 1, 2)}
	before := original.Header.Clone()
	called := false
	f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = true
		if r.Header.Get("Connection") != "" || r.Header.Get(proxyhook.ScoreHeader) == "99" {
			t.Errorf("%v", r.Header)
		}
		r.Header.Add("X-Two", "more")
		d, ok := proxyhook.FromContext(r.Context())
		if !ok || d != (proxyhook.Decision{Action: proxyhook.Allow, Score: modelScore[0], Reason: proxyhook.Scored}) {
			t.Errorf("%+v, %v", d, ok)
		}
	})).ServeHTTP(httptest.NewRecorder(), original)
	if two := original.Header["X-Two"]; !called || !maps.EqualFunc(original.Header, before, slices.Equal) || two[:2][1] != "" {
		t.Errorf("called: %v; %v, expected %v", called, original.Header, before)
	}
	if _, ok := proxyhook.FromContext(context.Background()); ok {
		t.Error("a decision from nowhere")
	}
}

// What the event contains of the answer, for each way in which a handler can answer.
func TestAnswersOfHandlers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte(strings.Repeat("f", 100_000)), 0o600))
	for _, c := range []struct {
		what, method string
		handler      http.HandlerFunc
		status       uint16
		bytes        uint64
	}{
		{"nothing", "GET", func(http.ResponseWriter, *http.Request) {}, 200, 0},
		{"a status", "GET", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, 0},
		{"two statuses", "GET", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); w.WriteHeader(200) }, 404, 0},
		{"an early hint", "GET", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404, 0},
		{"a string", "GET", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "abc") }, 200, 3},
		{"an answer to HEAD", "HEAD", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "abc") }, 200, 0},
		{"a flush, then a panic", "GET", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, 200, 0},
		{"a flush by the controller", "GET", func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler)
		}, 200, 0},
		{"a deadline by the controller", "GET", func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
		}, 200, 0},
		{"a file", "GET", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }, 200, 100_000},
		{"a copy", "GET", func(w http.ResponseWriter, r *http.Request) {
			w.(io.ReaderFrom).ReadFrom(io.LimitReader(neverEnding{}, 5000))
		}, 200, 5000},
	} {
		s := ownWork(t, limited(10), c.handler)
		r, _ := http.NewRequest(c.method, s.front.URL, nil)
		if response, err := http.DefaultClient.Do(r); err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		if ev := ended(t, s.host, s.filter, 1)[0]; ev.Status != c.status || ev.Bytes != c.bytes || ev.Method != c.method {
			t.Errorf("%s: %+v", c.what, ev)
		}
	}
}

// A writer below that cannot flush or hijack is reported as such.
func TestWriterWithoutAbilities(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := c.Flush(); err == nil {
			t.Error("flushed")
		}
		if _, _, err := c.Hijack(); err == nil {
			t.Error("hijacked")
		}
		w.WriteHeader(404)
	})).ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	if ev := ended(t, h, f, 1)[0]; ev.Status != 404 {
		t.Errorf("%+v", ev)
	}
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

// The facts of a request, as the filter sees them.
func TestDescribe(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{SessionCookie: "sid"})
	describe := func(change func(*http.Request)) (ev struct {
		host, path, facts string
		sum, session      uint64
		headers           uint8
		version           uint8
	}) {
		r := httptest.NewRequest("GET", "http://Shop.Example.com:8080/a%2Fb?q=1", nil)
		change(r)
		var e eventOf
		proxyhook.Describe(f, &e, r)
		ev.host, ev.path, ev.facts = e.Host, e.Path, factNames(e.Facts)
		ev.sum, ev.session, ev.headers, ev.version = e.PathSum, e.Session, e.Headers, e.Version
		return ev
	}
	plain := describe(func(*http.Request) {})
	if plain.host != "shop.example.com" || plain.path != "/a%2Fb" || plain.facts != "" || plain.session != 0 || plain.version != 11 {
		t.Errorf("%+v", plain)
	}
	browser := describe(func(r *http.Request) {
		r.Header = http.Header{
			"Accept-Language": {"en"}, "Accept-Encoding": {"br"}, "Cookie": {"sid=abc"}, "Sec-Fetch-Mode": {"navigate"},
			"X-Requested-With": {"XMLHttpRequest"}, "Referer": {"https://SHOP.example.com/"},
		}
		r.ProtoMajor, r.ProtoMinor = 2, 0
	})
	if browser.facts != "language encoding cookie fetch xhr referer same" || browser.session == 0 || browser.headers != 6 || browser.version != 20 {
		t.Errorf("%+v", browser)
	}
	other := describe(func(r *http.Request) {
		r.Header = http.Header{"Cookie": {"sid=abd"}, "Referer": {"https://elsewhere/"}}
	})
	if other.facts != "cookie referer" || other.session == 0 || other.session == browser.session {
		t.Errorf("%+v", other)
	}
	nameless := describe(func(r *http.Request) { r.Host, r.Header = "", http.Header{"Referer": {"nonsense"}} })
	if nameless.host != "" || nameless.facts != "referer" {
		t.Errorf("%+v", nameless)
	}
	long := describe(func(r *http.Request) { r.RequestURI = "/" + strings.Repeat("p", 5000) })
	if len(long.path) != 256 || long.sum == 0 {
		t.Errorf("%+v", long)
	}
}

// What a trusted proxy on the way added is not the client's: the count of header fields leaves it
// out.
func TestForwardingHeadersOfTrustedProxiesAreNotCounted(t *testing.T) {
	for _, c := range []struct {
		peer string
		want uint8
	}{{"127.0.0.1:1", 2}, {"192.0.2.1:1", 4}} {
		var got uint8
		f, err := proxyhook.New(proxyhook.Config{
			Dir:            t.TempDir(),
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Policy: judge(func(ev *traffic.Event, _ uint8) proxyhook.Action {
				got = ev.Headers
				return proxyhook.Allow
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, name := range []string{"Accept", "User-Agent", "X-Forwarded-For", "Via"} {
			r.Header.Set(name, "x")
		}
		f.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if got != c.want {
			t.Errorf("from %s: %d header fields, want %d", c.peer, got, c.want)
		}
	}
}
