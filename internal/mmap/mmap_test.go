//go:build linux

package mmap_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/internal/mmap"
)

func create(t *testing.T, path string, size int64) *os.File {
	t.Helper()
	f, err := mmap.CreateReserved(path, size, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func open(t *testing.T, path string, access mmap.Access) *os.File {
	t.Helper()
	f, err := mmap.OpenRegular(path, access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestMappingsOfOneFileShareTheirBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	written, err := mmap.Map(create(t, path, 5000), 5000, mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	f, err := mmap.OpenRegular(path, mmap.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	read, err := mmap.Map(f, 5000, mmap.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // the mapping stays
	mmap.Word64(written, 4088).Store(42)
	if got := mmap.Word64(read, 4088).Load(); len(read) != 5000 || got != 42 {
		t.Errorf("%d bytes mapped, the word is %d; want 5000 and 42", len(read), got)
	}
	for _, b := range [][]byte{written, read} {
		if err := mmap.Unmap(b); err != nil {
			t.Error(err)
		}
	}
}

func TestCreatedFilesHaveTheirBlocksAndPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	defer syscall.Umask(syscall.Umask(0o077))
	info, err := create(t, path, 1<<20).Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o640 || info.Size() != 1<<20 {
		t.Errorf("mode %v and %d bytes, want 0640 and 1 MiB", info.Mode(), info.Size())
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks; blocks < 1<<20/512 {
		t.Errorf("%d blocks of 512 bytes are reserved, want at least %d", blocks, 1<<20/512)
	}
	if _, err := mmap.CreateReserved(path, 16, 0o640); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v, want fs.ErrExist", err)
	}
}

func TestFailedCreationLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, size := range []int64{-1, 0, math.MaxInt64} {
		if _, err := mmap.CreateReserved(path, size, 0o640); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("creating %d bytes: %v, want an error that names the file", size, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("creating %d bytes left a file", size)
		}
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	create(t, path("file"), 16)
	for _, err := range []error{
		os.Symlink(path("file"), path("link")), syscall.Mkfifo(path("fifo"), 0o600), os.Mkdir(path("folder"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "fifo", "folder", "missing"} {
		for _, access := range []mmap.Access{mmap.ReadOnly, mmap.ReadWrite} {
			f, err := mmap.OpenRegular(path(name), access)
			var system *fs.PathError
			if !errors.As(err, &system) {
				t.Errorf("opening %s: %v, want an error that names the file", name, err)
			}
			if f != nil {
				f.Close()
			}
		}
	}
	open(t, path("file"), mmap.ReadOnly)
}

func TestSizesThatCannotBeMapped(t *testing.T) {
	f := create(t, filepath.Join(t.TempDir(), "file"), 16)
	for _, size := range []int64{-1, 0, math.MaxInt64} {
		if _, err := mmap.Map(f, size, mmap.ReadOnly); err == nil {
			t.Errorf("mapping %d bytes succeeds", size)
		}
	}
}

func TestByteLocksBelongToTheOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	a := create(t, path, 16)
	b := open(t, path, mmap.ReadWrite) // another open file of the same process
	steps := []struct {
		what string
		err  error
		want error
	}{
		{"a takes byte 3", mmap.LockByte(a, 3), nil},
		{"a takes it again", mmap.LockByte(a, 3), nil},
		{"b wants it", mmap.LockByte(b, 3), mmap.ErrLocked},
		{"b takes its neighbour", mmap.LockByte(b, 4), nil},
		{"b takes one behind the end", mmap.LockByte(b, 1<<40), nil},
		{"a lets go", mmap.UnlockByte(a, 3), nil},
		{"b takes it", mmap.LockByte(b, 3), nil},
		{"a wants it back", mmap.LockByte(a, 3), mmap.ErrLocked},
		{"b is closed", b.Close(), nil},
		{"a has it back", mmap.LockByte(a, 3), nil},
	}
	for _, step := range steps {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%s: %v, want %v", step.what, step.err, step.want)
		}
	}
	readOnly := open(t, path, mmap.ReadOnly)
	if err := mmap.LockByte(readOnly, 9); err == nil || errors.Is(err, mmap.ErrLocked) {
		t.Errorf("a lock through a file open for reading: %v, want an error that is not ErrLocked", err)
	}
}

func TestWordsAreCheckedForBoundsAndAlignment(t *testing.T) {
	b := mmap.Aligned(64)
	mmap.Word64(b, 56).Store(1)
	mmap.Word32(b, 60).Add(1)
	if b[56] != 1 || b[60] != 1 {
		t.Errorf("words went elsewhere: %v", b)
	}
	for _, offset := range []int{-8, 57, 60, 64, math.MaxInt, math.MinInt} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a word at %d of 64 bytes is accepted", offset)
				}
			}()
			mmap.Word64(b, offset)
		}()
	}
}

func TestViewsShareMemoryAndLeaveOutRemainders(t *testing.T) {
	b := mmap.Aligned(23)
	if n := len(mmap.Float32s(b)); n != 5 {
		t.Errorf("%d float32 values in 23 bytes, want 5", n)
	}
	words := mmap.Uint64s(b)
	words[1] = 7
	if len(words) != 2 || b[8] != 7 {
		t.Errorf("%d words, byte 8 is %d; want 2 and 7", len(words), b[8])
	}
	if mmap.Float32s(b[:3]) != nil || mmap.Uint64s(b[:7]) != nil {
		t.Error("a view of less than one value is not nil")
	}
}
