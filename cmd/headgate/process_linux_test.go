package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
	"github.com/headgate/headgate/proxyhook"
)

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// publishedAt is the time of the table that is published in a directory; zero where there is none.
func publishedAt(dir string) (at time.Time) {
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		return time.Time{}
	}
	defer store.Close()
	store.View(func(table *featurestore.Table) error { at = time.Unix(0, table.Published); return nil })
	return at
}

// A table that a daemon published is shown whole and by key, for people and for programs.
func TestInspect(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	ctx, cancel := context.WithCancel(t.Context())
	var errOut printed
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"run", "--dir", dir, "--listen", "", "--interval", "20ms"}, io.Discard, &errOut)
	}()
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	ev := traffic.Event{Time: time.Now().UnixNano(), Method: "GET", Host: "a.test", Path: "/", Status: 404, JA4: "t13d"}
	ev.SetClient(netip.MustParseAddr("203.0.113.7"))
	ev.SetUserAgent("curl/8.5.0")
	p, err := ring.Create(hostdir.Dir(dir).Events(), ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !p.Put(func(dst []byte) ([]byte, error) { return ev.MarshalMsg(dst) }) {
		t.Fatal("the ring is full")
	}
	until(t, "row", func() bool {
		status, _, _ := run(t, "inspect", dir, "--key", "ip=203.0.113.7")
		return status == exitOK
	})
	cancel()
	if status := <-ended; status != exitOK {
		t.Fatalf("the daemon ended with %d:\n%s", status, errOut.String())
	}

	_, text, _ := run(t, "inspect", dir)
	for _, want := range []string{"published 20", "\nip: 1 keys, ", "\nip_ua: 1 keys, ", "  requests_1m                  requests   fades with time constant 1m0s\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	var table inspected
	_, text, _ = run(t, "inspect", dir, "--json")
	if err := json.Unmarshal([]byte(text), &table); err != nil || len(table.Dimensions) != int(traffic.NumDimensions) || table.Dimensions[0].Keys != 1 {
		t.Errorf("%v, %+v", err, table)
	}
	for _, key := range []string{"ip=203.0.113.7", "ip=::ffff:203.0.113.7", "net=203.0.113.99", "ua=curl/8.5.0", "wire=t13d", "host=A.test",
		"ip_ua=203.0.113.7,curl/8.5.0"} {
		inspectRow(t, dir, key)
	}
	inspectErrors(t, dir)
}

func inspectRow(t *testing.T, dir, key string) {
	t.Helper()
	status, text, errOut := run(t, "inspect", dir, "--key", key)
	if status != exitOK || !strings.HasPrefix(text, key+", last event ") || !strings.Contains(text, "\n  requests_1h ") {
		t.Errorf("%s: exit status %d, %q, %q", key, status, text, errOut)
	}
	var row struct {
		Key      string
		Age      float64 `json:"age_seconds"`
		Features map[string]*float32
	}
	_, text, _ = run(t, "inspect", dir, "--key", key, "--json")
	if err := json.Unmarshal([]byte(text), &row); err != nil || row.Key != key || row.Age < 0 || row.Features["requests_1h"] == nil {
		t.Fatalf("%s: %v, %s", key, err, text)
	}
	if n := *row.Features["requests_1h"]; math.Abs(float64(n)-1) > 0.05 {
		t.Errorf("%s: %v requests, want one that has hardly faded", key, n)
	}
}

func inspectErrors(t *testing.T, dir string) {
	t.Helper()
	for key, c := range map[string]struct {
		status int
		want   string
	}{
		"ip=203.0.113.8":  {exitFailure, "is not among the 1 keys of dimension ip"},
		"ip=nobody":       {exitUsage, "is not an IP address"},
		"nothing":         {exitUsage, "expected DIMENSION=KEY"},
		"color=red":       {exitUsage, "expected DIMENSION=KEY"},
		"ip=":             {exitUsage, "expected DIMENSION=KEY"},
		"session=1":       {exitUsage, "cannot be looked up by name"},
		"net64=192.0.2.1": {exitUsage, "has no key in dimension net64"},
	} {
		status, out, errOut := run(t, "inspect", dir, "--key", key)
		if status != c.status || out != "" {
			t.Errorf("%s: exit status %d, want %d, printed %q", key, status, c.status, out)
		}
		checkOneLine(t, key, errOut, c.want)
	}
}

// daemonProcess is headgate run as a process of its own.
type daemonProcess struct {
	*exec.Cmd
	said printed
}

// startProcess starts one with a short interval and whatever args say beside it. A checkpoint that
// fails, since its file is removed, is soon written again, however long it took.
func startProcess(t *testing.T, dir string, args ...string) *daemonProcess {
	t.Helper()
	args = append([]string{"run", "--dir", dir, "--listen", "127.0.0.1:0", "--interval", "50ms", "--checkpoint", "1s"}, args...)
	d := &daemonProcess{Cmd: exec.Command(os.Args[0], args...)}
	d.Env = append(os.Environ(), asMain+"=1")
	d.Stderr = &d.said
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.ProcessState == nil {
			d.Process.Kill()
			d.Wait()
		}
		if t.Failed() {
			t.Logf("daemon %d said:\n%s", d.Process.Pid, d.said.String())
		}
	})
	return d
}

// load sends requests without a break from a few goroutines, and counts those that did not come
// through.
type load struct {
	sent, failed atomic.Uint64
	stop         chan struct{}
	workers      sync.WaitGroup
}

