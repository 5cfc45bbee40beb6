package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ends sends SIGTERM and checks that the process ends with status 0.
func (d *daemonProcess) ends(t *testing.T) {
	t.Helper()
	if err := d.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.waits(t, exitOK)
}

// waits checks that the process ends with a status.
func (d *daemonProcess) waits(t *testing.T, status int) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- d.Wait() }()
	select {
	case <-ended:
		if got := d.ProcessState.ExitCode(); got != status {
			t.Errorf("exit status %d, want %d", got, status)
		}
	case <-time.After(patience):
		d.Process.Kill()
		<-ended
		t.Fatalf("the daemon does not end within %v", patience)
	}
}

// peakMiB is the most memory that the process had in use so far.
func (d *daemonProcess) peakMiB(t *testing.T) (mib int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(after, &mib); err != nil {
		t.Fatal(err)
	}
	return mib / 1024
}

// specialFiles make what is not a regular file at a path, by what an error says of it.
var specialFiles = map[string]func(path string) error{
	"a named pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	"a device":     func(path string) error { return os.Symlink("/dev/zero", path) },
	"a directory":  func(path string) error { return os.Mkdir(path, 0o700) },
}

// Whatever takes the place of the file of limits while the daemon runs, its loop goes on, it says
// what is wrong, it reads a regular file that follows, and it ends on SIGTERM.
func TestLimitsFileIsReplacedByASpecialFile(t *testing.T) {
	scratch := t.TempDir()
	file := write(t, filepath.Join(scratch, "limits.json"), []byte(`{"threshold": 3}`))
	dir := filepath.Join(scratch, "hg")
	d := startProcess(t, dir, "--limits", file)
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	before := d.peakMiB(t)
	replaced := func(make func(path string) error) {
		t.Helper()
		if err := errors.Join(os.Remove(file), make(file)); err != nil {
			t.Fatal(err)
		}
	}
	for want, make := range specialFiles {
		replaced(make)
		until(t, want+" in its trouble", func() bool { _, body := d.ask(t, "/readyz"); return strings.Contains(body, want) })
		seen := publishedAt(dir)
		until(t, "publications go on", func() bool { return publishedAt(dir).After(seen.Add(200 * time.Millisecond)) })
	}
	if grown := d.peakMiB(t) - before; grown > 256 {
		t.Errorf("the daemon took %d MiB of memory", grown)
	}
	until(t, "the trouble in the log", func() bool {
		said := d.said.String()
		return strings.Contains(said, "headgate: trouble") && strings.Contains(said, file)
	})
	replaced(func(path string) error { return os.WriteFile(path, []byte(`{"threshold": 4}`), 0o600) })
	until(t, "the end of the trouble", func() bool { return strings.Contains(d.said.String(), "no more trouble") })
	replaced(specialFiles["a named pipe"])
	d.ends(t)
}

// A daemon that is to start with such a file says so in one line and ends.
func TestLimitsFileIsASpecialFileAtTheStart(t *testing.T) {
	for want, make := range specialFiles {
		scratch := t.TempDir()
		file := filepath.Join(scratch, "limits.json")
		if err := make(file); err != nil {
			t.Fatal(err)
		}
		d := startProcess(t, filepath.Join(scratch, "hg"), "--limits", file)
		d.waits(t, exitFailure)
		checkOneLine(t, want, d.said.String(), file, want)
	}
}

// A named pipe as a model is refused by every command that reads one, at once.
func TestModelIsASpecialFile(t *testing.T) {
	dir := t.TempDir()
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{fifo, "/dev/zero"} {
		for _, args := range [][]string{
			{"model", "info", model}, {"model", "bench", model, "--rows", rows}, {"model", "score", model, "--rows", rows},
			{"replay", "--simulate", "1s", "--model", model}, {"quickstart", "--model", model}, {"quickstart", "--shadow", model},
		} {
			status, _, errOut := run(t, args...)
			if status != exitFailure {
				t.Errorf("%v: exit status %d", args, status)
			}
			checkOneLine(t, strings.Join(args, " "), errOut, model, "not a regular file")
		}
	}
}

// A table that has no end of line is refused after a bounded number of bytes, as rows and as
// expected values.
func TestRowsWithoutEndAreBounded(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	for _, args := range [][]string{
		{"model", "score", file, "--rows", "/dev/zero"}, {"model", "bench", file, "--rows", "/dev/zero"},
		{"model", "explain", file, "--rows", "/dev/zero"}, {"model", "verify", file, "--rows", rows, "--expected", "/dev/zero"},
	} {
		status, _, errOut := run(t, args...)
		if status != exitFailure {
			t.Errorf("%v: exit status %d", args, status)
		}
		checkOneLine(t, strings.Join(args, " "), errOut, "/dev/zero", "a row has more than 16 MiB")
	}
}

// A replay of a named pipe waits for what is written to it, and ends on a signal, also
// before anybody writes.
func TestReplayOfANamedPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, writes := range []bool{false, true} {
		ctx, end := context.WithCancel(t.Context())
		ended, errOut := make(chan int, 1), &printed{}
		go func() { ended <- execute(ctx, []string{"replay", fifo}, io.Discard, errOut) }()
		if writes {
			w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
		}
		end()
		select {
		case status := <-ended:
			if status != exitFailure {
				t.Errorf("exit status %d", status)
			}
		case <-time.After(patience):
			t.Fatalf("the replay does not end within %v", patience)
		}
		checkOneLine(t, "interrupted", errOut.String(), "interrupted")
	}
}
