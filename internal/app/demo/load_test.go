package demo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/internal/app/simulator"
)

// odd are targets from attackers, and the targets sent instead.
var odd = map[string]string{
	"/":                             "/",
	"/a/b?c=d&e":                    "/a/b?c=d&e",
	"":                              "/",
	"*":                             "/*",
	"//":                            "/",
	"//evil.test/x":                 "/evil.test/x",
	"///?//":                        "/?//",
	"?a":                            "/?a",
	"x":                             "/x",
	"http://evil.test/x?y":          "/x?y",
	"http://evil.test":              "/",
	"http://evil.test//x":           "/x",
	"http://":                       "/",
	"://":                           "/",
	"evil.test:443":                 "/evil.test:443",
	"/go?to=http://evil.test/x":     "/go?to=http://evil.test/x",
	"/redirect/http://evil.test/x":  "/redirect/http://evil.test/x",
	"/%":                            "/%25",
	"/%2":                           "/%252",
	"/%2f%2F":                       "/%2f%2F",
	"/%zz%+1":                       "/%25zz%25+1",
	"/a b":                          "/a%20b",
	"/a#b?c#d":                      "/a%23b?c%23d",
	"/\x00\t\r\n\x7f\xff":           "/%00%09%0D%0A%7F%FF",
	"/ä":                            "/%C3%A4",
	"/?q=\"<script>'":               "/?q=\"<script>'",
	"/?%":                           "/?%25",
	`/\..\..\`:                      `/\..\..\`,
	"/[::1]:80{}|^`":                "/[::1]:80{}|^`",
	"/../../etc/passwd":             "/../../etc/passwd",
	"/" + strings.Repeat("a", 9000): "/" + strings.Repeat("a", 9000),
}

func TestSendableTarget(t *testing.T) {
	for target, want := range odd {
		if got := sendableTarget(target); got != want {
			t.Errorf("%.60q goes out as %.60q, want %.60q", target, got, want)
		}
		if got := sendableTarget(want); got != want {
			t.Errorf("%.60q, which can be sent, goes out as %.60q", want, got)
		}
	}
}

func TestSendableValue(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "curl/8.5.0": "curl/8.5.0", "a\tb": "a b", "a\r\nX-Evil: 1": "a  X-Evil: 1", "\x00\x1f\x7f": "   ", "\x80\xff": "\x80\xff", "ä": "ä",
	} {
		if got := sendableValue(value); got != want {
			t.Errorf("%q goes out as %q, want %q", value, got, want)
		}
	}
}

// entry returns a log line, with nginx's escapes.
func entry(method, target, agent, referer string, status int) string {
	escaped := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
				fmt.Fprintf(&b, `\x%02X`, c)
			} else {
				b.WriteByte(c)
			}
		}
		return b.String()
	}
	return fmt.Sprintf("192.0.2.1 - - [01/Apr/2026:00:00:00 +0000] \"%s %s HTTP/1.1\" %03d 10 \"%s\" \"%s\"\n",
		method, escaped(target), status, escaped(referer), escaped(agent))
}

func newLoad(t *testing.T, log io.Reader) load {
	t.Helper()
	config := Config{Log: log}
	l, err := config.load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// requests returns all requests of a load.
func requests(t *testing.T, l load) (all []*request) {
	t.Helper()
	for {
		r, err := l.next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

// originServer is an origin of the demonstration that counts the requests that reach its handler.
func originServer(t *testing.T) (address string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	next := origin(simulator.WWW)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host, reached
}

// sendAll sends requests one by one to a real server; each must reach its handler and be answered.
func sendAll(t *testing.T, all []*request) {
	t.Helper()
	address, reached := originServer(t)
	c := newClients(address, 1000, &tally{kinds: make(map[string]*kindTally), origins: make(map[string]*originTally)})
	defer c.transport.CloseIdleConnections()
	for i, r := range all {
		c.sendOne(t.Context(), r)
		if c.tally.total.failed > 0 || reached.Load() != int64(i+1) {
			t.Fatalf("%s %q (user agent %q) did not reach the handler, or got no answer", r.method, r.target, r.header.Get("User-Agent"))
		}
	}
}

// Every line of a log is sent, accepted by a real server and reaches its handler.
func TestEverythingIsSendable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	methods := []string{"GET", "GET", "HEAD", "POST", "PUT", "CONNECT", "OPTIONS", "TRACE", "PRI", "X", "PROPFIND"}
	statuses := []int{0, 100, 101, 199, 200, 204, 206, 301, 304, 400, 404, 444, 499, 500, 999}
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	var log strings.Builder
	lines := 0
	add := func(target string) {
		lines++
		log.WriteString(entry(pick(methods), target, noise(rng), noise(rng), statuses[rng.IntN(len(statuses))]))
	}
	for target := range odd {
		if target != "" && !strings.Contains(target, " ") { // neither is HTTP in a log
			add(target)
		}
	}
	for range 600 {
		add("/" + strings.ReplaceAll(noise(rng), " ", "+"))
		add(strings.ReplaceAll(noise(rng), " ", "") + "%")
	}
	all := requests(t, newLoad(t, strings.NewReader(log.String())))
	if len(all) != lines {
		t.Fatalf("%d requests of %d lines", len(all), lines)
	}
	sendAll(t, all)
}

// noise returns a short string of any bytes, many of them special in a URL.
func noise(rng *rand.Rand) string {
	const special = "/?#%:@&=+;,.\\\"'<>[]{}|^`~\x00\t\r\n 2fF\xc3\xa4\xff"
	b := make([]byte, rng.IntN(24))
	for i := range b {
		if b[i] = byte(rng.IntN(256)); rng.IntN(3) > 0 {
			b[i] = special[rng.IntN(len(special))]
		}
	}
	return string(b)
}

