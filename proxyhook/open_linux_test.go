package proxyhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// openFeatures reads ip/open_10s, net/open_10s and host/open_10s of a client from what the host
// publishes.
func (h *host) openFeatures(client traffic.Event) []float32 {
	h.t.Helper()
	h.events()
	now := time.Now()
	h.publish(now, h.reports...)
	h.reports = nil
	store, err := featurestore.Open(h.dir.Features())
	must(h.t, err)
	defer store.Close()
	var dimensions []string
	for d := range traffic.NumDimensions {
		dimensions = append(dimensions, d.String())
	}
	selection := store.Select(dimensions, []string{"ip/open_10s", "net/open_10s", "host/open_10s"})
	keys := traffic.NewKeys(&client, h.publisher.Seed())
	values := make([]float32, 3)
	_, err = selection.Read(values, keys[:], now.UnixNano())
	must(h.t, err)
	return values
}

// awaitOpen waits until a client on loopback is seen to have many requests open, and checks that
// none has ended.
func (s *site) awaitOpen(t *testing.T, n float32) {
	t.Helper()
	client := traffic.Event{Host: "127.0.0.1"}
	client.Client = [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}
	var values []float32
	await(t, "the features of open requests", func() bool {
		time.Sleep(100 * time.Millisecond)
		values = s.openFeatures(client)
		return values[0] > n && values[1] > n && values[2] > n
	})
	if st := s.filter.Stats(); st.Events != 0 || st.Open == 0 || st.Reports == 0 || st.Unopened != 0 {
		t.Errorf("%v, %+v", values, st)
	}
}

// Clients that take an answer slowly show while they do.
func TestSlowReadersShowBeforeTheyEnd(t *testing.T) {
	const clients = 50
	s := newSite(t, limited(100), func(w http.ResponseWriter, r *http.Request) { io.Copy(w, io.LimitReader(zeros{}, 1<<30)) })
	for range clients {
		conn, err := net.Dial("tcp", s.front.Listener.Addr().String())
		must(t, err)
		defer conn.Close()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	}
	s.awaitOpen(t, clients/10)
}

