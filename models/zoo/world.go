package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// worldVariable tells a process that it is within a world.
const worldVariable = "HEADGATE_ZOO_WORLD"

func inWorld() bool { return os.Getenv(worldVariable) != "" }

// enterWorld runs this program again with namespaces of its own: a network that nothing leads out
// of, where any address may be had, mounts, and processes, which all end with it.
func enterWorld(ctx context.Context) error {
	if os.Getuid() != 0 {
		return errors.New("zoo: the clients get a network of their own, which needs root (sudo -E go run ./models/zoo ...)")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("zoo: ip is missing (apt-get install iproute2)")
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), worldVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	err := cmd.Start()
	if err == nil {
		stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) }) // it writes what it has, and ends
		defer stop()
		err = cmd.Wait()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitCode(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("zoo: making namespaces: %w (root outside of a container that forbids it is needed)", err)
	}
	return nil
}

// exitCode is the status of a process that has said why itself.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// setUpWorld prepares the world that this process is in.
func setUpWorld() error {
	if err := privateMounts(); err != nil {
		return err
	}
	if err := ip("link", "set", "lo", "up"); err != nil {
		return err
	}
	return seemConnected()
}

// seemConnected makes a cable that leads nowhere. Without one Chromium takes itself for offline, and asks for no IPv6
// addresses.
func seemConnected() error {
	for _, args := range [][]string{
		{"link", "add", "zoo0", "type", "veth", "peer", "name", "zoo1"},
		{"address", "add", "192.0.2.2/24", "dev", "zoo0"},
		{"-6", "address", "add", "2001:db8::2/64", "dev", "zoo0", "nodad"},
		{"link", "set", "zoo1", "up"},
		{"link", "set", "zoo0", "up"},
		{"route", "add", "default", "dev", "zoo0"},
		{"-6", "route", "add", "2000::/3", "dev", "zoo0"},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

// privateMounts keeps this namespace's mounts from others, and mounts its own /proc.
func privateMounts() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("zoo: making mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("zoo: mounting /proc: %w", err)
	}
	return nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("zoo: ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// lane is the address that one run's clients have, and the address that they find the sites at.
type lane struct {
	client, server netip.Addr
	resolver       net.PacketConn
	done           sync.WaitGroup
}

// openLane assigns a run its addresses: what connects to server comes from client. There a resolver
// answers, with server for every name of the sites.
func openLane(client, server netip.Addr, hosts []string) (*lane, error) {
	l := &lane{client: client, server: server}
	// Several runs may share the client's address, which then is there already; no run takes it
	// away.
	ip(l.ip("address", "add", client, "nodad")...)
	if err := ip(l.ip("route", "replace", server, "src", client.String(), "table", "local")...); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: freeBind} // the address is a route, and no interface's
	var err error
	l.resolver, err = config.ListenPacket(context.Background(), "udp", net.JoinHostPort(server.String(), "53"))
	if err != nil {
		return nil, fmt.Errorf("zoo: starting a resolver: %w", err)
	}
	l.done.Go(func() { resolve(l.resolver, server, hosts) })
	return l, nil
}

func (l *lane) close() error {
	err := l.resolver.Close()
	l.done.Wait()
	return errors.Join(err, ip(l.ip("route", "del", l.server, "table", "local")...))
}

// ip returns arguments of ip(8) about an address.
func (l *lane) ip(object, verb string, address netip.Addr, more ...string) []string {
	family, prefix := "-4", address.String()+"/32"
	if address.Is6() {
		family, prefix = "-6", address.String()+"/128"
	}
	args := []string{family, object, verb}
	if object == "route" {
		args = append(args, "local")
	}
	return append(append(args, prefix, "dev", "lo"), more...)
}

// freeBind lets a socket have an address that no interface has.
func freeBind(network, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_FREEBIND, 1)
		if strings.HasSuffix(network, "6") {
			failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
		}
	})
	return errors.Join(err, failed)
}

// files writes what the clients of the run have in /etc, and returns the names.
func (l *lane) files(folder string, hosts []string) (hostsFile, resolvFile string, err error) {
	hostsFile, resolvFile = filepath.Join(folder, "hosts"), filepath.Join(folder, "resolv.conf")
	text := "127.0.0.1 localhost\n::1 localhost\n"
	for _, h := range hosts {
		text += l.server.String() + " " + h + "\n"
	}
	err = os.WriteFile(hostsFile, []byte(text), 0o644)
	return hostsFile, resolvFile, errors.Join(err, os.WriteFile(resolvFile, []byte("nameserver "+l.server.String()+"\n"), 0o644))
}

// resolve answers questions for addresses until c is closed: server for the hosts; nothing else
// exists.
func resolve(c net.PacketConn, server netip.Addr, hosts []string) {
	known := make(map[string]bool)
	for _, h := range hosts {
		known[h+"."] = true
	}
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var query dnsmessage.Message
		if err != nil || query.Unpack(buf[:n]) != nil || len(query.Questions) != 1 {
			continue
		}
		if answer, err := answerTo(&query, server, known).Pack(); err == nil {
			c.WriteTo(answer, from)
		}
	}
}

func answerTo(query *dnsmessage.Message, server netip.Addr, known map[string]bool) *dnsmessage.Message {
	question := query.Questions[0]
	answer := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionDesired: query.RecursionDesired, RecursionAvailable: true},
		Questions: query.Questions,
	}
	if !known[strings.ToLower(question.Name.String())] {
		answer.RCode = dnsmessage.RCodeNameError
		return answer
	}
	head := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 300}
	switch {
	case question.Type == dnsmessage.TypeA && server.Is4():
		answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: server.As4()}})
	case question.Type == dnsmessage.TypeAAAA && server.Is6():
		answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: server.As16()}})
	}
	return answer
}