func startLoad(url string) *load {
	l := &load{stop: make(chan struct{})}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	for range 4 {
		l.workers.Go(func() {
			for {
				select {
				case <-l.stop:
					client.CloseIdleConnections()
					return
				case <-time.After(2 * time.Millisecond):
				}
				l.send(client, url)
			}
		})
	}
	return l
}

func (l *load) send(client *http.Client, url string) {
	response, err := client.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	if err != nil || response.StatusCode != http.StatusOK {
		l.failed.Add(1)
	}
	l.sent.Add(1)
}

func (l *load) end() {
	close(l.stop)
	l.workers.Wait()
}

// more waits for so many further requests.
func (l *load) more(t *testing.T, n uint64) {
	t.Helper()
	want := l.sent.Load() + n
	until(t, "requests", func() bool { return l.sent.Load() >= want })
}

// proxyBefore starts a reverse proxy with the filter in this process.
func proxyBefore(t *testing.T, filter *proxyhook.Filter) *httptest.Server {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	t.Cleanup(origin.Close)
	target, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(filter.Handler(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: filter.Transport(&http.Transport{MaxIdleConnsPerHost: 8}),
		ErrorLog:  log.New(io.Discard, "", 0),
	}))
	t.Cleanup(proxy.Close)
	return proxy
}

// lastEventAt is the time of the last event of this machine's own address that is published.
func lastEventAt(dir string) (at time.Time) { return lastEventOfClient(dir, "127.0.0.1") }

// lastEventOfClient is the time of the last event of a client that is published.
func lastEventOfClient(dir, client string) (at time.Time) {
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		return time.Time{}
	}
	defer store.Close()
	store.View(func(table *featurestore.Table) error {
		var ev traffic.Event
		ev.SetClient(netip.MustParseAddr(client))
		row := make([]float32, len(table.Schema.Dimensions[0].Columns))
		if stamp, ok := table.Row(0, traffic.NewKeys(&ev, table.Seed)[traffic.DimIP], row); ok {
			at = time.Unix(0, stamp)
		}
		return nil
	})
	return at
}

// The daemon is killed and started again under load: no request fails, decisions go on, and the
// features become fresh again. On SIGTERM it ends with status 0.
func TestDaemonIsKilledUnderLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	first := startProcess(t, dir)
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	filter, err := proxyhook.New(proxyhook.Config{Dir: dir, StaleAfter: 500 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l := startLoad(proxyBefore(t, filter).URL)
	stop := sync.OnceFunc(l.end)
	defer stop()
	l.more(t, 300)
	until(t, "events in the table", func() bool { return !lastEventAt(dir).IsZero() })

	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	killed := filter.Stats()
	l.more(t, 300)
	until(t, "stale features", func() bool { return filter.Stats().Stale > killed.Stale })
	// Up to four requests had been decided on already, and ended after the kill.
	if s := filter.Stats(); s.Decisions < killed.Decisions+290 {
		t.Errorf("%d decisions; there were %d when the daemon was killed", s.Decisions, killed.Decisions)
	}

	restarted := time.Now()
	second := startProcess(t, dir)
	until(t, "new events in the table", func() bool { return lastEventAt(dir).After(restarted) })
	until(t, "fresh features", func() bool { // on a slow machine not for all
		before := filter.Stats()
		l.more(t, 50)
		s := filter.Stats()
		return s.Stale-before.Stale < s.Decisions-before.Decisions
	})
	stop()
	until(t, "the end of all requests", func() bool { // a client has its answer a moment before
		s := filter.Stats()
		return s.Events+s.Dropped == s.Decisions
	})
	sent, failed, s := l.sent.Load(), l.failed.Load(), filter.Stats()
	if failed != 0 {
		t.Errorf("%d of %d requests failed", failed, sent)
	}
	if s.Decisions != sent || s.Scored != sent || s.Events+s.Dropped != sent || s.NoFeatures != 0 || s.Faults != 0 {
		t.Errorf("%d requests; stats %+v", sent, s)
	}
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// What a daemon knew of a client, but for the last moments, its successor knows too, however the
// daemon ended.
func TestKilledDaemonForgetsLittle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	d := startProcess(t, dir)
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	ev := traffic.Event{Time: time.Now().UnixNano(), Method: "GET", Path: "/"}
	ev.SetClient(netip.MustParseAddr("203.0.113.7"))
	p, err := ring.Create(hostdir.Dir(dir).Events(), ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 3 {
		p.Put(func(dst []byte) ([]byte, error) { return ev.MarshalMsg(dst) })
	}
	known := func() bool {
		status, text, _ := run(t, "inspect", dir, "--key", "ip=203.0.113.7", "--json")
		var row struct{ Features map[string]*float32 }
		return status == exitOK && json.Unmarshal([]byte(text), &row) == nil && *row.Features["requests_1h"] > 2.9
	}
	until(t, "the client's row", known)
	last := publishedAt(dir)
	for range 2 { // the first may have begun before the client came
		until(t, "a checkpoint after it", func() bool {
			info, err := os.Stat(hostdir.Dir(dir).Checkpoint())
			if err != nil || !info.ModTime().After(last) {
				return false
			}
			last = info.ModTime()
			return true
		})
	}
	d.Process.Kill()
	d.Wait()
	killed := time.Now()
	startProcess(t, dir)
	until(t, "publication of the next daemon", func() bool { return publishedAt(dir).After(killed) })
	if !known() {
		t.Error("the next daemon does not know the client")
	}
}
