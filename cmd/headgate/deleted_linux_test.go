package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
	"golang.org/x/sys/unix"
)

// ask gets a page of a daemon's endpoints.
func (d *daemonProcess) ask(t *testing.T, path string) (status int, body string) {
	t.Helper()
	address := regexp.MustCompile(`address=(http://\S+)`)
	until(t, "endpoints", func() bool { return address.MatchString(d.said.String()) })
	response, err := http.Get(address.FindStringSubmatch(d.said.String())[1] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// metric reads one series.
func (d *daemonProcess) metric(t *testing.T, series string) float64 {
	t.Helper()
	_, body := d.ask(t, "/metrics")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("there is no series %s", series)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// decideOn decides on requests and reports them, as a proxy does, until end is called.
func decideOn(filter *proxyhook.Filter) (end func()) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			ev := traffic.Event{Method: "GET", Host: "a.test", Path: "/"}
			ev.SetClient(netip.MustParseAddr("127.0.0.1"))
			filter.Decide(&ev)
			a, _ := filter.Admit(&ev, "127.0.0.1:80", new(limits.TicketState))
			filter.Done(&ev, a.Ticket)
		}
	})
	return sync.OnceFunc(func() { close(stop); done.Wait() })
}

func removeAll(patterns ...string) error {
	var errs []error
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		errs = append(errs, err)
		for _, name := range names { // in one step, since a daemon may be making it again
			errs = append(errs, os.Rename(name, name+".gone"), os.RemoveAll(name+".gone"))
		}
		if len(names) == 0 {
			errs = append(errs, fmt.Errorf("%s: nothing to remove", pattern))
		}
	}
	return errors.Join(errs...)
}

// seldom are the arguments of a daemon that is ready on a slow machine too: what it published last
// may be five intervals old.
var seldom = []string{"--max-keys", "1024", "--interval", "1s"}

