package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostdir"
)

// The users of these tests: a daemon that is not root, and proxies of its group, of it besides
// their own, and of another.
var (
	keeper   = account{uid: 61300, gid: 61400}
	peer     = account{uid: 61301, gid: 61400}
	alsoPeer = account{uid: 61302, gid: 61402, also: 61400}
	stranger = account{uid: 61303, gid: 61403}
)

// makeDirectory is a directory of a user's, which everybody may enter.
func makeDirectory(t *testing.T, who account) (dir string) {
	t.Helper()
	above := openDir(t)
	chown(t, above, who)
	return filepath.Join(above, "headgate")
}

// Whatever the umask of daemon and proxy: a proxy of the daemon's group has features and limits,
// and its events arrive; one of another group gets nothing, which its log says, and its requests go
// on.
func TestProxiesOfTheGroupWorkUnderEveryUmask(t *testing.T) {
	needsRoot(t)
	for _, umask := range []string{"000", "022", "077"} {
		t.Run(umask, func(t *testing.T) {
			dir := makeDirectory(t, keeper)
			if d := daemonAs(t, keeper, umask, "--dir", dir); !d.running(t) {
				t.Fatal("the daemon does not start")
			}
			config := proxyConfig{Dir: dir, DirOwner: "61300"}
			for _, who := range []account{keeper, peer, alsoPeer} {
				arrived := lastEvent(t, dir)
				p := proxyAs(t, who, umask, config)
				p.works(t)
				until(t, "its events at the daemon", func() bool { return lastEvent(t, dir).After(arrived) })
				p.term9(t)
			}
			proxyAs(t, stranger, umask, config).isRefused(t, "permission denied")
			checkModes(t, dir, keeper)
		})
	}
}

// lastEvent is when the client of the test's requests was seen last, as the daemon publishes it.
func lastEvent(t *testing.T, dir string) (at time.Time) {
	t.Helper()
	return lastEventOfClient(dir, "203.0.113.7")
}

// term9 kills the process.
func (p *spawned) term9(t *testing.T) {
	t.Helper()
	p.Process.Kill()
	p.status(t)
}

// checkModes compares everything in a directory with what docs/format.md says.
func checkModes(t *testing.T, dir string, owner account) {
	t.Helper()
	page, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		".": 0o750 | fs.ModeDir | fs.ModeSetgid, "events": 0o770 | fs.ModeDir | fs.ModeSetgid | fs.ModeSticky,
		"headgate.lock": 0o600, "limits": 0o660, "checkpoint": 0o600, "checkpoint.old": 0o600,
		"features_readers": 0o660, "features_state": 0o640, "features_data_0": 0o640, "features_data_1": 0o640,
		"policy_readers": 0o660, "policy_state": 0o640, "policy_data_0": 0o640, "policy_data_1": 0o640,
	}
	for _, row := range []string{"| the directory | 2750 |", "| `events/` | 3770:", "| `headgate.lock` | 0600 |", "| `limits` | 0660 |"} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/format.md lacks %q", row)
		}
	}
	seen := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := entry.Info()
		if err != nil || strings.HasSuffix(name, ".new") || strings.HasSuffix(name, ".tmp") {
			return nil // in the making
		}
		mode, known := want[name]
		isRing := strings.HasPrefix(name, "events/ring-")
		if isRing {
			mode, known = 0o660, true
		}
		stat := info.Sys().(*syscall.Stat_t)
		if !known || info.Mode() != mode || stat.Gid != owner.gid && mode&0o077 != 0 || stat.Uid != owner.uid && !isRing {
			t.Errorf("%s: %v of user %d and group %d, want %v of user %d and group %d", name, info.Mode(), stat.Uid, stat.Gid, mode, owner.uid, owner.gid)
		}
		seen++
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d files and directories, %v", seen, err)
	}
}

