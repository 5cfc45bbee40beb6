package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
)

var answers = []struct {
	host, method, target string
	status               int
}{
	{simulator.WWW, "GET", "/", 200},
	{simulator.WWW, "HEAD", "/", 200},
	{simulator.WWW, "PUT", "/", 405},
	{simulator.WWW, "GET", "/articles/1", 200},
	{simulator.WWW, "GET", "/articles/13", 404}, // withdrawn
	{simulator.WWW, "GET", "/articles/4001", 404},
	{simulator.WWW, "GET", "/articles/0", 404},
	{simulator.WWW, "GET", "/articles/-1", 404},
	{simulator.WWW, "GET", "/articles/99999999999999999999", 404},
	{simulator.WWW, "GET", "/articles/1/2", 404},
	{simulator.WWW, "GET", "/products/20000?from=mail", 200},
	{simulator.WWW, "GET", "/products/11", 404}, // sold out
	{simulator.WWW, "GET", "/category/garden", 200},
	{simulator.WWW, "GET", "/category/none", 404},
	{simulator.WWW, "GET", "/static/site.4f1c.css", 200},
	{simulator.WWW, "GET", "/img/12-3.webp", 200},
	{simulator.WWW, "GET", "/img/12-3.exe", 404},
	{simulator.WWW, "GET", "/.env", 404},
	{simulator.WWW, "GET", "/wp-login.php", 404},
	{simulator.WWW, "POST", "/cart", 303},
	{simulator.WWW, "POST", "/checkout", 303},
	{simulator.WWW, "POST", "/login", 401},
	{simulator.WWW, "POST", "/xmlrpc.php", 404},
	{simulator.API, "GET", "/v1/notifications?since=5", 200},
	{simulator.API, "GET", "/v1/products/1", 200},
	{simulator.API, "GET", "/v1/products/11", 404},
	{simulator.API, "GET", "/v1", 404},
	{simulator.API, "GET", "/products/1", 404},
	{simulator.API, "OPTIONS", "/v1/session", 204},
	{simulator.API, "POST", "/v1/messages", 202},
	{simulator.API, "DELETE", "/v1/session", 405},
	{simulator.Search, "GET", "/search?q=desk+lamp", 200},
	{simulator.Search, "GET", "/robots.txt", 200},
	{simulator.Search, "GET", "/other", 404},
	{"elsewhere.test", "GET", "/", 421},
	{"", "", "", 421},
}

func TestRespond(t *testing.T) {
	for _, c := range answers {
		got := simulator.Respond(c.host, c.method, c.target)
		if got.Status != c.status {
			t.Errorf("%s %s%s: status %d, want %d", c.method, c.host, c.target, got.Status, c.status)
		}
		if got != simulator.Respond(c.host, c.method, c.target) {
			t.Errorf("%s %s%s has two answers", c.method, c.host, c.target)
		}
		if c.method == http.MethodHead && got.Bytes != 0 {
			t.Errorf("HEAD %s%s has a body of %d bytes", c.host, c.target, got.Bytes)
		}
	}
}

func TestOnlySearchesAreSlow(t *testing.T) {
	for _, c := range answers {
		got := simulator.Respond(c.host, c.method, c.target).Delay
		if isSearch := c.host == simulator.Search && strings.HasPrefix(c.target, "/search"); isSearch != (got == simulator.SearchDelay) || (!isSearch && got > 30*time.Millisecond) {
			t.Errorf("%s %s%s takes %v", c.method, c.host, c.target, got)
		}
	}
}

func TestRevalidated(t *testing.T) {
	ok := simulator.Response{Status: 200, Bytes: 5, Delay: time.Millisecond}
	if got, want := ok.Revalidated(), (simulator.Response{Status: 304, Delay: time.Millisecond}); got != want {
		t.Errorf("a 200 becomes %+v", got)
	}
	missing := simulator.Response{Status: 404, Bytes: 5}
	if got := missing.Revalidated(); got != missing {
		t.Errorf("a 404 becomes %+v", got)
	}
}

// FuzzRespond checks that any strings have an answer within the documented bounds.
func FuzzRespond(f *testing.F) {
	if len(answers) < 30 {
		f.Fatalf("only %d seeds", len(answers))
	}
	for _, c := range answers {
		f.Add(c.host, c.method, c.target)
	}
	f.Add(simulator.WWW, "GET", "?")
	f.Add(simulator.WWW, "G\x00", "/\xff//%zz/../..")
	f.Fuzz(func(t *testing.T, host, method, target string) {
		r := simulator.Respond(host, method, target)
		if r.Status < 200 || r.Status > 499 || r.Bytes < 0 || r.Bytes > 1<<20 || r.Delay < 0 || r.Delay > simulator.SearchDelay {
			t.Errorf("%q %q %q: %+v", host, method, target, r)
		}
	})
}
