package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// Every key of every event is published with the row of a hand-driven aggregation.
func TestFeaturesAppear(t *testing.T) {
	r := start(t, daemon.Config{})
	now := time.Now().Add(-time.Minute)
	var events []traffic.Event
	for i := range 500 {
		ev := visit(i%40, fmt.Sprintf("/%d", i%7), now.Add(time.Duration(i)*100*time.Millisecond))
		ev.Status = uint16(200 + 204*(i%3/2))
		ev.Session = uint64(i % 5)
		events = append(events, ev)
	}
	report(t, proxy(t, r.dir), events...)
	r.consumed(500)
	compareRows(t, published(t, r.dir), byHand(t, readSeed(t, r.dir), events))
}

// byHand aggregates events without a daemon.
func byHand(t *testing.T, seed uint64, events []traffic.Event) map[string]map[uint64]row {
	t.Helper()
	a, err := window.New(window.Config{})
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[traffic.Dimension]map[uint64]bool)
	for i := range events {
		var o traffic.Observation
		traffic.Observe(&events[i], seed, &o)
		a.Add(&o)
		for d, key := range o.Keys {
			if keys[traffic.Dimension(d)] == nil {
				keys[traffic.Dimension(d)] = make(map[uint64]bool)
			}
			keys[traffic.Dimension(d)][key] = key != 0
		}
	}
	all := make(map[string]map[uint64]row)
	for i, d := range a.Schema().Dimensions {
		all[d.Name] = make(map[uint64]row)
		dimension, _ := traffic.DimensionByName(d.Name)
		for key, set := range keys[dimension] {
			values := make([]float32, len(a.Schema().Dimensions[i].Columns))
			if last, ok := a.Row(dimension, key, values); ok && set {
				all[d.Name][key] = row{featurestore.Stamp(last), values}
			}
		}
	}
	return all
}

// compareRows wants the same keys with the same bits.
func compareRows(t *testing.T, got, want map[string]map[uint64]row) {
	t.Helper()
	rows := 0
	for dimension := range want {
		if len(got[dimension]) != len(want[dimension]) {
			t.Errorf("%s: %d keys, want %d", dimension, len(got[dimension]), len(want[dimension]))
		}
		for key, w := range want[dimension] {
			g := got[dimension][key]
			if g.stamp != w.stamp || !sameBits(g.values, w.values) {
				t.Fatalf("%s: key %#x is %v, want %v", dimension, key, g, w)
			}
			rows++
		}
	}
	if rows == 0 || len(got) != len(want) {
		t.Errorf("%d rows compared in %d dimensions of %d", rows, len(want), len(got))
	}
}

