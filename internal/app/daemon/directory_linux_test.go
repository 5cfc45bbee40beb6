package daemon_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostdir"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Places that are not headgate's are refused in one line that names the place and what to do, and
// are left as they are.
func TestForeignDirectories(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(dir string)
		want    string
	}{
		"not empty": {func(dir string) { os.Mkdir(dir, 0o700); write(t, dir+"/photo.jpg", "x") }, "is not empty and not a headgate directory; name an empty or a new one with --dir"},
		"a file":    {func(dir string) { write(t, dir, "x") }, "is not a directory; name another with --dir"},
		"no parent": {func(dir string) {}, "there is no directory %PARENT to make it in; name another with --dir"},
		"other marker": {func(dir string) {
			os.Mkdir(dir, 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, format 2\n")
		}, `is not of this headgate: its content is "headgate directory, format 2\n"; name another directory`},
		"longer marker": {func(dir string) {
			os.Mkdir(dir, 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, format 1\nx")
		}, "is not of this headgate"},
		"empty marker":     {func(dir string) { os.Mkdir(dir, 0o700); write(t, dir+"/headgate.lock", "") }, "is not of this headgate"},
		"marker directory": {func(dir string) { os.MkdirAll(dir+"/headgate.lock", 0o700) }, "headgate.lock"},
		"marker link": {func(dir string) {
			os.Mkdir(dir, 0o700)
			write(t, dir+"/../target", "headgate directory, format 1\n")
			os.Symlink("../target", dir+"/headgate.lock")
		}, "headgate.lock"},
		"other marker among our files": {func(dir string) {
			os.MkdirAll(dir+"/events", 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, format 2\n")
		}, "is not of this headgate"},
		"damaged marker among other files": {func(dir string) {
			os.MkdirAll(dir+"/events", 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, fXrmat 1\n")
			write(t, dir+"/photo.jpg", "x")
		}, "is not of this headgate"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "headgate")
			if name == "no parent" {
				dir = filepath.Join(dir, "deeper")
			}
			c.prepare(dir)
			before := list(dir)
			why := openError(t, daemon.Config{Dir: dir})
			if want := strings.ReplaceAll(c.want, "%PARENT", filepath.Dir(dir)); !strings.Contains(why, want) || !strings.Contains(why, dir) || strings.Contains(why, "\n") {
				t.Errorf("%q, want %q and %s in one line", why, want, dir)
			}
			if after := list(dir); after != before {
				t.Errorf("the place held %q and now holds %q", before, after)
			}
		})
	}
}

// list returns the names below a path.
func list(dir string) string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// A daemon killed while it made the directory leaves nothing that would have to be cleaned up by
// hand.
func TestUnfinishedDirectory(t *testing.T) {
	for name, leave := range map[string]func(dir string){
		"nothing":       func(string) {},
		"an empty one":  func(dir string) { os.Mkdir(dir, 0o700) },
		"half a marker": func(dir string) { os.Mkdir(dir, 0o700); write(t, dir+"/headgate.lock.123", "headg") },
		"no events": func(dir string) {
			os.Mkdir(dir, 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, format 1\n")
		},
	} {
		dir := filepath.Join(t.TempDir(), "headgate")
		leave(dir)
		if err := start(t, daemon.Config{Dir: dir}).stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecondDaemon(t *testing.T) {
	r := start(t, daemon.Config{})
	want := string(r.dir) + ": another headgate run owns this directory; stop it or name another with --dir"
	if why := openError(t, daemon.Config{Dir: string(r.dir)}); why != want {
		t.Errorf("%q, want %q", why, want)
	}
	r.until("work undisturbed", func() bool { return r.Stats().Publishes > 3 })
}

// Feature files that cannot be trusted are made anew, which the daemon says once; what it knew of
// clients stays.
func TestDamagedFeatures(t *testing.T) {
	for _, suffix := range []string{"_state", "_readers", "_data_0", "_data_1"} {
		t.Run(suffix, func(t *testing.T) {
			r := start(t, daemon.Config{})
			report(t, proxy(t, r.dir), visit(1, "/", time.Now()))
			r.consumed(1)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			seed := readSeed(t, r.dir)
			damage(t, r.dir, suffix)
			again := start(t, daemon.Config{Dir: string(r.dir)})
			again.until("publications", func() bool { return again.Stats().Publishes > 2 })
			if readSeed(t, r.dir) != seed || again.Stats().Window.Keys[traffic.DimIP] != 1 {
				t.Errorf("seed %d after %d, %d clients", readSeed(t, r.dir), seed, again.Stats().Window.Keys[traffic.DimIP])
			}
			if err := again.stop(); err != nil {
				t.Error(err)
			}
			const said = "files were removed or damaged"
			if n := again.log.count(said); n != 1 && !strings.HasPrefix(suffix, "_data") || n > 1 { // the beginning of a table may be in use or not
				t.Errorf("the log says it %d times:\n%s", n, again.log)
			}
		})
	}
}

// A headgate directory whose marker is damaged is known by the rest of it. What is in the place of
// the marker and of the rings is set aside.
func TestDamagedDirectory(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no marker": func(dir string) error { return os.Remove(dir + "/headgate.lock") },
		"one byte": func(dir string) error {
			return os.WriteFile(dir+"/headgate.lock", []byte("headgate directorY, format 1\n"), 0)
		},
		"empty":  func(dir string) error { return os.Truncate(dir+"/headgate.lock", 0) },
		"longer": func(dir string) error { return os.Truncate(dir+"/headgate.lock", 100) },
		"marker directory": func(dir string) error {
			return errors.Join(os.Remove(dir+"/headgate.lock"), os.MkdirAll(dir+"/headgate.lock/x", 0o700))
		},
		"marker link": func(dir string) error {
			return errors.Join(os.Remove(dir+"/headgate.lock"), os.Symlink("limits", dir+"/headgate.lock"))
		},
		"marker FIFO": func(dir string) error {
			return errors.Join(os.Remove(dir+"/headgate.lock"), syscall.Mkfifo(dir+"/headgate.lock", 0o600))
		},
		"events is a file": func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/events"), os.WriteFile(dir+"/events", nil, 0o600))
		},
		"events is a FIFO": func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/events"), syscall.Mkfifo(dir+"/events", 0o600))
		},
		"events leads away": func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/events"), os.Symlink("nowhere", dir+"/events"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := start(t, daemon.Config{})
			if err := first.stop(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := damage(string(first.dir)); err != nil {
					t.Fatal(err)
				}
				r := start(t, daemon.Config{Dir: string(first.dir)})
				report(t, proxy(t, r.dir), visit(1, "/", time.Now()))
				r.consumed(1)
				if why := openError(t, daemon.Config{Dir: string(r.dir)}); !strings.Contains(why, "another headgate run owns this directory") {
					t.Errorf("a second daemon: %q", why)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
				if n := r.log.count("files were removed or damaged"); n != 1 {
					t.Errorf("the log says it %d times:\n%s", n, r.log)
				}
			}
			if left, _ := filepath.Glob(string(first.dir) + "/*.damaged"); len(left) > 1 {
				t.Errorf("set aside: %q", left)
			}
		})
	}
}

// Everybody who may read the marker could lock it to read. That keeps no daemon from starting.
func TestMarkerLockedByAReader(t *testing.T) {
	first := start(t, daemon.Config{})
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{first.dir.Lock(), first.dir.Features() + "_state", first.dir.Policy() + "_state"} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		const setLock = 37 // F_OFD_SETLK
		if err := syscall.FcntlFlock(f.Fd(), setLock, &syscall.Flock_t{Type: syscall.F_RDLCK, Len: 1}); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, daemon.Config{Dir: string(first.dir)})
	r.until("publications", func() bool { return r.Stats().Publishes > 2 })
	if why := openError(t, daemon.Config{Dir: string(r.dir)}); !strings.Contains(why, "another headgate run owns this directory") {
		t.Errorf("a second daemon: %q", why)
	}
	if info, err := os.Stat(r.dir.Lock()); err != nil || info.Mode() != 0o600 {
		t.Errorf("the marker: %v, %v", info, err)
	}
}

// damage overwrites the beginning of a file.
func damage(t *testing.T, dir hostdir.Dir, suffix string) {
	t.Helper()
	f, err := os.OpenFile(dir.Features()+suffix, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("not a feature file at all"), 0); err != nil {
		t.Fatal(err)
	}
}
