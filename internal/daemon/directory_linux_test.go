package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/daemon"
	"github.com/headgate/headgate/internal/hostdir"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Places that are not headgate's are refused in one line that names the place and what to do, and are left as they are.
func TestForeignDirectories(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(dir string)
		want    string
	}{
		"not empty": {func(dir string) { os.Mkdir(dir, 0o700); write(t, dir+"/photo.jpg", "x") }, "is not empty and no headgate directory; name an empty or a new one with --dir"},
		"a file":    {func(dir string) { write(t, dir, "x") }, "is no directory; name another with --dir"},
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
		"events is a file": {func(dir string) {
			os.Mkdir(dir, 0o700)
			write(t, dir+"/headgate.lock", "headgate directory, format 1\n")
			write(t, dir+"/events", "")
		}, "events"},
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

// list gives the names below a place.
func list(dir string) string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// A daemon killed while it made the directory leaves nothing that would have to be cleaned up by hand.
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

// Feature files that cannot be trusted are named, with what to do; doing it helps.
func TestDamagedFeatures(t *testing.T) {
	for _, suffix := range []string{"_state", "_readers", "_data_0", "_data_1"} {
		t.Run(suffix, func(t *testing.T) {
			r := start(t, daemon.Config{})
			report(t, proxy(t, r.dir), visit(1, "/", time.Now()))
			r.consumed(1)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			damage(t, r.dir, suffix)
			d, err := daemon.Open(daemon.Config{Dir: string(r.dir)})
			if err == nil { // the data file that is not in use may be anything
				if !strings.HasPrefix(suffix, "_data") {
					t.Errorf("%s: opened", suffix)
				}
				closeNow(t, d)
				return
			}
			for _, want := range []string{r.dir.Features() + suffix + ": ", "delete ", "_state, ", "_readers", "start it again"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not tell %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has several lines", err)
			}
			remove(t, r.dir.Features()+"_*")
			if err := start(t, daemon.Config{Dir: string(r.dir)}).stop(); err != nil {
				t.Error(err)
			}
		})
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

func remove(t *testing.T, pattern string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func closeNow(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	if err := runOnce(t, d); err != nil {
		t.Error(err)
	}
}
