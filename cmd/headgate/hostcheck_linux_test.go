package main

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ask sends a request to the daemon with a Host and an Origin.
func ask(t *testing.T, url, host, origin string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// ownAddress is an address of this machine that is not loopback; empty: it has none.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return ""
}

// A web page of another site, or of a name that resolves to this machine, is refused. A scraper
// that names the machine or its address is answered.
func TestRequestsOfWebPagesAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "headgate")
	d := spawn(t, account{}, nil, "run", "--dir", dir, "--max-keys", "1000", "--listen", "127.0.0.1:0",
		"--host-names", "Metrics.example.,198.51.100.7")
	if !d.running(t) {
		t.Fatal("the daemon does not start")
	}
	at := regexp.MustCompile(`address=(http://127\.0\.0\.1:(\d+))`).FindStringSubmatch(d.said.String())
	if at == nil {
		t.Fatalf("no address in the log:\n%s", d.said.String())
	}
	url, port := at[1], at[2]
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"evil.example", "", http.StatusMisdirectedRequest},
		{"evil.example:" + port, "", http.StatusMisdirectedRequest},
		{"127.0.0.1.evil.example:" + port, "", http.StatusMisdirectedRequest},
		{"localhost.evil.example", "", http.StatusMisdirectedRequest},
		{"evil.localhost.example", "", http.StatusMisdirectedRequest},
		{"203.0.113.99", "", http.StatusMisdirectedRequest},
		{"0.0.0.0:" + port, "", http.StatusMisdirectedRequest},
		{"127.0.0.1:" + port, "https://evil.example", http.StatusForbidden},
		{"127.0.0.1:" + port, "null", http.StatusForbidden},
		{"localhost", "http://evil.example:" + port, http.StatusForbidden},
		{"127.0.0.1:" + port, "", http.StatusOK},
		{"127.0.0.1", "", http.StatusOK},
		{"LOCALHOST:" + port, "", http.StatusOK},
		{"localhost.", "", http.StatusOK},
		{"[::1]:" + port, "", http.StatusOK},
		{"metrics.example:80", "", http.StatusOK},
		{"METRICS.example", "https://metrics.example", http.StatusOK},
		{"198.51.100.7:9477", "", http.StatusOK},
		{"localhost:" + port, "http://localhost:" + port, http.StatusOK},
		{ownAddress(t), "", http.StatusOK},
	} {
		for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
			status, body := ask(t, url+path, c.host, c.origin)
			if path == "/readyz" && status == http.StatusServiceUnavailable && c.want == http.StatusOK {
				continue // nothing is published yet
			}
			if status != c.want {
				t.Errorf("%s with Host %q and Origin %q: %d, want %d", path, c.host, c.origin, status, c.want)
			}
			if c.want != http.StatusOK && (!strings.Contains(body, "--host-names") || strings.Contains(body, "headgate_")) {
				t.Errorf("%s with Host %q and Origin %q: %q", path, c.host, c.origin, body)
			}
		}
	}
	if _, body := ask(t, url+"/metrics", "localhost", ""); !strings.Contains(body, "\nheadgate_http_refused_total 30\n") {
		t.Error("the refusals are not counted: 10 kinds of request to 3 endpoints")
	}
	spawn(t, account{}, nil, "run", "--dir", dir+"2", "--host-names", "*.example").refused(t, `host name "*.example"`)
}
