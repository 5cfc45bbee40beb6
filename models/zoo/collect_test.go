package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models/corpus"
)

const asCommand = "HEADGATE_ZOO_COMMAND"

// The test's own binary is also the command.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// collect runs zoo collect for what matches only, and returns the files by family.
func collect(t *testing.T, only string) map[string]*corpus.File {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("clients get a network of their own, which needs root: sudo -E go test ./models/zoo")
	}
	for _, tool := range []string{"ip", "openssl", "curl", "wget"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: apt-get install iproute2 openssl curl wget", tool)
		}
	}
	out := t.TempDir()
	cmd := exec.Command(os.Args[0], "collect", "--out", out, "--work", t.TempDir(), "--only", only)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	text, err := cmd.CombinedOutput()
	if strings.Contains(string(text), "making namespaces") {
		t.Skipf("namespaces cannot be made here (run the tests as root, outside of a container that forbids it): %s", text)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	files, err := corpus.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	byFamily := make(map[string]*corpus.File)
	for _, f := range files {
		byFamily[f.Head.Family] = f
	}
	return byFamily
}

// Real clients leave what they sent: the truth about themselves, header fields in their order and
// case, hello, frames.
func TestCollect(t *testing.T) {
	files := collect(t, `^commandline/(curl|curl-http1|wget)/scraper/(plain|headers)/|^python/py-urllib/scraper/plain/`)
	if p := files["python"]; p == nil || len(p.Runs) != 1 || len(p.Requests) < 5 || p.Requests[0].Header[0][0] != "Accept-Encoding" {
		t.Errorf("Python's file is %+v", p)
	}
	f := files["commandline"]
	if f == nil || len(f.Runs) != 6 {
		t.Fatalf("the file is %+v, want one with 6 runs", f)
	}
	runs, conns := make(map[int]*corpus.Run), make(map[int]*corpus.Conn)
	clients := make(map[string]bool)
	for _, r := range f.Runs {
		runs[r.ID] = r
		clients[r.Client] = true
		if r.Truth != corpus.Bot || r.Intent != scraping || r.Version == "" {
			t.Errorf("run %+v", r)
		}
	}
	for _, c := range f.Conns {
		conns[c.ID] = c
	}
	if len(clients) != len(runs) {
		t.Errorf("%d runs come from %d addresses", len(runs), len(clients))
	}
	orders := make(map[string][]string)
	for _, r := range f.Requests {
		conn := conns[r.Conn]
		run := runs[conn.Run]
		name := run.Program + " " + run.Disguise
		var fields []string
		for _, field := range r.Header {
			fields = append(fields, field[0])
		}
		orders[name] = fields
		if ja4 := traffic.JA4(conn.Hello.Info()); !strings.HasPrefix(ja4, "t13d") {
			t.Errorf("%s: JA4 %s", name, ja4)
		}
		if wantH2 := run.Program == "curl"; (r.Proto == "HTTP/2.0") != wantH2 || (r.Pseudo == "mpsa") != wantH2 || (len(conn.H2) > 0) != wantH2 {
			t.Errorf("%s: %s, pseudo-header fields %s, frames %v", name, r.Proto, r.Pseudo, conn.H2)
		}
		if r.Status == 0 || r.Duration == 0 || r.Method != "GET" || !strings.HasSuffix(r.Host, ".test") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, want := range map[string][]string{
		"curl plain": {"user-agent", "accept"}, "curl-http1 plain": {"Host", "User-Agent", "Accept"}, "wget plain": {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"},
	} {
		if !slices.Equal(orders[name], want) {
			t.Errorf("%s sent %q, want %q", name, orders[name], want)
		}
	}
	if !slices.Contains(orders["curl headers"], "sec-fetch-mode") {
		t.Errorf("curl with a browser's header fields sent %q", orders["curl headers"])
	}
}

// What a run draws does not depend on which others are wanted, and every family and run has
// addresses of its own.
func TestVisitsAreFixed(t *testing.T) {
	one := &collection{only: regexp.MustCompile(`^commandline/curl/scraper/all/`), seed: 1}
	all := &collection{only: regexp.MustCompile(``), seed: 1}
	servers := make(map[string]string)
	names, numbers := make(map[string]bool), make(map[int]bool)
	for _, f := range families() {
		if names[f.name] || numbers[f.number] || f.number < 1 || f.number > 200 {
			t.Errorf("family %s has the name or the number %d of another", f.name, f.number)
		}
		names[f.name], numbers[f.number] = true, true
		few, visits := one.visits(f), all.visits(f)
		if len(visits) > 256 {
			t.Errorf("%s has %d runs, and addresses for 256", f.name, len(visits))
		}
		for n, v := range visits {
			if len(v.steps) == 0 {
				t.Errorf("%s: nothing to do", v.name())
			}
			client, server := f.addresses(n)
			if !client.IsValid() || servers[server.String()] != "" {
				t.Errorf("%s has the address of %s", v.name(), servers[server.String()])
			}
			servers[server.String()] = v.name()
			if few[n].steps == nil {
				continue
			}
			a, _ := json.Marshal(v.steps)
			b, _ := json.Marshal(few[n].steps)
			if string(a) != string(b) {
				t.Errorf("%s alone is to do %s, among all %s", v.name(), b, a)
			}
		}
	}
}

// A plan asks for what its intent is after, in the disguise that is wanted.
func TestPlans(t *testing.T) {
	c := &collection{only: regexp.MustCompile(``), seed: 1}
	for _, v := range c.visits(commandLine()) {
		agent := userAgent(v.steps)
		if disguised := v.disguise != plain; (agent != "") != disguised {
			t.Errorf("%s: user agent %q", v.name(), agent)
		}
		total, posts := 0.0, 0
		for i, s := range v.steps {
			if !strings.HasPrefix(s.URL, "https://") {
				t.Errorf("%s asks for %s", v.name(), s.URL)
			}
			total += s.Wait
			if s.Method == "POST" {
				posts++
			}
			if i > 0 && (v.disguise == asReferer || v.disguise == asAll && v.intent == scraping) && !hasField(s.Header, "referer") {
				t.Errorf("%s: step %d has no referer", v.name(), i)
			}
		}
		if v.disguise == asPaced && total < 9 || v.disguise == plain && v.intent == scraping && total > 9 {
			t.Errorf("%s takes %v s", v.name(), total)
		}
		if (posts > 0) != (v.intent == stuffing) {
			t.Errorf("%s: %d POSTs", v.name(), posts)
		}
	}
}

func hasField(header [][2]string, name string) bool {
	return slices.ContainsFunc(header, func(f [2]string) bool { return strings.EqualFold(f[0], name) })
}

// The scripts that the families name are in the binary.
func TestScripts(t *testing.T) {
	for _, f := range families() {
		if f.install == "" {
			continue
		}
		if _, err := scripts.ReadFile(filepath.Join("clients", f.install)); err != nil {
			t.Error(err)
		}
	}
}
