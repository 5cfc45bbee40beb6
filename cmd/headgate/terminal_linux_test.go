package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal runs this test binary as headgate on a pseudo-terminal of the given size, and returns
// all that it wrote to it.
func onTerminal(t *testing.T, width, height int, env []string, args ...string) string {
	t.Helper()
	outer, inner := newTerminalPair(t, width, height)
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asMain+"=1"), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inner, inner, inner
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inner.Close() // so that the outer side ends with the process
	written, err := io.ReadAll(outer)
	if err != nil && !errors.Is(err, syscall.EIO) { // the end of a terminal
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, written)
	}
	return string(written)
}

// newTerminalPair opens a pseudo-terminal: what is written to inner can be read from outer.
func newTerminalPair(t *testing.T, width, height int) (outer, inner *os.File) {
	t.Helper()
	outer, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outer.Close() })
	fd := int(outer.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)})); err != nil {
		t.Fatal(err)
	}
	inner, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	return outer, inner
}

// The quick start on real terminals: one table, drawn over itself, then the summary and the next
// step; no colours.
func TestQuickstartOnTerminals(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends traffic for seconds; run without -short")
	}
	for _, c := range []struct {
		width, height int
		env           []string
	}{
		{80, 24, []string{"TERM=xterm-256color"}},
		{80, 14, []string{"TERM=xterm", "NO_COLOR=1"}},
	} {
		s := newScreen(c.width, c.height)
		io.WriteString(s, onTerminal(t, c.width, c.height, c.env, "quickstart", "--for", "2500ms"))
		all := strings.Join(s.history, "\n") + "\n" + s.text()
		if tables := strings.Count(all, "\norigin "); tables != 1 || len(s.foreign) > 0 {
			t.Errorf("%v: %d tables, sequences %q:\n%s", c, tables, s.foreign, all)
		}
		if !strings.Contains(all, "\nrequests     ") || !strings.Contains(all, "\nnext         ") {
			t.Errorf("%v: no summary:\n%s", c, all)
		}
	}
}

// A terminal that cannot move its cursor gets lines only.
func TestQuickstartOnADumbTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends traffic for seconds; run without -short")
	}
	written := onTerminal(t, 80, 24, []string{"TERM=dumb"}, "quickstart", "--for", "500ms")
	if strings.ContainsAny(written, "\x1b") || strings.Contains(written, "headgate  ") || !strings.Contains(written, "\nnext         ") {
		t.Errorf("written to a dumb terminal: %q", written)
	}
}

// tmux keeps what a program erases from the top of the screen on: the table is once in all that it
// has.
func TestQuickstartInTmux(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends traffic for seconds; run without -short")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("it needs tmux: apt-get install tmux")
	}
	socket := filepath.Join(t.TempDir(), "tmux")
	tmux := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	tmux("new-session", "-d", "-x", "80", "-y", "14", "env", asMain+"=1", "sh", "-c",
		os.Args[0]+" quickstart --for 2500ms; echo ended; read line")
	t.Cleanup(func() { tmux("kill-server") })
	var all string
	for end := time.Now().Add(patience); !strings.Contains(all, "\nended"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no end:\n%s", all)
		}
		all = tmux("capture-pane", "-p", "-S", "-")
	}
	if tables := strings.Count(all, "origin "); tables != 1 || !strings.Contains(all, "\nall bots ") {
		t.Errorf("%d tables:\n%s", tables, all)
	}
	if !strings.Contains(all, "\nrequests     ") || !strings.Contains(all, "\nnext         ") {
		t.Errorf("no summary:\n%s", all)
	}
}
