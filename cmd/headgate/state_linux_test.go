package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
)

const knownClient = "203.0.113.7"

// visitDaemon reports visits of the client that these tests know, now.
func visitDaemon(t *testing.T, dir string, visits int) {
	t.Helper()
	p, err := ring.Create(hostdir.Dir(dir).Events(), ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ev := clientEvent(time.Now())
	for range visits {
		p.Put(func(dst []byte) ([]byte, error) { return ev.MarshalMsg(dst) })
	}
}

func clientEvent(at time.Time) traffic.Event {
	ev := traffic.Event{Time: at.UnixNano(), Method: "GET", Path: "/"}
	ev.SetClient(netip.MustParseAddr(knownClient))
	return ev
}

// requests is what inspect prints of the client's requests in a window; below 0: it is not known.
func requests(t *testing.T, dir, window string) float32 {
	t.Helper()
	status, text, _ := run(t, "inspect", dir, "--key", "ip="+knownClient, "--json")
	var row struct{ Features map[string]*float32 }
	if status != exitOK || json.Unmarshal([]byte(text), &row) != nil || row.Features["requests_"+window] == nil {
		return -1
	}
	return *row.Features["requests_"+window]
}

// awaitPublication waits until a daemon has published something new in dir.
func awaitPublication(t *testing.T, dir string, after time.Time) {
	t.Helper()
	until(t, "a publication", func() bool { return publishedAt(dir).After(after) })
}

// seedIn is the seed of the table that is published in dir.
func seedIn(t *testing.T, dir string) (seed uint64) {
	t.Helper()
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.View(func(table *featurestore.Table) error { seed = table.Seed; return nil }); err != nil {
		t.Fatal(err)
	}
	return seed
}

// A daemon whose clock was ahead has taken in five requests and left a checkpoint. Its successor's
// clock is right: the requests count as just now, fade, and new ones are counted as they come.
func TestRestartAfterTheClockWasAhead(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		dir := filepath.Join(t.TempDir(), "hg")
		begun := time.Now()
		first := spawn(t, account{}, nil, "run", "--listen", "", "--interval", "50ms", "--dir", dir)
		awaitPublication(t, dir, begun)
		first.term(t)
		leaveCheckpoint(t, dir, seedIn(t, dir), time.Now().Add(ahead), 5)

		restarted := time.Now()
		spawn(t, account{}, nil, "run", "--listen", "", "--interval", "50ms", "--dir", dir)
		awaitPublication(t, dir, restarted)
		visitDaemon(t, dir, 5)
		until(t, "the requests of both daemons", func() bool { return requests(t, dir, "1h") > 9.5 })
		until(t, fmt.Sprint("requests to fade, where the clock was ahead by ", ahead), func() bool { return requests(t, dir, "10s") < 8 })
		if n := requests(t, dir, "1h"); n < 9 || n > 10 {
			t.Errorf("clock ahead by %v: %v requests in an hour, want nearly 10", ahead, n)
		}
	}
}

// leaveCheckpoint writes what a daemon leaves that has taken in visits of the client by a clock
// that showed now.
func leaveCheckpoint(t *testing.T, dir string, seed uint64, now time.Time, visits int) {
	t.Helper()
	a, err := window.New(window.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range visits {
		at := now.Add(time.Duration(i-visits) * 10 * time.Millisecond)
		a.Tick(at.UnixNano())
		ev := clientEvent(at)
		var o traffic.Observation
		traffic.Observe(&ev, seed, &o)
		a.Add(&o)
	}
	a.Tick(now.UnixNano())
	if err := a.Checkpoint(hostdir.Dir(dir).Checkpoint(), seed); err != nil {
		t.Fatal(err)
	}
}

// Checkpoints in a directory of their own outlive the loss of the shared one, as with a reboot: the
// table is made anew and the client is still known. Nobody else may keep checkpoints there
// meanwhile.
func TestStateDirectoryOutlivesTheSharedOne(t *testing.T) {
	place := t.TempDir()
	dir, state := filepath.Join(place, "shm"), filepath.Join(place, "state")
	args := []string{"run", "--listen", "", "--interval", "50ms", "--max-keys", "1000", "--state-dir", state, "--dir"}
	begun := time.Now()
	first := spawn(t, account{}, nil, append(args, dir)...)
	awaitPublication(t, dir, begun)
	visitDaemon(t, dir, 3)
	until(t, "the client's row", func() bool { return requests(t, dir, "1h") > 2.5 })
	spawn(t, account{}, nil, append(args, filepath.Join(place, "other"))...).refused(t, state, "another headgate run keeps its state", "--state-dir")
	first.term(t)
	if _, err := os.Stat(hostdir.Dir(dir).Checkpoint()); err == nil {
		t.Error("there is a checkpoint in the shared directory")
	}
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	again := time.Now()
	spawn(t, account{}, nil, append(args, dir)...)
	awaitPublication(t, dir, again)
	if n := requests(t, dir, "1h"); n < 2.5 {
		t.Errorf("%v requests of the client after the loss of the shared directory", n)
	}
}

// A checkpoint of a format that this release does not know stays on the disk under another name,
// and the daemon starts.
func TestUnknownCheckpointIsSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	checkpoint := hostdir.Dir(dir).Checkpoint()
	text := "HGCPNT99 written by a later release"
	for i := range 6 {
		p := spawn(t, account{}, nil, "run", "--listen", "", "--interval", "50ms", "--max-keys", "1000", "--dir", dir)
		if !p.running(t) {
			t.Fatal("the daemon does not start")
		}
		p.term(t)
		if i > 0 && (strings.Count(p.said.String(), "level=WARN") != 1 || !strings.Contains(p.said.String(), checkpoint+".unused-")) {
			t.Errorf("the log does not name the new place:\n%s", p.said.String())
		}
		write(t, checkpoint, []byte(text+fmt.Sprint(i)))
	}
	kept, err := filepath.Glob(checkpoint + ".unused-*")
	if err != nil || len(kept) != 4 {
		t.Errorf("%q are kept, %v; want four", kept, err)
	}
	for _, path := range kept {
		if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), text) {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
}

