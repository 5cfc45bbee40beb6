package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A daemon that cannot start ends with status 1 and one line that names the thing and what to do.
func TestStartsThatAreRefusedSayWhyInOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"too many processes", []string{"--proxies", "2000"}, "--proxies 2000: want 1 to 1024"},
		{"too few processes", []string{"--proxies=-1"}, "--proxies -1: want 1 to 1024"},
		{"no process", []string{"--proxies", "0"}, "--proxies 0: want 1 to 1024"},
		{"no policy", []string{"--limits", "/nonexistent/limits.json"}, "/nonexistent/limits.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "headgate")
			spawn(t, account{}, nil, append([]string{"run", "--listen", "", "--dir", dir}, c.args...)...).refused(t, c.want)
		})
	}
}

// A file system that is too small for one of the daemon's files is named, whichever file that is.
func TestStartsOnSmallFileSystems(t *testing.T) {
	needsRoot(t)
	for _, size := range []string{"16k", "100k", "300k", "600k", "1m", "3m"} {
		t.Run(size, func(t *testing.T) {
			place := t.TempDir()
			dir := filepath.Join(place, "headgate")
			p := spawn(t, account{}, []string{withTmpfs + "=" + size + ":" + place}, "run", "--listen", "", "--dir", dir)
			p.refused(t, dir, "no space left on device; make room there, name a directory on another file system with --dir")
		})
	}
}

// Whatever has become of the files of the policy and of the limits, the daemon either starts or
// says in one line why not.
func TestStartsOverDamagedLimits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "headgate")
	start := func() *spawned {
		return spawn(t, account{}, nil, "run", "--listen", "", "--max-keys", "1000", "--dir", dir)
	}
	damages := map[string]func(path string) error{
		"garbage":   func(path string) error { return os.WriteFile(path, []byte("nothing that headgate ever wrote"), 0o640) },
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"cut short": func(path string) error { return os.Truncate(path, 100) },
		"directory": func(path string) error { os.Remove(path); return os.Mkdir(path, 0o750) },
		"link":      func(path string) error { os.Remove(path); return os.Symlink("/dev/null", path) },
	}
	for _, name := range []string{"policy_state", "policy_readers", "policy_data_0", "policy_data_1", "limits"} {
		for what, damage := range damages {
			t.Run(name+" "+what, func(t *testing.T) {
				os.RemoveAll(dir)
				if p := start(); !p.running(t) {
					t.Fatal("the first daemon does not start")
				} else {
					p.term(t)
				}
				path := filepath.Join(dir, name)
				if err := damage(path); err != nil {
					t.Fatal(err)
				}
				if p := start(); p.running(t) {
					p.term(t)
				} else {
					p.refused(t, path)
				}
			})
		}
	}
}
