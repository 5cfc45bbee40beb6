package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/host/hostdir"
)

// mallory is a user like every other on the host.
var mallory = account{uid: 61234, gid: 61234}

// drain writes a policy by which no proxy admits anything.
func drain(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "drain.json")
	text := `{"threshold": 1, "overrides": {"` + testOrigin + ` ` + testHost + `": 0}}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A user who makes the default directory before anybody else does, and publishes a policy there
// that drains every origin, is trusted by no process. Root's daemon says so, and starts where he
// cannot make anything; proxies that were started before that find it there.
func TestDirectoryOfAnotherUserDrainsNoProxy(t *testing.T) {
	if !inside(t) {
		return
	}
	policy := drain(t, openDir(t))
	his := daemonAs(t, mallory, "022", "--limits", policy)
	if !his.running(t) {
		t.Fatal("the attacker's daemon does not start")
	}
	for _, who := range []account{{}, {uid: 61300, gid: 61300}} {
		proxy := proxyAs(t, who, "022", proxyConfig{})
		proxy.isRefused(t, hostdir.Shared+" belongs to user 61234")
		until(t, "count", func() bool { return proxy.state(t).Untrusted > 1 })
		if n := strings.Count(proxy.said.String(), "belongs to user"); n != 1 {
			t.Errorf("%d lines say so, want one:\n%s", n, proxy.said.String())
		}
		proxy.Process.Kill()
	}
	proxy := proxyAs(t, account{}, "022", proxyConfig{})
	until(t, "a look", func() bool { return proxy.state(t).Untrusted > 0 })

	daemonAs(t, account{}, "022").refused(t, hostdir.Shared, "belongs to user 61234", "--dir-owner")
	daemonAs(t, account{}, "022", "--dir", hostdir.Shared).refused(t, hostdir.Shared, "belongs to user 61234")
	status, _, errOut := run(t, "inspect")
	if status != exitFailure {
		t.Errorf("inspect: exit status %d", status)
	}
	checkOneLine(t, "inspect", errOut, hostdir.Shared, "belongs to user 61234", "--dir-owner")

	if err := os.Mkdir(hostdir.Run, 0o755); err != nil {
		t.Fatal(err)
	}
	ours := daemonAs(t, account{}, "022")
	if !ours.running(t) {
		t.Fatal("the daemon does not start in " + hostdir.Run)
	}
	proxy.works(t)
	if s := proxy.state(t); s.Drained != 0 || s.Refused != 0 || s.Policy {
		t.Errorf("%+v", s)
	}
	if status, _, errOut := run(t, "inspect"); status != exitOK {
		t.Errorf("inspect: exit status %d: %s", status, errOut)
	}
}

// What an attacker prepares otherwise: links to places of his, places in which he may exchange
// things, files of his in a directory of ours.
func TestPreparedDirectoriesAreRefused(t *testing.T) {
	needsRoot(t)
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"an empty directory": func(t *testing.T, dir string) { mkdir(t, dir, 0o755, mallory) },
		"a link to his": func(t *testing.T, dir string) {
			mkdir(t, dir+".his", 0o755, mallory)
			if err := os.Symlink(dir+".his", dir); err != nil {
				t.Fatal(err)
			}
		},
		"below one of his": func(t *testing.T, dir string) {
			mkdir(t, dir, 0o755, account{})
			chown(t, filepath.Dir(dir), mallory)
		},
		"in one that everybody writes to": func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Dir(dir), 0o777); err != nil {
				t.Fatal(err)
			}
		},
		"ours, that everybody writes to": func(t *testing.T, dir string) { mkdir(t, dir, 0o777, account{}) },
		"ours, with a policy of his": func(t *testing.T, dir string) {
			mkdir(t, dir, 0o755, account{})
			write(t, dir+"/headgate.lock", []byte("headgate directory, format 1\n"))
			write(t, dir+"/policy_state", make([]byte, 16))
			chown(t, dir+"/policy_state", mallory)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(openDir(t), "headgate")
			prepare(t, dir)
			daemonAs(t, account{}, "022", "--dir", dir).refused(t, dir)
			if name == "in one that everybody writes to" {
				mkdir(t, dir, 0o755, account{})
			}
			proxyAs(t, account{}, "022", proxyConfig{Dir: dir}).isRefused(t, "was unusable")
		})
	}
}

func mkdir(t *testing.T, path string, mode os.FileMode, owner account) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	chown(t, path, owner)
}

func chown(t *testing.T, path string, owner account) {
	t.Helper()
	if err := os.Lchown(path, int(owner.uid), int(owner.gid)); err != nil {
		t.Fatal(err)
	}
}
