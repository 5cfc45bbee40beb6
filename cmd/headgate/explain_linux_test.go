package main

import (
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/proxyhook"
)

// publishScanner leaves a directory with a table in which an address has guessed forty paths under
// two user agents.
func publishScanner(t *testing.T) (dir string) {
	t.Helper()
	return publishEvents(t, func(now time.Time, seed uint64, add func(*traffic.Event)) {
		for i := range 40 {
			ev := traffic.Event{Time: now.Add(time.Duration(i-41) * time.Second).UnixNano(), Method: "GET", Host: "a.test", Status: 404,
				Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown}
			ev.SetClient(netip.MustParseAddr(scannerAddress))
			traffic.NewSums(seed).SetPath(&ev, "/old"+strings.Repeat("x", i))
			traffic.NewSums(seed).SetUserAgent(&ev, []string{chromeAgent, "curl/8.5.0"}[i%2])
			add(&ev)
		}
	})
}

// What a daemon has published of a client, and the score that a proxy would give a plain request
// from it.
func TestExplainPublished(t *testing.T) {
	dir, model := publishScanner(t), write(t, filepath.Join(t.TempDir(), "model.json"), []byte(explainModel))
	p := explainedJSON(t, scannerAddress, "--dir", dir, "--model", model, "--agent", chromeAgent, "--host", "A.test", "--path", "/search?q=1")
	known := make(map[string]bool)
	for _, k := range p.Known {
		known[k.Dimension] = k.Known
		if k.Known && (k.Features["requests_1m"] == nil || k.Age < 0 || !strings.Contains(k.Words, "last request ")) {
			t.Errorf("%+v", k)
		}
	}
	for _, dimension := range []string{"ip", "ip_ua", "net", "ua", "host"} {
		if !known[dimension] {
			t.Errorf("nothing is known of %s: %+v", dimension, p.Known)
		}
	}
	if p.Source != "published" || p.Client != scannerAddress || p.Published.IsZero() || p.Request.Path != "/search" || p.Request.Query != 3 ||
		p.Request.Host != "a.test" || p.Score >= 30 || p.Action != "tag" || p.Finding != nil {
		t.Errorf("%+v", p)
	}
	if r := p.Reasons[0]; r.For != "bot" || !strings.HasPrefix(r.Words, "the address asked for 40 pages since the last asset") {
		t.Errorf("%+v", r)
	}

	text := explained1(t, scannerAddress, "--dir", dir, "--model", model)
	for _, want := range []string{"client    " + scannerAddress + "\nknown     the address: last request ", ", made ", " requests in 10 min, sent 2 user agents in 10 min, ",
		"\nrequest   \"GET\" \"/\"\nagent     not known\n", "\naction    tag, by the default threshold of 30\n\nfor a bot\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// A Referer counts where --referer names one, and so does its absence where the flag is empty.
func TestExplainReferer(t *testing.T) {
	dir, model := publishScanner(t), write(t, filepath.Join(t.TempDir(), "model.json"), []byte(explainModel))
	for referer, want := range map[string]string{"": "the request has no Referer", "https://a.test/x": "the request has a Referer"} {
		p := explainedJSON(t, scannerAddress, "--dir", dir, "--model", model, "--host", "a.test", "--referer", referer)
		at := slices.IndexFunc(p.Reasons, func(r printedReason) bool { return r.Features[0] == "request/referer" })
		if at < 0 || p.Reasons[at].Words != want || p.Request.Referer != referer {
			t.Errorf("%q: %+v", referer, p)
		}
	}
}

// The score is the one that a proxy's filter decides by, with the built-in model.
func TestExplainIsTheFiltersScore(t *testing.T) {
	dir := publishScanner(t)
	filter, err := proxyhook.New(proxyhook.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	for _, client := range []string{scannerAddress, "203.0.113.8", "2001:db8::1"} {
		for _, agent := range []string{chromeAgent, "curl/8.5.0", ""} {
			ev := traffic.Event{Method: "GET", Facts: traffic.FactHostUnknown}
			ev.SetClient(netip.MustParseAddr(client))
			filter.Sums().SetPath(&ev, "/page")
			filter.Sums().SetUserAgent(&ev, agent)
			want := filter.Decide(&ev)
			p := explainedJSON(t, client, "--dir", dir, "--path", "/page", "--agent", agent)
			finding := "none"
			if p.Finding != nil {
				finding = p.Finding.Name
			}
			if math.Abs(float64(p.Score)-float64(want.Score)) > 1 || finding != want.Finding.String() || p.Action != want.Action.String() {
				t.Errorf("%s, %q: score %d, %s, %s; the filter decides %+v", client, agent, p.Score, finding, p.Action, want)
			}
		}
	}
}

// Of a client that is not in the table, explain says that it is unknown.
func TestExplainUnknownClient(t *testing.T) {
	dir := publishScanner(t)
	text := explained1(t, "198.51.100.1", "--dir", dir)
	for _, want := range []string{"known     the address: nothing is known\n", "the client is unknown: ", "\nfinding   unknown_client: "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	p := explainedJSON(t, "198.51.100.1", "--dir", dir)
	for _, k := range p.Known {
		if k.Known || k.Features != nil {
			t.Errorf("%+v", k)
		}
	}
	if p.Verdict != "undecided" || p.Finding == nil || p.Finding.Name != "unknown_client" || p.Finding.Score != "40 to 60" {
		t.Errorf("%+v", p)
	}
}

// A directory in which nothing is published yet is an error that says so.
func TestExplainNothingPublished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := window.New(window.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := featurestore.OpenPublisher(hostdir.Dir(dir).Features(), a.Schema(), featurestore.PublisherConfig{Capacity: []int{1000}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	status, out, errOut := run(t, "explain", scannerAddress, "--dir", dir)
	if status != exitFailure || out != "" {
		t.Errorf("exit status %d, printed %q", status, out)
	}
	checkOneLine(t, "nothing published", errOut, dir, "nothing is published yet")
}

// A table that was damaged is an error, or whatever is left of it is explained; nothing dies of it.
func TestExplainDamagedTable(t *testing.T) {
	model := write(t, filepath.Join(t.TempDir(), "model.json"), []byte(explainModel))
	for name, damage := range map[string]func(path string) error{
		"emptied":   func(path string) error { return os.Truncate(path, 0) },
		"cut short": func(path string) error { return os.Truncate(path, 5000) },
		"scribbled": func(path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i := 64; i < len(content); i += 7 {
				content[i] ^= 0xff
			}
			return os.WriteFile(path, content, 0o600)
		},
	} {
		dir := publishScanner(t)
		files, err := filepath.Glob(filepath.Join(dir, "features*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			if err := damage(file); err != nil {
				t.Fatal(err)
			}
		}
		status, out, errOut := run(t, "explain", scannerAddress, "--dir", dir, "--model", model, "--json")
		if status == exitFailure && out == "" {
			checkOneLine(t, name, errOut, dir)
		} else if status != exitOK || errOut != "" {
			t.Errorf("%s: exit status %d, %q, %q", name, status, out, errOut)
		}
	}
}

// With what its TLS looks like, a client under a browser's name is explained by what contradicts
// it.
func TestExplainForgedAgent(t *testing.T) {
	dir := publishScanner(t)
	text := explained1(t, "198.51.100.1", "--dir", dir, "--agent", chromeAgent, "--ja4", "t13d1812h1_85036bcba153_b26ce05bbdd6")
	if want := "\nfinding   forged_agent: the user agent claims a browser, and another program sent the request: the TLS hello is that of a library for programs, "; !strings.Contains(text, want) {
		t.Errorf("no %q in:\n%s", want, text)
	}
	text = explained1(t, "198.51.100.1", "--dir", dir, "--agent", chromeAgent, "--ja4", "t13d1516h2_8daaf6152771_d8a2da3f94cd")
	if want := "\nfinding   unknown_client: "; !strings.Contains(text, want) {
		t.Errorf("no %q in:\n%s", want, text)
	}
}