// All of a real log can be sent: a server parses the bytes of each request, and the odd ones reach
// the handler of a server.
func TestRealLogIsSendable(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "data", "logs", "site-a.nginx.log"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%v: put the project's shared data folder (shared/data) beside the source folder to run this", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := requests(t, newLoad(t, f))
	if len(all) != 20428-290 {
		t.Errorf("%d requests, want all but those that were no HTTP", len(all))
	}
	var strange []*request
	seen := make(map[string]bool)
	for _, r := range all {
		var b bytes.Buffer
		if err := r.to("127.0.0.1:1").Write(&b); err != nil {
			t.Fatalf("%s %q: %v", r.method, r.target, err)
		}
		parsed, err := http.ReadRequest(bufio.NewReader(&b))
		if err != nil || parsed.Method != r.method || parsed.RequestURI != r.target || parsed.Host != r.host {
			t.Fatalf("%s %q: %v, %+v", r.method, r.target, err, parsed)
		}
		plain := (r.method == "GET" || r.method == "POST") && !strings.ContainsAny(r.target, "%:<>\"\\'[]{}|^`")
		if what := r.method + " " + r.target; !plain && !seen[what] {
			seen[what] = true
			strange = append(strange, r)
		}
	}
	if len(strange) < 30 {
		t.Errorf("%d odd requests: too few to tell", len(strange))
	}
	sendAll(t, strange)
}

// A log keeps its order and pace, except for long silences; a path always goes to the same origin.
func TestLogPace(t *testing.T) {
	line := func(at time.Duration, path string) string {
		stamp := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC).Add(at).Format("02/Jan/2006:15:04:05 -0700")
		return "192.0.2.1 - - [" + stamp + "] \"GET " + path + " HTTP/1.1\" 200 1\n"
	}
	config := Config{Speed: 2, MaxSilence: 4 * time.Second, Log: strings.NewReader(
		line(0, "/a") + line(2*time.Second, "/b") + "damaged\n" + line(time.Hour, "/a") + line(time.Minute, "/c") + line(time.Minute+time.Second, "/c"))}
	l, err := config.load()
	if err != nil {
		t.Fatal(err)
	}
	var at []time.Duration
	hosts := make(map[string]string)
	for _, r := range requests(t, l) {
		at = append(at, r.at)
		if h, ok := hosts[r.target]; ok && h != r.host {
			t.Errorf("%s goes to %s and to %s", r.target, h, r.host)
		}
		hosts[r.target] = r.host
		if r.kind != "log" || r.client.String() != "192.0.2.1" {
			t.Errorf("request %+v", r)
		}
	}
	if want := []time.Duration{0, 1 * time.Second, 3 * time.Second, 3 * time.Second, 3500 * time.Millisecond}; fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("sent at %v, want %v", at, want)
	}
	if l.truthKnown() {
		t.Error("the truth about a log is said to be known")
	}
}

// An origin cannot answer with every status in a log.
func TestAnswerable(t *testing.T) {
	for _, c := range []struct {
		method    string
		has, want int
	}{
		{"GET", 200, 200}, {"GET", 404, 404}, {"GET", 999, 999}, {"GET", 0, 400}, {"GET", 101, 400}, {"CONNECT", 200, 405}, {"CONNECT", 403, 403},
	} {
		if got := answerable(&accesslog.Entry{Method: []byte(c.method), Status: c.has}); got != c.want {
			t.Errorf("%s with %d is answered with %s, want %d", c.method, c.has, strconv.Itoa(got), c.want)
		}
	}
}