func sameBits(a, b []float32) bool {
	for i := range a {
		if len(a) != len(b) || math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// Bytes that are no event, and events with times that cannot be, are counted; what comes after them
// is taken in.
func TestEventsAreUntrusted(t *testing.T) {
	r := start(t, daemon.Config{})
	p := proxy(t, r.dir)
	for _, b := range [][]byte{{0xc1}, []byte("GET / HTTP/1.1"), {0x81, 0xa1, 't'}, bytes.Repeat([]byte{0x91}, 900), bytes.Repeat([]byte{0xff}, 1000)} {
		put(t, p, func(dst []byte) ([]byte, error) { return append(dst, b...), nil })
	}
	now := time.Now()
	future, past := visit(1, "/", now.Add(time.Hour)), visit(2, "/", now)
	past.Time = math.MinInt64
	refused := visit(3, "/", now)
	refused.Refused = true
	large := visit(4, strings.Repeat("/x", 100), now)
	large.Bytes, large.Duration = math.MaxUint64, math.MaxUint64
	report(t, p, future, past, refused, large, visit(2, "/", now))
	r.consumed(10)
	s := r.Stats()
	if s.Undecodable != 5 || s.FutureTimes != 1 || s.Refused != 1 || s.Oversized != 1 {
		t.Errorf("%d undecodable, %d from the future, %d refused, %d oversized; want 5, 1, 1, 1", s.Undecodable, s.FutureTimes, s.Refused, s.Oversized)
	}
	if keys := s.Window.Keys[traffic.DimIP]; keys != 4 {
		t.Errorf("%d client addresses, want 4", keys)
	}
	key := traffic.NewKeys(&future, readSeed(t, r.dir))[traffic.DimIP]
	if stamp := published(t, r.dir)["ip"][key].stamp; time.Unix(0, stamp).After(time.Now()) {
		t.Errorf("an event from the future is stamped %v", time.Unix(0, stamp))
	}
}

// Events that wait when the daemon is stopped are still published, and the next daemon has all
// rows.
func TestEndKeepsEverything(t *testing.T) {
	r := start(t, daemon.Config{Interval: time.Second})
	p := proxy(t, r.dir)
	var events []traffic.Event
	for i := range 3000 {
		events = append(events, visit(i%100, "/", time.Now()))
	}
	report(t, p, events...)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	want := byHand(t, readSeed(t, r.dir), events)
	compareRows(t, published(t, r.dir), want)

	again := start(t, daemon.Config{Dir: string(r.dir)})
	again.until("publication", func() bool { return again.Stats().Publishes > 0 })
	compareRows(t, published(t, r.dir), want)
	if again.log.count("checkpoint restored") != 1 {
		t.Errorf("the log does not tell of the checkpoint:\n%s", again.log)
	}
	events = append(events, visit(5, "/later", time.Now()))
	report(t, p, events[3000])
	again.consumed(1)
	compareRows(t, published(t, r.dir), byHand(t, readSeed(t, r.dir), events))
}

// A damaged checkpoint does not keep the daemon from starting, but is reported.
func TestDamagedCheckpoint(t *testing.T) {
	r := start(t, daemon.Config{})
	report(t, proxy(t, r.dir), visit(1, "/", time.Now()))
	r.consumed(1)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(r.dir.Checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	for _, path := range []string{r.dir.Checkpoint(), r.dir.Checkpoint() + ".old"} { // the older one would be used
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := start(t, daemon.Config{Dir: string(r.dir)})
	again.until("publication", func() bool { return again.Stats().Publishes > 0 })
	if n := len(published(t, r.dir)["ip"]); n != 0 {
		t.Errorf("%d rows come from a damaged checkpoint", n)
	}
	if again.log.count("level=WARN") != 1 || again.log.count("starting empty") != 1 || again.log.count(r.dir.Checkpoint()) == 0 {
		t.Errorf("the log does not tell what happened:\n%s", again.log)
	}
}

// Opening and ending again and again in one process leaves no lock behind, also where opening or
// running fails.
func TestOpenAgain(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		r := start(t, daemon.Config{Dir: dir})
		if why := openError(t, daemon.Config{Dir: dir}); !strings.Contains(why, "another headgate run owns") {
			t.Fatal(why)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	bad := start(t, daemon.Config{Dir: dir, Listen: "127.0.0.1:99999"})
	<-bad.ended
	if bad.err == nil {
		t.Error("a port that cannot be is served")
	}
	if err := start(t, daemon.Config{Dir: dir}).stop(); err != nil {
		t.Error(err)
	}
}

// Of many that start at the same moment in a new place, one gets it.
func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	const starters = 8
	results := make(chan error, starters)
	var owner *daemon.Daemon
	for range starters {
		go func() {
			d, err := daemon.Open(daemon.Config{Dir: dir})
			if err == nil {
				owner = d // one at most; the channel orders it
			}
			results <- err
		}()
	}
	owners := 0
	for range starters {
		switch err := <-results; {
		case err == nil:
			owners++
		case !strings.Contains(err.Error(), "another headgate run owns this directory"):
			t.Error(err)
		}
	}
	if owners != 1 {
		t.Fatalf("%d owners, want 1", owners)
	}
	defer runOnce(t, owner)
	left := list(dir)
	if !strings.Contains(left, "headgate.lock") || strings.Contains(left, "headgate.lock.") {
		t.Errorf("the directory holds %q, want the marker and no drafts of it", left)
	}
}

// A flood of client addresses stays within the configured number of keys.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("300,000 events take a second or two; run without -short")
	}
	r := start(t, daemon.Config{Window: window.Config{MaxKeys: 1000}, Interval: 100 * time.Millisecond})
	p := proxy(t, r.dir)
	before := heap()
	const flood = 300_000
	now := time.Now()
	for i := range flood {
		report(t, p, visit(i, "/", now))
	}
	r.consumed(flood)
	s := r.Stats()
	for d := range traffic.NumDimensions {
		if s.Window.Keys[d] > 1000 {
			t.Errorf("%d keys of dimension %v, want 1000 at most", s.Window.Keys[d], d)
		}
	}
	if w := &s.Window; w.Keys[traffic.DimIP] < 500 || uint64(w.Keys[traffic.DimIP])+w.Evicted[traffic.DimIP]+w.Waiting[traffic.DimIP] != flood {
		t.Errorf("%d addresses kept, %d evicted, %d waiting", w.Keys[traffic.DimIP], w.Evicted[traffic.DimIP], w.Waiting[traffic.DimIP])
	}
	if grown := int64(heap() - before); grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if s.ImageBytes > 4<<20 {
		t.Errorf("the table has %d bytes", s.ImageBytes)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A proxy that was there before the daemon, and one that came and went while it was away, lose
// nothing.
func TestEventsWaitForTheDaemon(t *testing.T) {
	r := start(t, daemon.Config{})
	p := proxy(t, r.dir)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	report(t, p, visit(1, "/", time.Now()))
	gone := proxy(t, r.dir)
	report(t, gone, visit(2, "/", time.Now()))
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, daemon.Config{Dir: string(r.dir)})
	again.consumed(2)
	again.until("removal of the dead proxy's ring", func() bool { return again.Stats().Rings.Removed == 1 })
	if n := again.Stats().Window.Keys[traffic.DimIP]; n != 2 {
		t.Errorf("%d client addresses, want 2", n)
	}
}

// The zero interval and checkpoint are defaults; what cannot be is refused.
func TestConfig(t *testing.T) {
	for want, c := range map[string]daemon.Config{
		"publications every 1ms":    {Interval: time.Millisecond},
		"checkpoints every 500ms":   {Checkpoint: 500 * time.Millisecond},
		"publications every -1s":    {Interval: -time.Second},
		"-1 keys":                   {Window: window.Config{MaxKeys: -1}},
		`"9477" is not host:port`:   {Listen: "9477"},
		"not a loopback address":    {Listen: "0.0.0.0:9477"},
		`":9477" is not a loopback`: {Listen: ":9477"},
		`"[2001:db8::1]:1" is not`:  {Listen: "[2001:db8::1]:1"},
	} {
		c.Dir = t.TempDir()
		if why := openError(t, c); !strings.Contains(why, want) || strings.Contains(why, "\n") {
			t.Errorf("%q, want %q", why, want)
		}
		if _, err := os.Lstat(hostdir.Dir(c.Dir).Lock()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a directory was taken before the configuration was checked", want)
		}
	}
}
