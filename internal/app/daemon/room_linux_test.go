package daemon_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
)

// stalled is a table whose first publication takes as long as making its files does on a slow disk.
type stalled struct {
	window.Table
	begun, release chan struct{}
	once           sync.Once
}

func (s *stalled) Publish(now int64) error {
	s.once.Do(func() { close(s.begun) })
	<-s.release
	return s.Table.Publish(now)
}

// A daemon that is stopped while the files of its table are being made does not wait for them.
// What it knows is in the checkpoint, and once it is gone the next one starts.
func TestEndDoesNotWaitForLargeFiles(t *testing.T) {
	s := &stalled{begun: make(chan struct{}), release: make(chan struct{})}
	defer daemon.ReplaceTable(func(t window.Table) window.Table {
		if s.Table == nil { // only the first daemon's stalls
			s.Table = t
			return s
		}
		return t
	}, 50*time.Millisecond)()
	r := start(t, daemon.Config{})
	p := proxy(t, r.dir)
	<-s.begun
	report(t, p, visit(1, "/", time.Now()))
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		close(s.release)
		t.Fatalf("the daemon does not end within %v", patience)
	}
	if !strings.Contains(r.log.String(), "last publication took too long") {
		t.Errorf("the log does not say so:\n%s", r.log)
	}
	if _, err := os.Stat(r.dir.Checkpoint()); err != nil {
		t.Errorf("no checkpoint: %v", err)
	}
	close(s.release) // as the end of the process does
	r.until("the end of the files' making", func() bool {
		d, err := daemon.Open(daemon.Config{Dir: string(r.dir)})
		if err != nil {
			return false
		}
		return runOnce(t, d) == nil
	})
}

// Keys for which there can never be room are refused in one line that says what they would take and
// what there is, before any file of the table is made.
func TestKeysThatHaveNoRoom(t *testing.T) {
	for _, keys := range []int{window.MaxMaxKeys, math.MaxInt} {
		dir := filepath.Join(t.TempDir(), "headgate")
		why := openError(t, daemon.Config{Dir: dir, Window: window.Config{MaxKeys: keys}})
		for _, want := range []string{"iB in " + dir, "in all", "enough for ", "--max-keys", "--dir"} {
			if !strings.Contains(why, want) || strings.Contains(why, "\n") {
				t.Errorf("%d keys: %q does not say %q in one line", keys, why, want)
			}
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "features*")); len(files) > 0 {
			t.Errorf("%v were made", files)
		}
	}
}
