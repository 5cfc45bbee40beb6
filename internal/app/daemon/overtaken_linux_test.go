package daemon_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/app/daemon"
)

// A program that does not take the daemon's lock stores a version. The daemon publishes nothing
// more there, says why once, and leaves the word alone.
func TestADaemonWhoseFilesAnotherProgramPublishesToSaysSo(t *testing.T) {
	for _, name := range []string{"features_state", "policy_state"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, daemon.Config{})
			r.until("publication", func() bool { return r.Stats().Publishes > 2 })
			path := string(r.dir) + "/" + name
			r.until("both published", func() bool {
				b, err := os.ReadFile(path)
				return err == nil && string(b[:8]) != "\x00\x00\x00\x00\x00\x00\x00\x00"
			})
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			const theirs = "\x01\x02\x00\x00\x00\x03\x04\x05"
			if _, err := f.WriteAt([]byte(theirs), 0); err != nil {
				t.Fatal(err)
			}
			const why = "another program publishes here"
			r.until("trouble", func() bool {
				return strings.Contains(r.Stats().Trouble, why) && strings.Contains(r.Stats().Trouble, path)
			})
			if name == "features_state" {
				failed := r.Stats().Failed
				r.until("more failures", func() bool { return r.Stats().Failed > failed+2 })
				r.until("not ready", func() bool {
					status, text := get(r.Daemon, "/readyz")
					return status == http.StatusServiceUnavailable && strings.Contains(text, why)
				})
			}
			if b, err := os.ReadFile(path); err != nil || string(b[:8]) != theirs {
				t.Errorf("the version word is %x, %v; want that of the other program, %x", b, err, theirs)
			}
			if n := r.log.count(why); n != 1 {
				t.Errorf("the log says it %d times, want once:\n%s", n, r.log)
			}
			r.stop()
		})
	}
}
