package proxyhook_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/proxyhook"
)

// The numbers: go test -run '^$' -bench . ./proxyhook
// With -short, one hundredth of the keys is published.

// crowd publishes, in shared memory, n keys for each of the five dimensions that requests without
// session and TLS fingerprint have, all of them keys of visits.
func crowd(b *testing.B, n int) *host {
	b.Helper()
	const tmpfs = "/dev/shm"
	if _, err := os.Stat(tmpfs); err != nil {
		b.Skip("needs the tmpfs that Linux mounts at " + tmpfs)
	}
	dir, err := os.MkdirTemp(tmpfs, "proxyhook-benchmark-")
	must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	h := &host{t: b, dir: hostdir.Dir(dir)}
	must(b, os.Mkdir(h.dir.Events(), 0o770))
	daemon, err := window.New(window.Config{MaxKeys: 1})
	must(b, err)
	schema := daemon.Schema()
	now := time.Now().UnixNano()
	sizes := make([]int, traffic.NumDimensions)
	for i := range sizes {
		sizes[i] = 1
	}
	for _, d := range crowded {
		sizes[d] = n
	}
	p, err := featurestore.OpenPublisher(h.dir.Features(), schema, featurestore.PublisherConfig{Capacity: sizes})
	must(b, err)
	defer p.Close()
	row := make([]float32, 64)
	for i := range n {
		ev := visitor(i)
		keys := traffic.NewKeys(&ev, p.Seed())
		for _, d := range crowded {
			for c := range schema.Dimensions[d].Columns {
				row[c] = float32(i%100 + c)
			}
			must(b, p.Put(int(d), keys[d], now, row[:len(schema.Dimensions[d].Columns)]))
		}
	}
	must(b, p.Publish(now))
	return h
}

var crowded = []traffic.Dimension{traffic.DimIP, traffic.DimNet, traffic.DimUserAgent, traffic.DimHost, traffic.DimIPAgent}

func visitor(n int) traffic.Event {
	ev := visit(n, 0)
	ev.Client[10], ev.Client[11] = 0, 0 // IPv6, each in a network of its own
	ev.Client[0], ev.Client[3], ev.Client[4], ev.Client[5] = 0x20, byte(n>>16), byte(n>>8), byte(n)
	ev.UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140." + string([]byte{'a' + byte(n&15), 'a' + byte(n>>4&15), 'a' + byte(n>>8&15), 'a' + byte(n>>12&15), 'a' + byte(n>>16&15)})
	ev.Host = ev.UserAgent[len(ev.UserAgent)-5:] + ".example.com"
	ev.Session, ev.JA4 = 0, ""
	return ev
}

// BenchmarkDecide visits the keys in an order that no cache foresees; all are found, so that every
// dimension's row is read. The shadow has the default model's inputs and as many trees as that,
// with borders and conditions of its own. There are as many user agents as a process keeps the
// facts of, but for the cases of one.
func BenchmarkDecide(b *testing.B) {
	n := 1 << 20
	if testing.Short() {
		n /= 100
	}
	h := crowd(b, n)
	model := defaultModel(b)
	file := writeModel(b, string(models.Default()))
	shadow := writeModel(b, randomModel(1, model.Trees(), featureNames(model)))
	for _, c := range []struct {
		name, dir, shadow, agent string
		off                      []string
		tls                      bool // by TLS that a proxy ends
	}{
		{"found", string(h.dir), "", "", all, false}, {"found, shadow", string(h.dir), shadow, "", all, false},
		{"found, one agent", string(h.dir), "", person, all, false}, {"found, by TLS", string(h.dir), "", person, all, true},
		{"found, by TLS, forged_agent off", string(h.dir), "", person, []string{"forged_agent"}, true}, {"found, heuristics off", string(h.dir), "", "", nil, false},
		{"no daemon", b.TempDir(), "", "", all, false}, {"no daemon, shadow", b.TempDir(), shadow, "", all, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFilter(b, proxyhook.Config{Dir: c.dir, ModelFile: file, ShadowFile: c.shadow, HeuristicsOff: c.off})
			events := make([]traffic.Event, 1<<14)
			for i := range events {
				if events[i] = visitor(i * 7919 % n); c.agent != "" {
					events[i].UserAgent = c.agent
				}
				if c.tls {
					events[i].JA4, events[i].Version = "t13d1516h2_8daaf6152771_d8a2da3f94cd", 20
				}
			}
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				ev := &events[at&(len(events)-1)]
				ev.Time = 0
				f.Decide(ev)
				at++
			}
			s := f.Stats()
			b.ReportMetric(float64(s.P50), "p50-ns")
			b.ReportMetric(float64(s.P99), "p99-ns")
			if (s.NoFeatures != 0) == (c.dir == string(h.dir)) || (s.Shadow.Judged != 0) != (c.shadow != "") {
				b.Errorf("%+v", s)
			}
		})
	}
}

