package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
)

// machine has clocks that a test sets. True time goes on with pass alone.
type machine struct {
	start  time.Time
	passed atomic.Int64 // since the start
	set    atomic.Int64 // what the wall clock shows beyond that
	boot   atomic.Uint64
}

func newMachine() *machine {
	m := &machine{start: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	m.boot.Store(1)
	return m
}

func (m *machine) clock() window.Instant {
	passed := m.passed.Load()
	return window.Instant{Wall: m.start.UnixNano() + passed + m.set.Load(), Boot: m.boot.Load(), Running: passed}
}

func (m *machine) now() time.Time { return time.Unix(0, m.clock().Wall) }

func (m *machine) pass(d time.Duration) { m.passed.Add(int64(d)) }

// start opens a daemon on this machine.
func (m *machine) startDaemon(t *testing.T, config daemon.Config) *running {
	t.Helper()
	config.Window.MaxKeys = 1000 // small files are made quickly
	r := startBy(t, config, func(c daemon.Config) (*daemon.Daemon, error) { return daemon.OpenWithClock(c, m.clock) })
	m.seen(r)
	return r
}

// seen waits until the daemon has looked at the clock and published.
func (m *machine) seen(r *running) {
	r.t.Helper()
	before := r.Stats().Publishes
	r.until("two publications", func() bool { return r.Stats().Publishes >= before+2 })
}

// visits reports one visit a second of a client and waits until they are published.
func (m *machine) visits(r *running, p interface {
	Put(func([]byte) ([]byte, error)) bool
}, n int) {
	r.t.Helper()
	before := r.Stats().Rings.Events
	for range n {
		m.pass(time.Second)
		ev := visit(1, "/", m.now())
		for !p.Put(func(dst []byte) ([]byte, error) { return ev.MarshalMsg(dst) }) {
			time.Sleep(time.Millisecond)
		}
	}
	r.consumed(before + uint64(n))
	m.seen(r)
}

// feature is what a proxy on this machine reads of the client now.
func (m *machine) feature(r *running, name string) float32 {
	r.t.Helper()
	store, err := featurestore.Open(r.dir.Features())
	if err != nil {
		r.t.Fatal(err)
	}
	defer store.Close()
	selection := store.Select([]string{"ip"}, []string{name})
	seed, _ := selection.ResolveSeed()
	ev := visit(1, "/", m.now())
	value := make([]float32, 1)
	if _, err := selection.Read(value, []uint64{traffic.NewKeys(&ev, seed)[traffic.DimIP]}, m.now().UnixNano()); err != nil {
		r.t.Fatal(err)
	}
	return value[0]
}

const day = 24 * time.Hour

// The clock of a running daemon is wrong for five requests and set right again: features are what
// they are without that, no key is lost, and each step is logged and counted.
func TestClockIsSetUnderTheDaemon(t *testing.T) {
	for _, wrong := range []time.Duration{30 * time.Second, time.Hour, 4 * time.Hour, 365 * day, -time.Hour, -3650 * day} {
		t.Run(wrong.String(), func(t *testing.T) {
			m := newMachine()
			r := m.startDaemon(t, daemon.Config{})
			p := proxy(t, r.dir)
			m.visits(r, p, 3)
			m.set.Store(int64(wrong))
			m.seen(r)
			m.visits(r, p, 5)
			m.set.Store(0)
			m.seen(r)
			m.visits(r, p, 60)
			if n := m.feature(r, "ip/requests_10s"); n < 9 || n > 11 {
				t.Errorf("%v requests in ten seconds at one a second", n)
			}
			if n := m.feature(r, "ip/requests_1h"); n < 66 || n > 68 {
				t.Errorf("%v requests in an hour, want nearly 68", n)
			}
			m.pass(20 * time.Second)
			if n := m.feature(r, "ip/requests_10s"); n < 1 || n > 2 {
				t.Errorf("%v requests in ten seconds after twenty seconds of silence", n)
			}
			s := r.Stats()
			if s.ClockSteps != 2 || s.Window.Expired[traffic.DimIP] != 0 || s.FutureTimes != 0 || r.log.count("the clock was set") != 2 {
				t.Errorf("%d steps, %d keys expired, %d events of the future; log:\n%s", s.ClockSteps, s.Window.Expired[traffic.DimIP], s.FutureTimes, r.log)
			}
			if _, metrics := get(r.Daemon, "/metrics"); !strings.Contains(metrics, "\nheadgate_clock_steps_total 2\n") {
				t.Errorf("the metrics do not tell of two steps")
			}
		})
	}
}

// The same with a restart between, of the daemon or of the machine.
func TestClockIsSetBetweenDaemons(t *testing.T) {
	for _, wrong := range []time.Duration{30 * time.Second, time.Hour, 365 * day, 3650 * day} {
		for _, reboot := range []bool{false, true} {
			m := newMachine()
			m.set.Store(int64(wrong))
			first := m.startDaemon(t, daemon.Config{})
			p := proxy(t, first.dir)
			m.visits(first, p, 5)
			if err := first.stop(); err != nil {
				t.Fatal(err)
			}
			m.set.Store(0)
			if reboot {
				m.boot.Add(1)
			}
			r := m.startDaemon(t, daemon.Config{Dir: string(first.dir)})
			m.visits(r, p, 60)
			if n := m.feature(r, "ip/requests_10s"); n < 9 || n > 11 {
				t.Errorf("clock %v ahead, reboot %v: %v requests in ten seconds at one a second", wrong, reboot, n)
			}
			m.pass(20 * time.Second)
			if n := m.feature(r, "ip/requests_10s"); n < 1 || n > 2 {
				t.Errorf("clock %v ahead, reboot %v: %v requests in ten seconds after twenty seconds of silence", wrong, reboot, n)
			}
			if n := m.feature(r, "ip/requests_1h"); n < 60 || n > 66 {
				t.Errorf("clock %v ahead, reboot %v: %v requests in an hour", wrong, reboot, n)
			}
			if r.log.count("the clock was set") != 1 {
				t.Errorf("clock %v ahead, reboot %v; log:\n%s", wrong, reboot, r.log)
			}
		}
	}
}

// A daemon that starts while the clock is hours ahead drops no client, unless the machine was
// booted meanwhile.
func TestDaemonStartsWithAClockAhead(t *testing.T) {
	m := newMachine()
	first := m.startDaemon(t, daemon.Config{})
	m.visits(first, proxy(t, first.dir), 5)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	m.set.Store(int64(4 * time.Hour))
	second := m.startDaemon(t, daemon.Config{Dir: string(first.dir)})
	if s := second.Stats(); s.Window.Keys[traffic.DimIP] != 1 || m.feature(second, "ip/requests_1h") < 4.9 {
		t.Errorf("%d addresses, %v requests in an hour", s.Window.Keys[traffic.DimIP], m.feature(second, "ip/requests_1h"))
	}
}

// The clocks of this machine advance together, so a step of the wall clock is recognizable.
func TestMachineClocks(t *testing.T) {
	clock := daemon.OpenClock()
	before := clock()
	time.Sleep(20 * time.Millisecond)
	after := clock()
	passed := after.Running - before.Running
	if before.Boot == 0 || before.Boot != after.Boot || passed < 20e6 || passed > int64(patience) {
		t.Errorf("%+v, then %+v", before, after)
	}
	dir := t.TempDir()
	id, missing := filepath.Join(dir, "id"), filepath.Join(dir, "missing")
	boots := []uint64{daemon.BootID(missing, missing)}
	for _, text := range []string{"one", "two"} {
		if err := os.WriteFile(id, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		boots = append(boots, daemon.BootID(id, missing), daemon.BootID(id, "/proc/self/ns/net"))
	}
	if boots[0] != 0 || len(slices.Compact(slices.Sorted(slices.Values(boots)))) != len(boots) {
		t.Errorf("%x: two boots are the same, or an unknown one is known", boots)
	}
}
