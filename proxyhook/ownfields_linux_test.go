package proxyhook_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/proxyhook"
)

// ownNames returns the names in h that an origin like CGI's could read as the filter's.
func ownNames(h http.Header) (names []string) {
	for name := range h {
		folded := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
				return r
			}
			return '_'
		}, strings.ToLower(name))
		if strings.HasPrefix(folded, "x_headgate_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A gateway to CGI, WSGI or PHP makes one character of everything that is neither letter nor digit.
func TestSpellingsThatAnOriginMayFoldAreStripped(t *testing.T) {
	var got http.Header
	s := newSite(t, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) { got = r.Header })
	names := []string{"X-Headgate-Score"}
	for _, c := range "!#$%&'*+.^_`|~" {
		names = append(names, fmt.Sprintf("X%cHeadgate%cScore", c, c), fmt.Sprintf("x-headgate%caction", c), fmt.Sprintf("X%cHEADGATE-Reason", c))
	}
	conn, err := net.Dial("tcp", s.front.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX.Headgated: kept\r\nXHeadgateScore: kept\r\nX1Headgate-Score: kept\r\n")
	for _, name := range names {
		fmt.Fprintf(conn, "%s: 99\r\n", name)
	}
	io.WriteString(conn, "\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
	if own := ownNames(got); !slices.Equal(own, []string{"X-Headgate-Action", "X-Headgate-Score"}) || got.Get("X-Headgate-Score") == "99" {
		t.Errorf("the origin got %q: %v", own, got)
	}
	for _, name := range []string{"X.headgated", "Xheadgatescore", "X1headgate-Score"} {
		if got.Get(name) == "" {
			t.Errorf("%s is gone: %v", name, got)
		}
	}
}

// keepTrailers makes the proxy pass the trailers of requests on.
func keepTrailers(p *httputil.ReverseProxy) {
	rewrite := p.Rewrite
	p.Rewrite = func(r *httputil.ProxyRequest) {
		rewrite(r)
		r.Out.Trailer = r.In.Trailer
	}
}

func TestForgedTrailersOfRequests(t *testing.T) {
	trailers := make(chan http.Header, 1)
	s := newSite(t, proxyhook.Config{}, func(w http.ResponseWriter, r *http.Request) {
		announced := slices.Collect(maps.Keys(r.Trailer))
		io.Copy(io.Discard, r.Body)
		if len(announced) != 1 || announced[0] != "X-Fine" {
			t.Errorf("announced: %q", announced)
		}
		trailers <- r.Trailer
	})
	keepTrailers(s.proxy)
	want := http.Header{"X-Fine": {"kept"}}
	check := func(how string) {
		t.Helper()
		if got := <-trailers; !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: the origin got %v", how, got)
		}
	}

	for how, announced := range map[string]string{
		"announced":     "X-Fine, X-Headgate-Score, x.headgate.action",
		"not announced": "X-Fine",
	} {
		conn, err := net.Dial("tcp", s.front.Listener.Addr().String())
		must(t, err)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: %s\r\n\r\n3\r\nabc\r\n0\r\n"+
			"X-Headgate-Score: 99\r\nX.Headgate.Action: allow\r\nX-Fine: kept\r\n\r\n", announced)
		_, err = http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		conn.Close()
		check(how)
	}

	front := serveHTTP2(t, s.filter.Handler(s.proxy))
	r, _ := http.NewRequest("POST", front.URL, struct{ io.Reader }{strings.NewReader("abc")})
	r.Trailer = http.Header{"X-Headgate-Score": {"99"}, "X-Headgate-Action": {"allow"}, "X-Fine": {"kept"}}
	response, err := front.Client().Do(r)
	must(t, err)
	response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Error(response.Proto)
	}
	check("HTTP/2")
}

