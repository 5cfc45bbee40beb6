//go:build !race

// The race detector performs atomic operations in C code, where a fault ends the process if the
// file is cut between its check of the address and its access. Without it, as in every program that
// is shipped, the fault becomes a panic.

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// damagedSaid is what the daemon logs once for each damage.
const damagedSaid = "files were removed or damaged"

// damage is a way to damage a file. seen: the daemon notices it whatever the file is and whatever
// was in it.
type damage struct {
	name string
	seen bool
	do   func(path string) error
}

func otherByte(offset int64) damage {
	return damage{fmt.Sprint("byte ", offset), false, func(path string) error {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil || info.Size() == 0 {
			return err
		}
		at := (offset%info.Size() + info.Size()) % info.Size() // from the end, where it is negative
		b := make([]byte, 1)
		_, err = f.ReadAt(b, at)
		b[0] ^= 4
		_, writing := f.WriteAt(b, at)
		return errors.Join(err, writing)
	}}
}

func inItsPlace(name string, with func(path string) error) damage {
	return damage{name, true, func(path string) error { return errors.Join(os.RemoveAll(path), with(path)) }}
}

var damages = []damage{
	{"emptied", true, func(path string) error { return os.Truncate(path, 0) }},
	{"halved", true, func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()/2)
	}},
	inItsPlace("directory", func(path string) error { return os.MkdirAll(path+"/sub", 0o700) }),
	inItsPlace("FIFO", func(path string) error { return syscall.Mkfifo(path, 0o600) }),
	inItsPlace("link", func(path string) error { return os.Symlink("/dev/zero", path) }),
	inItsPlace("missing", func(string) error { return nil }),
	otherByte(0), otherByte(8), otherByte(12), otherByte(6), otherByte(1), otherByte(32), otherByte(-64), otherByte(-56), otherByte(-32), otherByte(-8),
}

// Whatever is done to a file of a directory whose daemon was killed, the next daemon starts, says
// once what was wrong, and the proxy that had the files mapped finds the new ones. Of a checkpoint
// the log says what was wrong in other words.
func TestDaemonStartsWhateverIsDamaged(t *testing.T) {
	names := []string{"features_state", "features_readers", "features_data_0", "features_data_1",
		"policy_state", "policy_readers", "policy_data_0", "policy_data_1", "limits", "headgate.lock", "events", "checkpoint"}
	for n, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "hg")
			d := startProcess(t, dir, "--max-keys", "256")
			until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
			filter, err := proxyhook.New(proxyhook.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer filter.Close()
			defer decideOn(filter)()
			for i, c := range damages {
				if name == "events" && !c.seen || testing.Short() && (i+n)%3 != 0 {
					continue
				}
				until(t, "events in the table", func() bool { return !lastEventAt(dir).IsZero() })
				d.Process.Kill()
				d.Wait()
				err := c.do(filepath.Join(dir, name))
				if err != nil && name != "events" && !(name == "checkpoint" && errors.Is(err, os.ErrNotExist)) { // "events" has no length
					t.Fatalf("%s: %v", c.name, err)
				}
				again := time.Now()
				d = startProcess(t, dir, "--max-keys", "256")
				until(t, "publication after "+c.name, func() bool { return d.ProcessState != nil || publishedAt(dir).After(again) })
				until(t, "events of the proxy after "+c.name, func() bool { return lastEventAt(dir).After(again) })
				until(t, "limits of all after "+c.name, func() bool { return filter.Stats().Shared })
				silent := !c.seen || name == "events" || name == "checkpoint" || strings.Contains(name, "_data_") ||
					name == "limits" && c.name == "missing" // as at the first start
				until(t, "a word of it in the log after "+c.name, func() bool { return silent || strings.Contains(d.said.String(), damagedSaid) })
				if said := strings.Count(d.said.String(), damagedSaid); said > 1 {
					t.Errorf("%s: the log says it %d times:\n%s", c.name, said, d.said.String())
				}
				before := filter.Stats()
				until(t, "decisions with features after "+c.name, func() bool {
					s := filter.Stats()
					with := s.Decisions - s.NoFeatures
					return with > before.Decisions-before.NoFeatures+10
				})
			}
			if left, _ := filepath.Glob(dir + "/*.damaged"); len(left) > len(names) {
				t.Errorf("set aside: %q", left)
			}
		})
	}
}

// Every file that the daemon has mapped is cut under it. It lives, says so, and new and old proxies
// have features again.
func TestFilesTruncatedUnderALivingDaemon(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	d := startProcess(t, dir, "--max-keys", "256")
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	filter, err := proxyhook.New(proxyhook.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	defer decideOn(filter)()
	cuts := 0
	for _, pattern := range []string{"features_state", "features_readers", "features_data_0", "features_data_1",
		"policy_state", "policy_readers", "policy_data_0", "policy_data_1", "limits", "events/ring-*.ring", "features_*"} {
		for _, c := range damages[:2] {
			until(t, "events in the table", func() bool { return !lastEventAt(dir).IsZero() })
			var paths []string
			until(t, pattern+", which may just be made again", func() (there bool) {
				paths, err = filepath.Glob(filepath.Join(dir, pattern))
				return err == nil && len(paths) > 0
			})
			for _, path := range paths {
				if err := c.do(path); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				cuts++
			}
			again := time.Now()
			until(t, pattern+" "+c.name+": new events in the table", func() bool { return lastEventAt(dir).After(again) })
			until(t, pattern+" "+c.name+": limits of all", func() bool { return filter.Stats().Shared })
			before := filter.Stats()
			until(t, pattern+" "+c.name+": decisions with features", func() bool {
				s := filter.Stats()
				return s.Decisions-s.NoFeatures > before.Decisions-before.NoFeatures+10
			})
		}
	}
	if d.metric(t, `headgate_files_remade_total{what="features"}`) == 0 || d.metric(t, `headgate_files_remade_total{what="policy"}`) == 0 ||
		d.metric(t, `headgate_files_remade_total{what="limits"}`) == 0 {
		t.Error("not everything that was cut is counted")
	}
	if said := strings.Count(d.said.String(), damagedSaid); said == 0 || said > 2*cuts {
		t.Errorf("the log says it %d times for %d cuts", said, cuts)
	}
	d.ends(t)
}