// BenchmarkDone admits, releases and reports; in the second case no daemon reads the events, so
// they are dropped.
func BenchmarkDone(b *testing.B) {
	h := newHost(b)
	f := h.filter(proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 100}})
	ev, state := visit(1, 0), new(limits.TicketState)
	f.Decide(&ev)
	done := func() {
		a, _ := f.Admit(&ev, "192.0.2.1:8080", state)
		f.Done(&ev, a.Ticket)
	}
	b.Run("reported", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%4096 == 4095 {
				b.StopTimer()
				h.drain()
				b.StartTimer()
			}
			done()
		}
	})
	b.Run("dropped", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			done()
		}
	})
}

// BenchmarkReport is Done alone, with an event that was just in use, as a proxy's is, and with one
// of a hundred thousand whose strings are in no cache.
func BenchmarkReport(b *testing.B) {
	for _, c := range []struct {
		name   string
		events int
	}{{"warm", 1}, {"cold", 100_000}} {
		b.Run(c.name, func(b *testing.B) {
			h := newHost(b)
			f := h.filter(proxyhook.Config{})
			events := make([]traffic.Event, c.events)
			for i := range events {
				events[i] = visitor(i)
				events[i].Time, events[i].Duration, events[i].Status = time.Now().UnixNano(), 20_000_000, 200
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%4096 == 4095 {
					b.StopTimer()
					h.drain()
					b.StartTimer()
				}
				f.Done(&events[i*7919%len(events)], limits.Ticket{})
			}
			if n := f.Stats().Dropped; n != 0 {
				b.Errorf("%d events dropped", n)
			}
		})
	}
}

// drain takes the events out without looking at them.
func (h *host) drain() {
	must(h.t, h.rings.Scan())
	for h.rings.Poll(1000, func([]byte) {}) > 0 {
	}
}

// BenchmarkHandler is a handler that does next to nothing, with and without the filter around it;
// the difference is the filter's cost with everything that net/http's types make it allocate.
func BenchmarkHandler(b *testing.B) {
	h := newHost(b)
	h.publish(time.Now(), visits(10, time.Now())...)
	model := b.TempDir() + "/model"
	must(b, os.WriteFile(model, models.Default(), 0o600))
	f := h.filter(proxyhook.Config{ModelFile: model})
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"without", plain}, {"with", f.Handler(plain)}} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "http://www.example.com/shop/item?n=1", nil)
			for _, name := range []string{"Accept", "Accept-Language", "Accept-Encoding", "Cookie", "Referer", "User-Agent", "Sec-Fetch-Mode"} {
				r.Header.Set(name, "https://www.example.com/")
			}
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%4096 == 4095 {
					b.StopTimer()
					h.drain()
					b.StartTimer()
				}
				c.handler.ServeHTTP(w, r)
			}
		})
	}
}

type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// BenchmarkOpen is what a request costs that is noted as open and ends before anybody is told of
// it, and a look of the supervisor at a lane of a full table of requests that were told of already.
func BenchmarkOpen(b *testing.B) {
	unsupervised(b)
	f := newHost(b).filter(proxyhook.Config{})
	b.Run("open and end", func(b *testing.B) {
		ev := visit(1, 0)
		ev.Time = time.Now().UnixNano()
		b.ReportAllocs()
		for b.Loop() {
			o := f.Open(&ev)
			o.End(&ev)
		}
	})
	b.Run("open and end, all processors", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			ev := visit(1, 0)
			ev.Time = time.Now().UnixNano()
			for pb.Next() {
				o := f.Open(&ev)
				o.End(&ev)
			}
		})
	})
	b.Run("look", func(b *testing.B) {
		ev := visit(1, 0)
		ev.Time = time.Now().UnixNano()
		for range proxyhook.OpenRoom {
			f.Open(&ev)
		}
		for b.Loop() {
			f.TellOpen()
		}
	})
}