// serveHTTP2 runs a handler on the loopback interface, behind TLS.
func serveHTTP2(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// forging is an origin that says in the filter's name what it likes, in every place that it can.
func forging(w http.ResponseWriter, r *http.Request) {
	forge := func(prefix string) {
		for _, name := range []string{"X-Headgate-Reason", "X-Headgate-Score", "X_Headgate_Reason"} {
			w.Header()[prefix+name] = []string{"score"}
		}
		w.Header().Set(prefix+"X-Fine", "kept")
	}
	forge("")
	w.WriteHeader(http.StatusEarlyHints)
	w.Header().Set("Trailer", "X-Headgate-Reason, X-Announced")
	if r.URL.Path == "/unannounced" {
		w.Header().Del("Trailer")
	}
	if r.URL.Path == "/empty" {
		w.Header().Set("Content-Length", "0")
		return
	}
	io.WriteString(w, "body")
	w.(http.Flusher).Flush()
	forge(http.TrailerPrefix)
	w.Header().Set("X-Announced", "kept")
}

func TestOriginsDoNotSpeakForTheFilter(t *testing.T) {
	origins := map[string]*httptest.Server{"HTTP/1": serve(t, http.HandlerFunc(forging)), "HTTP/2": serveHTTP2(t, http.HandlerFunc(forging))}
	for version, origin := range origins {
		target, err := url.Parse(origin.URL)
		must(t, err)
		proxy := func(transport http.RoundTripper) http.Handler {
			return &httputil.ReverseProxy{Transport: transport, ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
		}
		below := origin.Client().Transport
		f := newHost(t).filter(limited(10))
		for how, handler := range map[string]http.Handler{
			"handler and transport": f.Handler(proxy(f.Transport(below))),
			"handler only":          f.Handler(proxy(below)),
			"transport only":        proxy(f.Transport(below)),
		} {
			for front, server := range map[string]*httptest.Server{"HTTP/1": serve(t, handler), "HTTP/2": serveHTTP2(t, handler)} {
				for _, path := range []string{"/", "/unannounced", "/empty"} {
					checkNothingForged(t, fmt.Sprintf("origin %s, %s, %s, %s", version, how, front, path), server, path)
				}
			}
		}
	}
}

// checkNothingForged fetches a path, and looks for the filter's fields in all that came of it.
func checkNothingForged(t *testing.T, what string, server *httptest.Server, path string) {
	t.Helper()
	hints := 0
	r, _ := http.NewRequest("GET", server.URL+path, nil)
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints++
		if own := ownNames(http.Header(h)); own != nil || h.Get("X-Fine") != "kept" {
			t.Errorf("%s: an early hint with %q: %v", what, own, h)
		}
		return nil
	}}))
	response, err := server.Client().Do(r)
	must(t, err)
	defer response.Body.Close()
	announced := ownNames(response.Trailer)
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if own := ownNames(response.Header); own != nil || response.Header.Get("X-Fine") != "kept" || response.StatusCode != 200 || hints != 1 {
		t.Errorf("%s: %d hints, then %s with %q: %v", what, hints, response.Status, own, response.Header)
	}
	if own := ownNames(response.Trailer); own != nil || announced != nil {
		t.Errorf("%s: trailers %q, announced %q: %v", what, own, announced, response.Trailer)
	}
	if path == "/" && (string(body) != "body" || response.Trailer.Get("X-Announced") != "kept") {
		t.Errorf("%s: %q, trailers %v", what, body, response.Trailer)
	}
}

// What the filter itself says of a refusal does reach the client, also through another filter's
// handler.
func TestReasonsOfRefusalsReachTheClient(t *testing.T) {
	s := newSite(t, limited(10), func(w http.ResponseWriter, r *http.Request) {})
	must(t, s.filter.SetThreshold(s.origin.Listener.Addr().String(), "127.0.0.1", 0))
	outer := newHost(t).filter(proxyhook.Config{})
	for what, url := range map[string]string{
		"one filter": s.front.URL,
		"two":        serve(t, outer.Handler(s.filter.Handler(s.proxy))).URL,
	} {
		if response, _ := get(t, url); response.StatusCode != 503 || response.Header.Get(proxyhook.ReasonHeader) != "origin_overloaded" {
			t.Errorf("%s: %s, %v", what, response.Status, response.Header)
		}
	}
}
