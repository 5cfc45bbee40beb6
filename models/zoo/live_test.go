package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/proxyhook"
)

// witness is a policy that keeps the events of which it is asked.
type witness struct {
	mutex  sync.Mutex
	events []traffic.Event
}

func (w *witness) Judge(ev *traffic.Event, _ uint8) proxyhook.Action {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.events = append(w.events, *ev)
	return proxyhook.Allow
}

// What the records make of a request is the event that the filter saw, by HTTP/1 and HTTP/2:
// nothing that an event holds is lost in the file.
func TestRecordedEventsAreTheLiveOnes(t *testing.T) {
	seen := &witness{}
	f, err := newFront(proxyhook.Config{Dir: t.TempDir(), Policy: seen})
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	a, err := openAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := a.issue([]string{"www.kitchenware.test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.serve(l, certificate)
	server := netip.MustParseAddr("127.0.0.1")
	f.recorder.start(server, corpus.Run{ID: 1, Truth: corpus.Bot, Client: "127.0.0.1"})
	for version := 1; version <= 2; version++ {
		askAll(t, l.Addr().String(), a, version)
	}
	rec := f.recorder.finish(server)
	if len(rec.requests) != len(seen.events) || len(rec.requests) != 2*len(asked) {
		t.Fatalf("%d recorded, %d live", len(rec.requests), len(seen.events))
	}
	for i, r := range rec.requests {
		var ev traffic.Event
		r.Event(&ev, &rec.run, r.conn, seen.events[i].Time)
		ev.Origin, ev.Status, ev.Bytes, ev.Duration = "", 0, 0, 0 // which the filter does not know by then
		live := seen.events[i]
		live.Score, live.Action = 0, 0
		if (ev.PathSum == 0) != (live.PathSum == 0) || (ev.AgentSum == 0) != (live.AgentSum == 0) {
			t.Errorf("%s %s: only one of the events is cut", r.Method, r.Target)
		}
		ev.PathSum, ev.AgentSum = live.PathSum, live.AgentSum // which are under the filter's secret
		if ev != live {
			t.Errorf("%s %s by %s\nrecorded %+v\nlive     %+v", r.Method, r.Target, r.Proto, ev, live)
		}
		if ev.JA4 == "" || ev.Wire.Print() == 0 {
			t.Errorf("%s: JA4 %q, wire %x", r.Proto, ev.JA4, uint64(ev.Wire))
		}
	}
}

// asked are the requests that the test makes.
var asked = []struct {
	method, path, body string
	header             [][2]string
}{
	{"GET", "/index.php", "", nil},
	{"GET", "/product.php?id=3&x=%20y", "", [][2]string{{"User-Agent", "Mozilla/5.0 (X11)"}, {"Accept-Language", "de"}, {"Referer", "https://www.kitchenware.test/index.php"},
		{"Cookie", "a=1; b=2"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Ch-Ua", `"Chromium";v="156"`}}},
	{"POST", "/login.php", "email=a&passwd=b", [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}, {"X-Requested-With", "XMLHttpRequest"}}},
	{"HEAD", "/" + strings.Repeat("p", 600), "", [][2]string{{"User-Agent", strings.Repeat("u", 400)}, {"Accept", "*/*"}}},
	{"GET", "/.env", "", [][2]string{{"User-Agent", ""}, {"Accept-Encoding", "br"}}},
}

func askAll(t *testing.T, address string, a *authority, version int) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetHTTP2(version == 2)
	defer transport.CloseIdleConnections()
	for _, q := range asked {
		r, err := http.NewRequest(q.method, "https://www.kitchenware.test"+q.path, strings.NewReader(q.body))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range q.header {
			r.Header.Set(field[0], field[1])
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}