// What is deleted under a living daemon is noticed, made again, logged and counted; proxies
// decide with what they have mapped meanwhile, and what they report afterwards arrives in the new
// files.
func TestFilesDeletedUnderALivingDaemon(t *testing.T) {
	for name, c := range map[string]struct {
		below  []string // patterns of what is removed, below the directory
		series string
	}{
		"features":  {[]string{"features_*"}, `headgate_files_remade_total{what="features"}`},
		"state":     {[]string{"features_state"}, `headgate_files_remade_total{what="features"}`},
		"data":      {[]string{"features_data_*"}, `headgate_files_remade_total{what="features"}`},
		"policy":    {[]string{"policy_*"}, `headgate_files_remade_total{what="policy"}`},
		"limits":    {[]string{"limits"}, `headgate_files_remade_total{what="limits"}`},
		"rings":     {[]string{"events/*"}, `headgate_rings_unlinked_total`},
		"events":    {[]string{"events"}, `headgate_files_remade_total{what="events"}`},
		"marker":    {[]string{"headgate.lock"}, `headgate_files_remade_total{what="marker"}`},
		"content":   {[]string{"*"}, `headgate_files_remade_total{what="marker"}`},
		"directory": {[]string{""}, `headgate_files_remade_total{what="directory"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "hg")
			d := startProcess(t, dir, seldom...)
			until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
			var log printed
			filter, err := proxyhook.New(proxyhook.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer filter.Close()
			end := decideOn(filter)
			defer end()
			until(t, "events in the table", func() bool { return !lastEventAt(dir).IsZero() })
			for range 8 { // so that the proxy uses both copies of the table
				published := d.metric(t, "headgate_publications_total")
				until(t, "another publication", func() bool { return d.metric(t, "headgate_publications_total") > published })
				decided := filter.Stats().Decisions
				until(t, "decisions by it", func() bool { return filter.Stats().Decisions >= decided+5 })
			}
			before := filter.Stats()

			var removed []string
			for _, pattern := range c.below {
				removed = append(removed, filepath.Join(dir, pattern))
			}
			if err := removeAll(removed...); err != nil {
				t.Fatal(err)
			}
			until(t, "the count", func() bool { return d.metric(t, c.series) > 0 })
			until(t, "a word in the log", func() bool { return strings.Contains(d.said.String(), "removed") })
			for _, path := range []string{"headgate.lock", "events", "features_state", "features_readers", "policy_state", "limits"} {
				until(t, path, func() bool { _, err := os.Lstat(filepath.Join(dir, path)); return err == nil })
			}
			again := time.Now()
			until(t, "events of afterwards in the new table", func() bool { return lastEventAt(dir).After(again) })
			until(t, "ready without trouble", func() bool { status, body := d.ask(t, "/readyz"); return status == 200 && body == "ok\n" })
			until(t, "limits counted together", func() bool { return filter.Stats().Shared && d.metric(t, "headgate_limits_processes") == 1 })
			if s := filter.Stats(); s.NoFeatures != before.NoFeatures || s.Faults != 0 {
				t.Errorf("%d decisions without features, %d faults; log of the proxy:\n%s", s.NoFeatures-before.NoFeatures, s.Faults, log.String())
			}
			status, _, errOut := run(t, "run", "--dir", dir, "--listen", "")
			if status != exitFailure || !strings.Contains(errOut, "another headgate run owns this directory") {
				t.Errorf("a second daemon: exit status %d, %s", status, errOut)
			}
			end()
			d.ends(t)
		})
	}
}

// A directory by which another user has replaced ours is not used: nothing is written
// there, the daemon is not ready and says why, and goes on when it is gone.
func TestDirectoryIsReplacedBySomebodyElses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs another user's directory: run the tests as root")
	}
	scratch := inMemory(t)
	dir := filepath.Join(scratch, "hg")
	d := startProcess(t, dir, seldom...)
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	theirs := filepath.Join(scratch, "theirs")
	if err := errors.Join(os.Mkdir(theirs, 0o777), os.Chown(theirs, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	exchange(t, theirs, dir)
	if err := os.RemoveAll(theirs); err != nil {
		t.Fatal(err)
	}
	until(t, "503 and why", func() bool {
		status, body := d.ask(t, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "owning "+dir) && strings.Contains(body, "65534")
	})
	beats := time.Now().Add(200 * time.Millisecond) // several intervals
	until(t, "further looks", func() bool { return time.Now().After(beats) })
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v was made in somebody else's directory", err, entries)
	}
	if d.metric(t, `headgate_trouble{kind="directory"}`) != 1 {
		t.Error("the gauge does not show it")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	until(t, "ready", func() bool { status, body := d.ask(t, "/readyz"); return status == 200 && body == "ok\n" })
	if _, err := os.Lstat(hostdir.Dir(dir).Lock()); err != nil {
		t.Error(err)
	}
	d.ends(t)
}

// A daemon that was started in the place of a deleted directory owns it; the first one leaves it
// alone.
func TestDirectoryIsTakenByAnotherDaemon(t *testing.T) {
	scratch := inMemory(t)
	dir, other := filepath.Join(scratch, "hg"), filepath.Join(scratch, "other")
	first, second := startProcess(t, dir, seldom...), startProcess(t, other, seldom...)
	until(t, "publications", func() bool { return !publishedAt(dir).IsZero() && !publishedAt(other).IsZero() })
	exchange(t, other, dir)
	// Each has the other's directory now.
	for _, d := range []*daemonProcess{first, second} {
		until(t, "503 and why", func() bool {
			status, body := d.ask(t, "/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, "another headgate run owns this directory")
		})
	}
	exchange(t, other, dir)
	for _, d := range []*daemonProcess{first, second} {
		until(t, "ready", func() bool { status, _ := d.ask(t, "/readyz"); return status == 200 })
		d.ends(t)
	}
}

// exchange swaps two directories in one step, so that no daemon makes its own in between.
func exchange(t *testing.T, a, b string) {
	t.Helper()
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		t.Fatal(err)
	}
}

// inMemory makes a directory on a file system that can exchange directories.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "headgate-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
