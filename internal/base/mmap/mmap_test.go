//go:build linux

package mmap_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/headgate/headgate/internal/base/mmap"
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
		if _, err := mmap.CreateReserved(path, size, 0o640); err == nil ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("creating %d bytes: %v, want an error that names the file", size, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("creating %d bytes left a file", size)
		}
	}
}

// Whether there are huge pages to be had is the system's affair; everything else is the same with
// and without.
func TestFilesForHugePages(t *testing.T) {
	const page = 2 << 20
	for _, folder := range []string{t.TempDir(), shm(t)} {
		for _, size := range []int64{16, page - 1, page, 3*page + 4096} {
			path := filepath.Join(folder, fmt.Sprint("file", size))
			f, huge, err := mmap.CreateHuge(path, size, 0o640)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if huge < 0 || huge > size || huge%page != 0 {
				t.Errorf("%d bytes of %d are in huge pages", huge, size)
			}
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if blocks := info.Sys().(*syscall.Stat_t).Blocks; info.Size() != size ||
				blocks < size/512 {
				t.Errorf("%d bytes and %d blocks, want %d bytes, all of them reserved", info.Size(),
					blocks, size)
			}
			a, b := mapping(t, f, size), mapping(t, f, size)
			if slices.ContainsFunc(a, func(b byte) bool { return b != 0 }) {
				t.Error("a new file is not zero")
			}
			for _, at := range []int64{0, size / 2, size - 1} {
				a[at]++
				if b[at] != a[at] {
					t.Errorf("byte %d of %d differs between two mappings of a file", at, size)
				}
			}
			t.Logf("%s: %d of %d bytes in huge pages", folder, huge, size)
		}
	}
	if _, _, err := mmap.CreateHuge(filepath.Join(shm(t), "file"), math.MaxInt64,
		0o640); err == nil {
		t.Error("a file of 2^63 bytes is made")
	}
}

// shm returns a folder on a tmpfs where there is one, and any other where not.
func shm(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "mmap-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// mapping maps a file and sees to it that a large one can be mapped by huge pages.
func mapping(t *testing.T, f *os.File, size int64) []byte {
	t.Helper()
	b, err := mmap.Map(f, size, mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mmap.Unmap(b); err != nil {
			t.Error(err)
		}
	})
	if at := uintptr(unsafe.Pointer(&b[0])); size >= 2<<20 && at%(2<<20) != 0 {
		t.Errorf("%d bytes are mapped at %#x, which is no multiple of 2 MiB", size, at)
	}
	return b
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	create(t, path("file"), 16)
	for _, err := range []error{
		os.Symlink(path("file"), path("link")), syscall.Mkfifo(path("fifo"),
			0o600), os.Mkdir(path("folder"), 0o700)} {
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
		t.Errorf("a lock through a file open for reading: %v, want an error that is not ErrLocked",
			err)
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
