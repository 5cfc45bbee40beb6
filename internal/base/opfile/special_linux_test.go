package opfile_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/opfile"
)

// Anything but a regular file is rejected at once, also behind a link, and is not read.
func TestSpecialFilesAreRefusedWithoutWaiting(t *testing.T) {
	dir := t.TempDir()
	fifo, socket, loop := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket"), filepath.Join(dir, "loop")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Symlink("fifo", filepath.Join(dir, "to-fifo")), os.Symlink("loop", loop)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, want := range map[string]string{
		fifo:                           "a named pipe",
		filepath.Join(dir, "to-fifo"):  "a named pipe",
		socket:                         "a socket",
		dir:                            "a directory",
		"/dev/zero":                    "a device",
		filepath.Join(fifo, "beneath"): "not a directory",
		loop:                           "symbolic links",
	} {
		done := make(chan error, 1)
		go func() {
			_, err := opfile.Read(path, 1<<20)
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want the path and %q in one line", path, err, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: reading it waits", path)
		}
	}
}

// A file of unknown size is read up to the limit.
func TestFilesWithoutASizeAreReadToTheLimit(t *testing.T) {
	if got, err := opfile.Read("/proc/self/status", 1<<16); err != nil || !strings.Contains(string(got), "Name:") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := opfile.Read("/proc/self/status", 16); err == nil || !strings.Contains(err.Error(), "at most 16") {
		t.Errorf("%v, want the limit", err)
	}
}
