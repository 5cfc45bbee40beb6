package proxyhook_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// namespace is a network namespace of its own, and a thread in it.
type namespace struct {
	t      testing.TB
	thread int
	work   chan func()
}

func newNamespace(t testing.TB) *namespace {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root: sudo -E go test ./proxyhook")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip(8): apt-get install iproute2")
	}
	n := &namespace{t: t, work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends with the goroutine, and the namespace with it
		n.thread = syscall.Gettid()
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		made <- err
		if err == nil {
			for work := range n.work {
				work()
			}
		}
	}()
	if err := <-made; err != nil {
		t.Skipf("a network namespace cannot be made here (run the tests as root, outside of a container that forbids it): %v", err)
	}
	t.Cleanup(func() { close(n.work) })
	n.ip("link", "set", "lo", "up")
	return n
}

// do runs f in the namespace: sockets that it makes are there.
func (n *namespace) do(f func()) {
	done := make(chan struct{})
	n.work <- func() { defer close(done); f() }
	<-done
}

func (n *namespace) ip(args ...string) {
	n.t.Helper()
	n.do(func() {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			n.t.Errorf("ip %v: %v: %s", args, err, out)
		}
	})
}

// link joins two namespaces by a cable. Their addresses on it are 10.66.0.1 and 10.66.0.2.
func link(a, b *namespace) {
	a.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), b.thread))
	for i, n := range []*namespace{a, b} {
		n.ip("address", "add", fmt.Sprintf("10.66.0.%d/24", i+1), "dev", "cable")
		n.ip("link", "set", "cable", "up")
	}
}

// vanish has everything dropped that n sends to the other side of its cable, without a word: not a
// reset, not an ICMP message, nothing that the other side could notice.
func (n *namespace) vanish() { n.ip("route", "replace", "blackhole", "10.66.0.0/24") }

// unplug takes n's end of the cable down.
func (n *namespace) unplug() { n.ip("link", "set", "cable", "down") }

// dialer dials from the namespace, with a small window, so that little is on its way at a time.
func (n *namespace) dialer(small bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		d := net.Dialer{}
		if small {
			d.Control = func(_, _ string, raw syscall.RawConn) (failed error) {
				raw.Control(func(fd uintptr) {
					failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 32<<10)
				})
				return failed
			}
		}
		n.do(func() { conn, err = d.DialContext(ctx, network, address) })
		return conn, err
	}
}
