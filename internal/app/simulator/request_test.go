package simulator_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
)

func names(headers []simulator.Header) (list []string) {
	for _, h := range headers {
		list = append(list, h.Name)
	}
	return list
}

func TestHeadersInTheOrderOfTheBrowser(t *testing.T) {
	r := simulator.Request{Host: simulator.WWW, UserAgent: "a", Accept: "*/*", AcceptLanguage: "en", AcceptEncoding: "gzip",
		Referer: "https://www.demo.test/", Cookie: "sid=1", FetchSite: "same-origin", FetchMode: "navigate", FetchDest: "document"}
	firefox := []string{"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Referer", "Cookie",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"}
	if got := names(r.AppendHeaders(nil)); !slices.Equal(got, firefox) {
		t.Errorf("without client hints: %v", got)
	}
	r.ClientHints = "x"
	chromium := []string{"Host", "Sec-CH-UA", "User-Agent", "Accept", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest",
		"Referer", "Accept-Encoding", "Accept-Language", "Cookie"}
	if got := names(r.AppendHeaders(nil)); !slices.Equal(got, chromium) {
		t.Errorf("with client hints: %v", got)
	}
}

func TestEmptyHeadersAreNotSent(t *testing.T) {
	r := simulator.Request{Host: simulator.WWW, Body: "a=b"}
	got := r.AppendHeaders([]simulator.Header{{Name: "X-First", Value: "kept"}})
	want := []simulator.Header{{Name: "X-First", Value: "kept"}, {Name: "Host", Value: simulator.WWW},
		{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	r.Body = `{"a":1}`
	if got := r.AppendHeaders(nil)[1].Value; got != "application/json" {
		t.Errorf("a JSON body is of type %q", got)
	}
}

// TestHeadersCanBeSent passes all headers of the first requests through the check of net/http
// before sending.
func TestHeadersCanBeSent(t *testing.T) {
	for _, r := range until(simulator.Config{Seed: 1}, 10*time.Second) {
		request, err := http.NewRequest(r.Method, "http://"+r.Host+r.Target, strings.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range r.AppendHeaders(nil) {
			if strings.ContainsAny(h.Value, "\r\n\x00") || request.Header.Get(h.Name) != "" {
				t.Errorf("%s: header %+v is invalid or comes twice", r.Kind, h)
			}
			request.Header.Set(h.Name, h.Value)
		}
		if request.URL.RequestURI() != r.Target {
			t.Errorf("%q is sent as %q", r.Target, request.URL.RequestURI())
		}
	}
}

// TestRefererKeepsTheOriginsPolicy checks the default of browsers: another host gets only the
// origin.
func TestRefererKeepsTheOriginsPolicy(t *testing.T) {
	across := 0
	for _, r := range until(simulator.Config{Seed: 1}, time.Minute) {
		origin, rest, _ := strings.Cut(strings.TrimPrefix(r.Referer, "https://"), "/")
		if r.Referer == "" || origin == r.Host {
			continue
		}
		across++
		if rest != "" {
			t.Errorf("%s%s was sent the referer %s", r.Host, r.Target, r.Referer)
		}
	}
	if across < 100 {
		t.Errorf("only %d requests with a referer of another host", across)
	}
}

func TestResponseOfConditionalRequest(t *testing.T) {
	r := simulator.Request{Client: netip.IPv6Loopback(), Host: simulator.WWW, Method: "GET", Target: "/"}
	if got := r.Response().Status; got != 200 {
		t.Errorf("status %d without If-None-Match", got)
	}
	r.IfNoneMatch = `"x"`
	if got := r.Response().Status; got != 304 {
		t.Errorf("status %d with If-None-Match", got)
	}
}
