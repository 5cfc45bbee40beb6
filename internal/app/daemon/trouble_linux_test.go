package daemon_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/ring"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"golang.org/x/sys/unix"
)

// runOnce runs a daemon that is stopped at once.
func runOnce(t *testing.T, d *daemon.Daemon) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return d.Run(ctx)
}

// get asks a daemon's endpoint.
func get(d *daemon.Daemon, path string) (status int, body string) {
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	r := start(t, daemon.Config{})
	p := proxy(t, r.dir)
	report(t, p, visit(1, "/", time.Now()), visit(2, "/", time.Now()))
	put(t, p, func(dst []byte) ([]byte, error) { return append(dst, 0xc1), nil })
	r.consumed(3)
	status, body := get(r.Daemon, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("the metrics do not parse, or are badly named: %v, %v", problems, err)
	}
	for _, want := range []string{
		"headgate_events_total 3", "headgate_events_undecodable_total 1", "headgate_rings 1", `headgate_keys{dimension="ip"} 2`,
		`headgate_keys_evicted_total{dimension="ip_ua"} 0`, "headgate_failures_total 0", "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("%q is missing", want)
		}
	}
	if regexp.MustCompile(`10\.0\.0\.[12]|test/1|a\.test`).MatchString(body) {
		t.Errorf("the metrics hold a client's data:\n%s", body)
	}
}

func TestEndpoints(t *testing.T) {
	r := start(t, daemon.Config{Listen: "127.0.0.1:0", Interval: 5 * time.Second}) // ready for long after the first publication
	r.until("listening", func() bool { return strings.Contains(r.log.String(), "address=") })
	address := regexp.MustCompile(`address=(http://\S+)`).FindStringSubmatch(r.log.String())[1]
	r.until("publication", func() bool { return r.Stats().Publishes > 0 })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/debug/pprof/": 404} {
		response, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, response.StatusCode, want)
		}
	}
	if response, err := http.Post(address+"/healthz", "", nil); err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", response, err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if response, err := http.Get(address + "/healthz"); err == nil {
		t.Errorf("it still answers after its end: %d", response.StatusCode)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := start(t, daemon.Config{Listen: taken.Addr().String()})
	<-r.ended
	want := taken.Addr().String() + " is in use; name another port with --listen (127.0.0.1:0 takes a free one)"
	if r.err == nil || r.err.Error() != want {
		t.Errorf("%v, want %q", r.err, want)
	}
}

func TestNotReadyBeforeTheFirstPublication(t *testing.T) {
	d, err := daemon.Open(daemon.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer runOnce(t, d)
	if status, body := get(d, "/readyz"); status != http.StatusServiceUnavailable || body != "nothing is published yet\n" {
		t.Errorf("%d %q", status, body)
	}
}

// hold keeps the current publication, as a stuck reader does: the daemon then needs a new file. The
// returned function releases it, and returns the number of clients in it.
func hold(t *testing.T, r *running) (release func() int) {
	t.Helper()
	store, err := featurestore.Open(r.dir.Features())
	if err != nil {
		t.Fatal(err)
	}
	held, done, clients := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	go func() {
		defer close(clients)
		if err := store.View(func(table *featurestore.Table) error {
			close(held)
			<-done
			clients <- table.Keys(0)
			return nil
		}); err != nil {
			t.Error(err)
		}
	}()
	<-held
	return func() int {
		defer store.Close()
		close(done)
		return <-clients
	}
}

// crowd reports clients.
func crowd(t *testing.T, p *ring.Producer, first, clients int) {
	t.Helper()
	var events []traffic.Event
	for i := range clients {
		events = append(events, visit(first+i, "/", time.Now()))
	}
	report(t, p, events...)
}

// When the directory is taken away and cannot be made again, the daemon says so once and is not
// ready; it takes in what proxies report through what they have mapped, and when the directory is
// back, all is well.
func TestTroubleAndRecovery(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "parent")
	if err := os.Mkdir(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	r := start(t, daemon.Config{Dir: filepath.Join(parent, "headgate"), Interval: unhurried, Checkpoint: unhurried}) // a failed one is soon written again
	p := proxy(t, r.dir)
	report(t, p, visit(0, "/", time.Now()))
	r.consumed(1)
	release := hold(t, r)
	if err := os.Rename(parent, parent+".away"); err != nil {
		t.Fatal(err)
	}
	crowd(t, p, 1, 2000)
	for _, want := range []string{"the last publication is ", "owning " + string(r.dir), "there is no directory " + parent} {
		r.until("503 and "+want, func() bool {
			status, body := get(r.Daemon, "/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, want)
		})
	}
	if status, _ := get(r.Daemon, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	if gauge := troubleGauges(t, r.Daemon)["directory"]; gauge != "1" {
		t.Errorf("headgate_trouble of the directory is %q", gauge)
	}
	until := time.Now().Add(2 * unhurried) // several attempts
	r.until("more attempts", func() bool { return time.Now().After(until) })
	if err := os.Rename(parent+".away", parent); err != nil {
		t.Fatal(err)
	}
	recovered(t, r, 2001)
	release()
	for _, message := range []string{"trouble owning", "no more trouble owning"} {
		if n := r.log.count(`msg="headgate: ` + message); n != 1 {
			t.Errorf("%q was logged %d times:\n%s", message, n, r.log)
		}
	}
	if s := r.Stats(); s.Rings.Events != 2001 || s.Rings.Dropped != 0 {
		t.Errorf("%+v, want the 2,000 events of meanwhile", s.Rings)
	}
}

// recovered waits until the daemon is ready and has published all clients.
func recovered(t *testing.T, r *running, clients int) {
	t.Helper()
	r.until("200", func() bool { status, _ := get(r.Daemon, "/readyz"); return status == http.StatusOK })
	r.until("no trouble", func() bool { return r.Stats().Trouble == "" })
	var n int
	r.until("all clients", func() bool { n = len(published(t, r.dir)["ip"]); return n >= clients })
	if n != clients {
		t.Errorf("%d clients are published, want %d", n, clients)
	}
}

// A full file system is trouble that the daemon reports and survives. A reader meanwhile reads
// what was there.
func TestFullFileSystem(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("mounting a tmpfs of 24 MiB: %v: run as root (CAP_SYS_ADMIN) to test a full file system", err)
	}
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	r := start(t, daemon.Config{Dir: filepath.Join(mount, "headgate"), Interval: unhurried, Checkpoint: unhurried,
		Window: window.Config{MaxKeys: 3000, Promote: 1}})
	p := proxy(t, r.dir)
	report(t, p, visit(0, "/", time.Now()))
	r.consumed(1)
	release := hold(t, r)
	filler := fill(t, mount)
	crowd(t, p, 1, 2000)
	for _, want := range []string{"publishing to " + r.dir.Features(), r.dir.Checkpoint(), "no space left on device"} {
		r.until("503 and "+want, func() bool {
			status, body := get(r.Daemon, "/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, want)
		})
	}
	if n := release(); n != 1 {
		t.Errorf("who held the table reads %d clients, want the one of before", n)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	recovered(t, r, 2001)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	again := start(t, daemon.Config{Dir: string(r.dir), Interval: unhurried, Window: window.Config{MaxKeys: 3000, Promote: 1}})
	recovered(t, again, 2001)
}

// fill takes all the remaining space and returns the file that takes it.
func fill(t *testing.T, mount string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(mount, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for range 1 << 20 {
		if _, err := f.Write(block); err != nil {
			return f.Name()
		}
	}
	t.Fatal("the file system never gets full")
	return ""
}
