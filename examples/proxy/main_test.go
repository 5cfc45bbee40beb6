package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long the test waits for what must come. It is generous, since machines stall.
const patience = 30 * time.Second

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The program in the README is this one.
func TestItIsTheProgramOfTheREADME(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "../../README.md"), "```go\n")
	program, _, ok := strings.Cut(rest, "```\n")
	if main := read(t, "main.go"); !ok || program != main {
		t.Errorf("examples/proxy/main.go is not the program in README.md:\n%s", program)
	}
}

// freeAddress returns an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start builds the program with other addresses than those that it has, and runs it until the test ends.
func start(t *testing.T, addresses map[string]string) {
	t.Helper()
	source := read(t, "main.go")
	for from, to := range addresses {
		if strings.Count(source, from) != 1 {
			t.Fatalf("main.go has %s %d times", from, strings.Count(source, from))
		}
		source = strings.Replace(source, from, to, 1)
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "proxy")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// get sends a request until it is answered, since the program may have only just been started.
func get(t *testing.T, url string, header http.Header, host string) (*http.Response, string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header, r.Host = header.Clone(), host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			if time.Now().After(end) {
				t.Fatal(err)
			}
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
}

// The program runs without a daemon, too. The origin is told the host that the client asked for, who the client is, and
// the decision; Prometheus finds what the filter counted.
func TestProxy(t *testing.T) {
	seen := make(chan *http.Request, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		io.WriteString(w, "from the origin")
	}))
	defer origin.Close()
	proxy, exporter := freeAddress(t), freeAddress(t)
	start(t, map[string]string{"127.0.0.1:8081": origin.Listener.Addr().String(), "127.0.0.1:8080": proxy, "127.0.0.1:9478": exporter})

	header := http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Headgate-Score": {"99"}}
	response, body := get(t, "http://"+proxy+"/page", header, "shop.example.com")
	if response.StatusCode != http.StatusOK || body != "from the origin" {
		t.Fatalf("status %d, %q", response.StatusCode, body)
	}
	r := <-seen
	if r.Host != "shop.example.com" || r.URL.Path != "/page" {
		t.Errorf("the origin was asked for host %q, path %q", r.Host, r.URL.Path)
	}
	if got := r.Header.Get("X-Forwarded-For"); got != "203.0.113.7, 127.0.0.1" {
		t.Errorf("X-Forwarded-For: %q", got)
	}
	if score := r.Header["X-Headgate-Score"]; len(score) != 1 || score[0] == "99" || r.Header.Get("X-Headgate-Action") == "" {
		t.Errorf("the origin was told score %q, action %q", score, r.Header.Get("X-Headgate-Action"))
	}
	if _, body := get(t, "http://"+exporter+"/metrics", http.Header{}, ""); !strings.Contains(body, "\nheadgate_filter_scored_total 1\n") {
		t.Errorf("no decision counted in:\n%.2000s", body)
	}
}