// A flood of tunnels shows while they are open, and goes when they are closed. Its end events
// report the rest of the time.
func TestTunnelFloodShowsBeforeItEnds(t *testing.T) {
	const clients = 50
	s := newSite(t, limited(100), switching(func(conn *net.TCPConn, r *bufio.Reader) { io.Copy(conn, r) }))
	var conns []net.Conn
	for range clients {
		conn, err := net.Dial("tcp", s.front.Listener.Addr().String())
		must(t, err)
		defer conn.Close()
		io.WriteString(conn, "GET /tunnel HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		conns = append(conns, conn)
	}
	s.awaitOpen(t, clients/10)
	for _, conn := range conns {
		conn.Close()
	}
	await(t, "the tunnels' end", func() bool { return s.filter.Stats().Events == clients })
	told := 0
	for _, ev := range s.events() {
		if ev.Reported > ev.Duration {
			t.Errorf("%+v", ev)
		}
		if ev.Reported > 0 {
			told++
		}
	}
	if told <= clients/10 { // not all need to have been seen yet
		t.Errorf("%d ends know of reports", told)
	}
	if st := s.filter.Stats(); st.Open != 0 {
		t.Errorf("%+v", st)
	}
}

// lookAll is a round of the supervisor.
func lookAll(f *proxyhook.Filter) {
	for range proxyhook.OpenParts {
		f.TellOpen()
	}
}

// Reports begin after a second, go to the last full second, omit nothing and repeat nothing.
func TestReportsOfAnOpenRequest(t *testing.T) {
	unsupervised(t)
	inside(t, "a filter", reportsOfAnOpenRequest)
}

func reportsOfAnOpenRequest(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	old, young := visit(1, 0), visit(2, 0)
	old.Time, young.Time = time.Now().Add(-5*time.Second).UnixNano(), time.Now().UnixNano()
	a, b := f.Open(&old), f.Open(&young)
	lookAll(f)
	lookAll(f)
	h.events()
	if len(h.reports) != 1 { // both looks are in one second
		t.Fatalf("%d reports", len(h.reports))
	}
	told := uint64(0)
	for _, r := range h.reports {
		if r.Time != old.Time || r.Reported != told || (r.Time+int64(r.Duration))%1e9 != 0 || r.Duration != 5e9 ||
			r.Host != old.Host || r.Client != old.Client || r.Session != old.Session || r.Method != "" || r.Status != 0 {
			t.Errorf("%+v", r)
		}
		told = r.Duration
	}
	copied := a
	a.End(&old)
	copied.End(&young) // to no effect
	b.End(&young)
	b.End(&young)
	if old.Reported != told || young.Reported != 0 {
		t.Errorf("told %d and %d, want %d and 0", old.Reported, young.Reported, told)
	}
	lookAll(f)
	if s := f.Stats(); s.Open != 0 || s.Reports != uint64(len(h.reports)) || s.ReportsLost != 0 {
		t.Errorf("%+v", s)
	}
	(proxyhook.OpenRequest{}).End(&young)
}

// A clock that was set back makes no request invisible for longer than until the next reports.
func TestOpenRequestsWhenTheClockIsSetBack(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	ev := visit(1, 0)
	ev.Time = time.Now().Add(time.Hour).UnixNano() // before the clock was set
	open := f.Open(&ev)
	await(t, "a report", func() bool { lookAll(f); h.events(); return len(h.reports) > 0 })
	if r := h.reports[0]; r.Duration < 1e9 || r.Duration > 30e9 || time.Since(r.At()) > time.Minute {
		t.Errorf("%+v", r)
	}
	open.End(&ev)
	if ev.Reported > 60e9 {
		t.Errorf("%d ns told", ev.Reported)
	}
}

// A report that a full ring does not take is made up for by the next one.
func TestLostReportIsMadeUpFor(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	ev := visit(1, 0)
	for f.Stats().Dropped == 0 {
		done := visit(3, 0)
		f.Done(&done, limits.Ticket{})
	}
	ev.Time = time.Now().Add(-5 * time.Second).UnixNano()
	open := f.Open(&ev)
	lookAll(f)
	if s := f.Stats(); s.ReportsLost == 0 || s.Reports != 0 {
		t.Fatalf("%+v", s)
	}
	h.events()
	lookAll(f)
	h.events()
	if len(h.reports) != 1 || h.reports[0].Reported != 0 || h.reports[0].Duration < 3e9 {
		t.Errorf("%+v", h.reports)
	}
	open.End(&ev)
}

// Requests beyond the table's room are counted, and what ends makes room.
func TestOpenRequestsAreBounded(t *testing.T) {
	unsupervised(t)
	f := newHost(t).filter(proxyhook.Config{})
	ev := visit(1, 0)
	var open []proxyhook.OpenRequest
	for range 2 {
		before := f.Stats().Unopened
		for range proxyhook.OpenRoom + 10 {
			open = append(open, f.Open(&ev))
		}
		if s := f.Stats(); s.Open != proxyhook.OpenRoom || s.Unopened != before+10 {
			t.Fatalf("%d open, %d not", s.Open, s.Unopened)
		}
		for _, o := range open {
			o.End(&ev)
		}
		if n := f.Stats().Open; n != 0 {
			t.Fatalf("%d open", n)
		}
		open = open[:0]
	}
	if n := testing.AllocsPerRun(100, func() { o := f.Open(&ev); o.End(&ev) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Requests open and end on all processors while the supervisor looks: each is freed once.
func TestOpenRequestsWhileTheSupervisorLooks(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	stop := make(chan struct{})
	var looking, working sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				lookAll(f)
				h.events()
			}
		}
	})
	for g := range 4 {
		working.Go(func() {
			for i := range 3000 {
				var open [5]proxyhook.OpenRequest
				ev := visit(g, 0)
				ev.Time = time.Now().Add(-time.Duration(i%3) * time.Second).UnixNano()
				for k := range open {
					open[k] = f.Open(&ev)
				}
				for k := range open {
					open[k].End(&ev)
					open[k].End(&ev)
				}
			}
		})
	}
	working.Wait()
	close(stop)
	looking.Wait()
	ev := visit(1, 0)
	var all []proxyhook.OpenRequest
	for range proxyhook.OpenRoom {
		all = append(all, f.Open(&ev))
	}
	if s := f.Stats(); s.Open != proxyhook.OpenRoom || s.Unopened != 0 {
		t.Errorf("%d of %d places are left, %d are lost", s.Open, proxyhook.OpenRoom, s.Unopened)
	}
	for _, o := range all {
		o.End(&ev)
	}
}
