package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
)

// interval keeps the tests short; nothing depends on its length.
const interval = 20 * time.Millisecond

// unhurried is the interval of a daemon that is ready on a slow machine too: what it published last
// may be five intervals old.
const unhurried = 10 * interval

// patience is how long a test waits for what must come. It is generous, since machines stall.
const patience = time.Minute

// A daemon's end waits as long for its last publication, which these tests look at.
func init() { daemon.ReplaceTable(func(t window.Table) window.Table { return t }, patience) }

// running is a daemon at work in this process.
type running struct {
	*daemon.Daemon
	t      *testing.T
	dir    hostdir.Dir
	log    *journal
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // read after ended
}

// start opens a daemon and lets it run until the test ends or stop is called.
func start(t *testing.T, config daemon.Config) *running {
	t.Helper()
	return startBy(t, config, daemon.Open)
}

// startBy does the same with another way to open it.
func startBy(t *testing.T, config daemon.Config, open func(daemon.Config) (*daemon.Daemon, error)) *running {
	t.Helper()
	log := &journal{}
	if config.Dir == "" {
		config.Dir = filepath.Join(t.TempDir(), "headgate")
	}
	if config.Interval == 0 {
		config.Interval = interval
	}
	if config.Window.MaxKeys == 0 {
		config.Window.MaxKeys = 4096 // small files are made quickly
	}
	config.Log = slog.New(slog.NewTextHandler(log, nil))
	d, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Daemon: d, t: t, dir: hostdir.Dir(config.Dir), log: log, cancel: cancel, ended: make(chan struct{})}
	go func() {
		r.err = d.Run(ctx)
		close(r.ended)
	}()
	t.Cleanup(func() { r.stop() })
	return r
}

// stop ends the daemon as SIGTERM does and returns what Run returned.
func (r *running) stop() error {
	r.cancel()
	<-r.ended
	return r.err
}

// until waits for something to become true.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(interval / 4) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within %v; stats %+v; log:\n%s", what, patience, r.Stats(), r.log)
		}
	}
}

// consumed waits until so many events are in the published table.
func (r *running) consumed(events uint64) {
	r.t.Helper()
	r.until("events", func() bool { return r.Stats().Rings.Events >= events })
}

// journal is what a daemon logged.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}

func (j *journal) count(text string) int { return strings.Count(j.String(), text) }

// proxy makes a ring in a daemon's directory, as a proxy process does.
func proxy(t *testing.T, dir hostdir.Dir) *ring.Producer {
	t.Helper()
	p, err := ring.Create(dir.Events(), ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// report puts events into a ring, and waits where it is full.
func report(t *testing.T, p *ring.Producer, events ...traffic.Event) {
	t.Helper()
	for i := range events {
		put(t, p, func(dst []byte) ([]byte, error) { return events[i].MarshalMsg(dst) })
	}
}

func put(t *testing.T, p *ring.Producer, encode func([]byte) ([]byte, error)) {
	t.Helper()
	for deadline := time.Now().Add(patience); !p.Put(encode); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("the ring stays full")
		}
	}
}

// visit is an event of a client that is known by a number.
func visit(client int, path string, at time.Time) traffic.Event {
	ev := traffic.Event{Time: at.UnixNano(), Method: "GET", Host: "a.test", Status: 200, Bytes: 100, Version: 11, Duration: 1e6,
		Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown}
	ev.SetClient(netip.AddrFrom4([4]byte{10, byte(client >> 16), byte(client >> 8), byte(client)}))
	ev.SetPath(path)
	ev.SetUserAgent("test/1")
	return ev
}

// row is a key's row as it is published.
type row struct {
	stamp  int64
	values []float32
}

// published returns all rows by dimension and key.
func published(t *testing.T, dir hostdir.Dir) map[string]map[uint64]row {
	t.Helper()
	all := make(map[string]map[uint64]row)
	view(t, dir, func(table *featurestore.Table) {
		for i, d := range table.Schema.Dimensions {
			rows := make(map[uint64]row)
			table.Each(i, func(key uint64, stamp int64, values []float32) {
				rows[key] = row{stamp, append([]float32(nil), values...)}
			})
			all[d.Name] = rows
		}
	})
	return all
}

func view(t *testing.T, dir hostdir.Dir, look func(*featurestore.Table)) {
	t.Helper()
	store, err := featurestore.Open(dir.Features())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.View(func(table *featurestore.Table) error { look(table); return nil }); err != nil {
		t.Fatal(err)
	}
}

func readSeed(t *testing.T, dir hostdir.Dir) (seed uint64) {
	t.Helper()
	view(t, dir, func(table *featurestore.Table) { seed = table.Seed })
	return seed
}

// openError opens a daemon that must not open.
func openError(t *testing.T, config daemon.Config) string {
	t.Helper()
	d, err := daemon.Open(config)
	if err == nil {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = errors.Join(errors.New("it opened"), d.Run(ctx))
		t.Error(err)
	}
	return err.Error()
}