// A daemon that runs as root changes the group of the directory, and of all files in it, to that of
// the proxies.
func TestDirectoryIsGivenToAGroup(t *testing.T) {
	needsRoot(t)
	dir := makeDirectory(t, account{})
	first := daemonAs(t, account{}, "077", "--dir", dir)
	if !first.running(t) {
		t.Fatal("the daemon does not start")
	}
	proxyAs(t, peer, "077", proxyConfig{Dir: dir}).isRefused(t, "permission denied")
	first.term(t)
	// As a release before this one left it under umask 077.
	for path, mode := range map[string]os.FileMode{dir: 0o700, hostdir.Dir(dir).Events(): 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if d := daemonAs(t, account{}, "077", "--dir", dir, "--dir-group", "61400"); !d.running(t) {
		t.Fatal("the daemon does not start")
	}
	proxyAs(t, peer, "077", proxyConfig{Dir: dir}).works(t)
	checkModes(t, dir, account{uid: 0, gid: 61400})
	daemonAs(t, account{}, "022", "--dir", makeDirectory(t, account{}), "--dir-group", "no such group").refused(t, `"no such group"`, "--dir-group")
	daemonAs(t, keeper, "022", "--dir", makeDirectory(t, keeper), "--dir-group", "0").refused(t, "not permitted", "member of it, or as root")
}

// The daemon says when it cannot read a ring, and when proxies cannot make one.
func TestTroubleWithRingsIsSaid(t *testing.T) {
	needsRoot(t)
	dir := makeDirectory(t, keeper)
	d := daemonAs(t, keeper, "022", "--dir", dir)
	if !d.running(t) {
		t.Fatal("the daemon does not start")
	}
	events := hostdir.Dir(dir).Events()
	p := proxyAs(t, peer, "022", proxyConfig{Dir: dir, DirOwner: "61300"})
	p.works(t)
	p.term9(t)

	if err := os.Chmod(events, 0o750); err != nil {
		t.Fatal(err)
	}
	until(t, "permissions that are right again", func() bool {
		info, err := os.Stat(events)
		return err == nil && info.Mode() == 0o770|fs.ModeDir|fs.ModeSetgid|fs.ModeSticky
	})
	until(t, "that it is said", func() bool { return strings.Contains(d.said.String(), "the permissions of "+events+" were changed") })

	hidden := filepath.Join(events, "ring-0123456789abcdef.ring")
	write(t, hidden, make([]byte, 8192)) // mode 0600, of root
	until(t, "that it is said", func() bool {
		said := d.said.String()
		return strings.Contains(said, "open "+hidden+": permission denied") && strings.Contains(said, "as a member of the directory's group")
	})
}

// In a directory that root has made for everybody, as a Kubernetes volume in memory is, a daemon
// and proxies that are not root work together; what a stranger puts there first is refused.
func TestSharedStickyDirectory(t *testing.T) {
	needsRoot(t)
	dir := filepath.Join(openDir(t), "headgate")
	mkdir(t, dir, 0o777|fs.ModeSticky, account{})
	if d := daemonAs(t, keeper, "022", "--dir", dir); !d.running(t) {
		t.Fatal("the daemon does not start")
	}
	proxyAs(t, peer, "022", proxyConfig{Dir: dir, DirOwner: "61300"}).works(t)
	proxyAs(t, peer, "022", proxyConfig{Dir: dir}).isRefused(t, "belongs to user 61300")
	for _, args := range [][]string{{"inspect", dir, "--dir-owner", "61300"}, {"inspect", dir, "--dir-owner", "61300", "--limits"}} {
		if status, _, errOut := run(t, args...); status != exitOK {
			t.Errorf("%v: exit status %d: %s", args, status, errOut)
		}
	}
	status, _, errOut := run(t, "inspect", dir, "--limits")
	if status != exitFailure {
		t.Errorf("inspect without the owner: exit status %d", status)
	}
	checkOneLine(t, "inspect", errOut, "belongs to user 61300", "--dir-owner")

	planted := filepath.Join(openDir(t), "headgate")
	mkdir(t, planted, 0o777|fs.ModeSticky, account{})
	write(t, planted+"/limits", make([]byte, 8192))
	chown(t, planted+"/limits", stranger)
	daemonAs(t, keeper, "022", "--dir", planted).refused(t, planted+"/limits belongs to user 61303")
}
