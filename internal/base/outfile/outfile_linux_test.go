package outfile_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/internal/base/outfile"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, content string, perm fs.FileMode) fs.FileInfo {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
	must(t, os.Chmod(path, perm))
	info, err := os.Stat(path)
	must(t, err)
	return info
}

func create(t *testing.T, name string, source fs.FileInfo) *outfile.File {
	t.Helper()
	f, err := outfile.Create(t.Context(), name, source)
	must(t, err)
	return f
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// A file appears when it is complete, and replaces another at once. Before that, or if it is
// discarded, nothing of it is visible.
func TestFileAppearsWhenItIsComplete(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "rows.csv")
	for _, content := range []string{"first", "second"} {
		before := names(t, dir)
		f := create(t, name, nil)
		_, err := io.WriteString(f, content)
		must(t, err)
		if now := names(t, dir); now != before {
			t.Errorf("%q are in the folder while the file is made, before %q", now, before)
		}
		must(t, f.Commit())
		if got, err := os.ReadFile(name); err != nil || string(got) != content || names(t, dir) != "rows.csv" {
			t.Errorf("%q, %v; %q are in the folder", got, err, names(t, dir))
		}
	}
	f := create(t, name, nil)
	_, err := io.WriteString(f, "third")
	must(t, err)
	f.Discard()
	if got, _ := os.ReadFile(name); string(got) != "second" || names(t, dir) != "rows.csv" {
		t.Errorf("%q after a file was given up; %q are in the folder", got, names(t, dir))
	}
}

// Rows of a log have no more readers than the log, and a file keeps the permissions of the file
// that it replaces.
func TestPermissionsAreNoWiderThanTheSources(t *testing.T) {
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	dir := t.TempDir()
	for _, c := range []struct{ source, replaced, want fs.FileMode }{
		{0o600, 0, 0o600}, {0o640, 0, 0o640}, {0o644, 0, 0o644}, {0o666, 0, 0o644}, {0, 0, 0o644}, {0o644, 0o600, 0o600}, {0o600, 0o644, 0o600},
		{0o755, 0, 0o644},
	} {
		name := filepath.Join(dir, "rows.csv")
		os.Remove(name)
		var source fs.FileInfo
		if c.source != 0 {
			source = put(t, filepath.Join(dir, "log"), "x", c.source)
		}
		if c.replaced != 0 {
			put(t, name, "x", c.replaced)
		}
		must(t, create(t, name, source).Commit())
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("from %o in place of %o: %v, %v, expected %o", c.source, c.replaced, info.Mode(), err, c.want)
		}
	}
}

// The source is never overwritten, under any of its names.
func TestTheSourceIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log.csv")
	source := put(t, log, "precious", 0o600)
	link, hard := filepath.Join(dir, "link.csv"), filepath.Join(dir, "hard.csv")
	must(t, os.Symlink(log, link))
	must(t, os.Link(log, hard))
	for _, name := range []string{log, link, hard} {
		if _, err := outfile.Create(t.Context(), name, source); err == nil || !strings.Contains(err.Error(), name+" is the file that is read") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := outfile.Create(t.Context(), dir, source); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := outfile.Create(t.Context(), filepath.Join(dir, "none", "x"), source); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Errorf("no directory: %v", err)
	}
}

// The target of a symbolic link is replaced, and the link is kept.
func TestSymbolicLinkStays(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "there"), 0o700))
	target, link := filepath.Join(dir, "there", "rows.csv"), filepath.Join(dir, "rows.csv")
	put(t, target, "old", 0o600)
	must(t, os.Symlink(target, link))
	f := create(t, link, nil)
	_, err := io.WriteString(f, "new")
	must(t, err)
	must(t, f.Commit())
	got, _ := os.ReadFile(target)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 || string(got) != "new" {
		t.Errorf("%v, %v, %q", info.Mode(), err, got)
	}
}

// A FIFO is written to and stays a FIFO. Create does not wait for its reader for ever.
func TestFIFOStays(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "rows.csv")
	must(t, syscall.Mkfifo(fifo, 0o600))
	read := make(chan string, 1)
	go func() {
		got, _ := os.ReadFile(fifo)
		read <- string(got)
	}()
	f := create(t, fifo, nil)
	_, err := io.WriteString(f, "rows")
	must(t, err)
	must(t, f.Commit())
	if got := <-read; got != "rows" {
		t.Errorf("%q came out", got)
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := outfile.Create(ctx, fifo, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a FIFO without a reader: %v", err)
	}
	go func() { os.ReadFile(fifo) }() // ends the open that was cancelled
}

// A device is written to: one that accepts no data causes an error.
func TestFullDevice(t *testing.T) {
	f := create(t, "/dev/full", nil)
	if _, err := io.WriteString(f, "rows"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	f.Discard()
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode()&fs.ModeDevice == 0 {
		t.Fatalf("%v, %v", info, err)
	}
}

const childFolder = "OUTFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		f, err := outfile.Create(context.Background(), filepath.Join(dir, "rows.csv"), nil)
		if err == nil {
			_, err = io.WriteString(f, "half of it")
		}
		if err == nil {
			os.Stdout.WriteString("ready\n")
			select {}
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A killed process leaves nothing behind.
func TestKilledProcessLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	ready := make([]byte, 6)
	_, err = io.ReadFull(out, ready)
	must(t, err)
	must(t, cmd.Process.Kill())
	cmd.Wait()
	if left := names(t, dir); left != "" {
		t.Errorf("%q were left", left)
	}
}
