package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What a process of headgate's own sets up before it runs, by environment variable; see
// prepareProcess.
const (
	withUmask   = "HEADGATE_TEST_UMASK"   // octal
	withAccount = "HEADGATE_TEST_ACCOUNT" // a user's number, taken once all is mounted
	withTmpfs   = "HEADGATE_TEST_TMPFS"   // SIZE:DIRECTORY and more of them after spaces, mounted in a namespace of its own
	asProxy     = "HEADGATE_TEST_PROXY"   // not headgate, but a proxy process; see proxyProcess
	asReaders   = "HEADGATE_TEST_READERS" // not headgate, but many readers; see readersProcess
)

// insideVariable names the test that a process runs in a namespace of its own, with a /run, a
// /var/lib and a /dev/shm of its own.
const insideVariable = "HEADGATE_TEST_INSIDE"

// inside runs a test in a process that has a /run, a /var/lib and a /dev/shm of its own, and
// reports whether this is that process.
func inside(t *testing.T) bool {
	t.Helper()
	needsRoot(t)
	if os.Getenv(insideVariable) == t.Name() {
		return true
	}
	c := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "5m")
	c.Env = append(os.Environ(), insideVariable+"="+t.Name())
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("in a namespace of its own: %v\n%s", err, out)
	}
	return false
}

// mountInside mounts file systems that only this process's namespace has.
func mountInside() error {
	if err := syscall.Mount("none", "/run", "tmpfs", 0, "size=256m,mode=0755"); err != nil {
		return err
	}
	if err := syscall.Mount("none", "/var/lib", "tmpfs", 0, "size=256m,mode=0755"); err != nil {
		return err
	}
	return syscall.Mount("none", "/dev/shm", "tmpfs", 0, "size=256m,mode=1777")
}

func init() {
	prepare = prepareProcess
	if os.Getenv(insideVariable) != "" {
		before = mountInside
	}
}

// prepareProcess sets what only a process that acts as headgate can set for itself.
func prepareProcess() error {
	if umask, err := strconv.ParseUint(os.Getenv(withUmask), 8, 16); err == nil {
		syscall.Umask(int(umask))
	}
	for mount := range strings.SplitSeq(os.Getenv(withTmpfs), " ") {
		size, dir, ok := strings.Cut(mount, ":")
		if !ok {
			continue
		}
		if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
			return err
		}
	}
	if id, err := strconv.ParseUint(os.Getenv(withAccount), 10, 32); err == nil && id != 0 {
		return syscall.Setuid(int(id)) // the group stays
	}
	if config := os.Getenv(asProxy); config != "" {
		return proxyProcess(config)
	}
	if config := os.Getenv(asReaders); config != "" {
		return readersProcess(config)
	}
	return nil
}

// needsRoot skips a test that acts as several users, or mounts.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("acts as other users and mounts file systems: run it as root, in a container for example")
	}
}

// program is a copy of this test binary that every user may execute: go test keeps its own where
// only its user may.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "headgate-test-")
	if err != nil {
		return "", err
	}
	cleanUps = append(cleanUps, func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "headgate")
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	from, err := os.Open(os.Args[0])
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(to, from); err != nil {
		return "", err
	}
	if err := to.Chmod(0o755); err != nil { // whatever the umask
		return "", err
	}
	return path, to.Close()
})

// openDir returns a temporary directory that every user may enter and only this one may write to.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "headgate-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// account is whom a process runs as. The zero account is this process's.
type account struct {
	uid, gid uint32
	also     uint32 // another group; 0: none
}

// spawned is headgate as a process of its own.
type spawned struct {
	*exec.Cmd
	said, out printed
	ended     chan struct{}
}

// daemonAs starts a small daemon as another user.
func daemonAs(t *testing.T, who account, umask string, args ...string) *spawned {
	t.Helper()
	return spawn(t, who, []string{withUmask + "=" + umask},
		append([]string{"run", "--listen", "", "--max-keys", "1000", "--interval", "50ms"}, args...)...)
}

// spawn starts a command line of headgate as another user, with further environment variables.
func spawn(t *testing.T, who account, environment []string, args ...string) *spawned {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &spawned{Cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.Env = append(append(os.Environ(), asMain+"=1"), environment...)
	p.Dir = "/"
	p.Stdout, p.Stderr = &p.out, &p.said
	p.SysProcAttr = &syscall.SysProcAttr{}
	if who != (account{}) {
		p.SysProcAttr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
		if who.also != 0 {
			p.SysProcAttr.Credential.Groups = []uint32{who.also}
		}
	}
	if strings.Contains(strings.Join(environment, " "), withTmpfs) {
		p.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("headgate %s (process %d) said:\n%s", strings.Join(args, " "), p.Process.Pid, p.said.String())
		}
	})
	return p
}

// status waits until the process has ended and returns its exit status.
func (p *spawned) status(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("headgate %s runs on after %v", strings.Join(p.Args[1:], " "), patience)
		return 0
	}
}

// running waits until the daemon runs, or has ended.
func (p *spawned) running(t *testing.T) bool {
	t.Helper()
	up := false
	until(t, "start or end of the daemon", func() bool {
		select {
		case <-p.ended:
			return true
		default:
			up = strings.Contains(p.said.String(), `"headgate: daemon started"`)
			return up
		}
	})
	return up
}

// term ends the process as an operator does.
func (p *spawned) term(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := p.status(t); status != exitOK {
		t.Errorf("after SIGTERM: exit status %d", status)
	}
}

// refused checks that the daemon ended with status 1 and, but for its log, one line that has all of
// want.
func (p *spawned) refused(t *testing.T, want ...string) {
	t.Helper()
	if status := p.status(t); status != exitFailure {
		t.Errorf("exit status %d, want %d", status, exitFailure)
	}
	var lines strings.Builder
	for line := range strings.Lines(p.said.String()) {
		if !strings.HasPrefix(line, "time=") {
			lines.WriteString(line)
		}
	}
	checkOneLine(t, strings.Join(p.Args[1:], " "), lines.String(), want...)
}