// Where nothing is named, a daemon that may keeps its state in /var/lib/headgate, and one that may
// not in the shared directory.
func TestDefaultStateDirectory(t *testing.T) {
	needsRoot(t)
	for uid, want := range map[int]string{0: "/var/lib/headgate/checkpoint", 65534: "/dev/shm/headgate/checkpoint"} {
		p := spawn(t, account{}, []string{withTmpfs + "=16m:/dev/shm 1m,mode=755:/var/lib 1m,mode=755:/run", withAccount + fmt.Sprintf("=%d", uid)},
			"run", "--listen", "", "--interval", "50ms", "--max-keys", "1000")
		if !p.running(t) {
			t.Fatal("the daemon does not start")
		}
		inside := fmt.Sprintf("/proc/%d/root", p.Process.Pid)
		until(t, "checkpoint in "+want, func() bool {
			_, err := os.Stat(inside + want)
			return err == nil
		})
		for _, path := range []string{"/var/lib/headgate/checkpoint", "/dev/shm/headgate/checkpoint"} {
			if _, err := os.Stat(inside + path); path != want && err == nil {
				t.Errorf("user %d: there is %s, too", uid, path)
			}
		}
		p.term(t)
	}
}

// Inspect reports that a table published by a clock that was ahead is from the future.
func TestInspectOfAPublicationFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	a, err := window.New(window.Config{MaxKeys: 100})
	if err != nil {
		t.Fatal(err)
	}
	p, err := featurestore.OpenPublisher(hostdir.Dir(dir).Features(), a.Schema(), featurestore.PublisherConfig{Capacity: a.Capacity()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := a.Publish(p, time.Now().Add(time.Hour).UnixNano()); err != nil {
		t.Fatal(err)
	}
	status, text, errOut := run(t, "inspect", dir)
	if status != exitOK || !strings.Contains(text, " s in the future by this clock, ") {
		t.Errorf("exit status %d, %.200q, %q", status, text, errOut)
	}
}

// With another seed a daemon has no history, and a key that was shown before is unknown. The seed
// stays when it starts again.
func TestNewSeedForgetsEverybody(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	start := func(args ...string) *spawned {
		begun := time.Now()
		d := spawn(t, account{}, nil, append([]string{"run", "--listen", "", "--interval", "50ms", "--max-keys", "1024", "--dir", dir}, args...)...)
		awaitPublication(t, dir, begun)
		return d
	}
	shown := func() string { return top(t, dir, "ip/requests_1h", "-n", "1").Top[0].Key }

	first := start()
	visitDaemon(t, dir, 5)
	until(t, "the visits", func() bool { return requests(t, dir, "1h") > 4 })
	seed, key := seedIn(t, dir), shown()
	first.term(t)
	start().term(t)
	if seedIn(t, dir) != seed || requests(t, dir, "1h") < 4 || shown() != key {
		t.Errorf("after a restart: seed %#x, before %#x; %v requests; shown as %s, before %s", seedIn(t, dir), seed, requests(t, dir, "1h"), shown(), key)
	}

	renewed := start("--new-seed")
	if n := requests(t, dir, "1h"); seedIn(t, dir) == seed || n >= 0 {
		t.Errorf("with another seed: seed %#x, before %#x; %v requests", seedIn(t, dir), seed, n)
	}
	visitDaemon(t, dir, 5)
	until(t, "the visits", func() bool { return requests(t, dir, "1h") > 4 })
	if status, out, _ := run(t, "inspect", dir, "--key", "ip="+key); status != exitFailure {
		t.Errorf("the key that was shown before leads to %s", out)
	}
	other := seedIn(t, dir)
	renewed.term(t)
	start().term(t)
	if seedIn(t, dir) != other || requests(t, dir, "1h") < 4 {
		t.Errorf("after a restart: seed %#x, before %#x; %v requests", seedIn(t, dir), other, requests(t, dir, "1h"))
	}
}
