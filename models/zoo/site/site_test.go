package site_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/headgate/headgate/models/zoo/site"
)

func ask(t *testing.T, h http.Handler, u *url.URL, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest("GET", u.String(), nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

var linked = regexp.MustCompile(`(?:href|src)="([^"]+)"`)

// Everything that a site names, and everything that its pages link to, is there, on hosts of its
// own.
func TestSitesAreWhole(t *testing.T) {
	sites := site.All()
	if len(sites) < 8 {
		t.Fatalf("%d kinds of sites, want at least 8", len(sites))
	}
	h := site.Handler(sites)
	seen := make(map[string]bool)
	for _, s := range sites {
		if seen[s.Kind] || len(s.Pages) < 5 {
			t.Errorf("%s: there are two, or it has only %d pages", s.Kind, len(s.Pages))
		}
		seen[s.Kind] = true
		base := &url.URL{Scheme: "https", Host: s.Host, Path: "/"}
		paths := append(append([]string{"/", "/robots.txt", "/favicon.ico"}, s.Pages[:min(12, len(s.Pages))]...), s.Files...)
		for _, optional := range []string{s.Feed, s.Login.Path} {
			if optional != "" {
				paths = append(paths, optional)
			}
		}
		if s.Search != "" {
			paths = append(paths, s.Search+"lamp")
		}
		checked := make(map[string]bool)
		for _, path := range paths {
			u, err := base.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			response, body := ask(t, h, u)
			if response.StatusCode != http.StatusOK && !strings.HasPrefix(path, "/account/") { // which asks for a login
				t.Errorf("%s: %s: %s", s.Kind, path, response.Status)
			}
			if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
				continue
			}
			for _, match := range linked.FindAllStringSubmatch(body, -1) {
				target, err := u.Parse(strings.ReplaceAll(match[1], "&amp;", "&"))
				if err != nil || target.Scheme != "https" || checked[target.String()] || len(checked) > 60 {
					continue
				}
				checked[target.String()] = true
				if response, _ := ask(t, h, target); response.StatusCode >= 400 && !strings.Contains(target.Path, "/account") {
					t.Errorf("%s: %s links to %s: %s", s.Kind, path, target, response.Status)
				}
			}
		}
	}
}

// A file may be asked for in part, and conditionally; what a scanner asks for is not there; a wrong
// password fails.
func TestSitesAnswerAsServersDo(t *testing.T) {
	h := site.Handler(site.All())
	file := &url.URL{Scheme: "https", Host: "dl.opentools.test", Path: "/files/opentools-1.1.tar.gz"}
	if response, body := ask(t, h, file, "Range", "bytes=10-19"); response.StatusCode != http.StatusPartialContent || len(body) != 10 {
		t.Errorf("ten bytes: %s, %d bytes", response.Status, len(body))
	}
	whole, _ := ask(t, h, file)
	if response, _ := ask(t, h, file, "If-None-Match", whole.Header.Get("ETag")); response.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %s", response.Status)
	}
	for _, path := range []string{"/.env", "/wp-login.php", "/backup.zip", "/.git/config", "/admin.js"} {
		if response, _ := ask(t, h, &url.URL{Scheme: "https", Host: "www.kitchenware.test", Path: path}); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	r := httptest.NewRequest("POST", "https://my.cityenergy.test/signin", strings.NewReader("username=a&password=b"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", w.Code)
	}
}
