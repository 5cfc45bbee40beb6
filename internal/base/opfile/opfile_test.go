package opfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/base/opfile"
)

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadReturnsRegularFilesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, size := range []int{0, 1, 511, 512, 1 << 16} {
		content := bytes.Repeat([]byte("x"), size)
		write(t, path, content)
		got, err := opfile.Read(path, int64(size))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
		if size == 0 {
			continue
		}
		if got, err := opfile.Read(path, int64(size)-1); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%d bytes under a limit of one less: read %d, %v", size, len(got), err)
		}
	}
}

func TestReadFollowsSymbolicLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "target"), []byte("text"))
	if err := os.Symlink("target", filepath.Join(dir, "link")); err != nil {
		t.Skipf("symbolic links cannot be made here: %v; run on a system that has them", err)
	}
	if got, err := opfile.Read(filepath.Join(dir, "link"), 10); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMissingFilesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	_, err := opfile.Read(path, 10)
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), path) != 1 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want fs.ErrNotExist with the path once", err)
	}
}
