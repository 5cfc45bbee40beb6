//go:build linux

package mmapsync_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/mmapsync"
)

// These tests are about file systems and files that fail in use.

func TestFullTmpfsIsAnError(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system of 1 MiB can be mounted here (%v); run this test as root, in a container with CAP_SYS_ADMIN", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	path := filepath.Join(folder, "table")
	w := openWriter(t, path)
	r := openReader(t, path)
	content := strings.Repeat("former", 50_000)
	publish(t, w, content) // with headroom more than a third of the space
	fill := func(c *mmapsync.Copy) error { t.Error("fill is called without room"); return nil }
	for range 3 {
		_, published := w.Publish(make([]byte, 700_000))
		_, updated := w.Update(700_000, fill)
		for _, err := range []error{published, updated} {
			var system *fs.PathError
			if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &system) {
				t.Errorf("on a full file system: %v, want ENOSPC with the name of the file", err)
			}
		}
		expect(t, r, content)
	}
	expectNoDrafts(t, path)
	publish(t, w, "small") // there is room in the file in place
	expect(t, r, "small")
	_, err := mmapsync.OpenWriter(filepath.Join(folder, "second"),
		mmapsync.WriterOptions{Slots: 1 << 16})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a new path on a full file system: %v, want ENOSPC", err)
	}
	expectNoDrafts(t, filepath.Join(folder, "second"))
}

// A path that fills its file system is repaired all the same, and keeps its last publication; where
// readers keep the memory of the files from before, it begins with nothing.
func TestRepairOnAFullTmpfs(t *testing.T) {
	for _, mapped := range []bool{false, true} {
		folder := t.TempDir()
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=10m"); err != nil {
			t.Skipf("no file system of 10 MiB can be mounted here (%v); run this test as root, in a container with CAP_SYS_ADMIN", err)
		}
		t.Cleanup(func() { must(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
		path := filepath.Join(folder, "table")
		w := openWriter(t, path)
		content := strings.Repeat("x", 4<<20)
		for range 2 {
			_, err := w.Update(len(content), func(c *mmapsync.Copy) error {
				copy(c.Bytes, content)
				return nil
			})
			must(t, err)
			if mapped {
				s, err := openReader(t, path).Acquire()
				must(t, err)
				defer s.Release()
			}
		}
		must(t, w.Close())
		truncate("_readers", 256)(t, path)
		w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true})
		must(t, err)
		defer w.Close()
		if !mapped {
			expectUpdated(t, path, content)
		}
		publish(t, w, "small")
		expect(t, openReader(t, path), "small")
	}
}

// survive runs one read as a caller does that must outlive truncated files.
func survive(read func() error) (err error, fault bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if e := recover(); e != nil {
			err, fault = fmt.Errorf("%v", e), true
		}
	}()
	return read(), false
}

func TestFileTruncatedUnderAReaderIsAFaultOfThatRead(t *testing.T) {
	for _, suffix := range []string{"_data_1", "_state", "_readers"} {
		t.Run(suffix, func(t *testing.T) {
			if mmapsync.RaceEnabled && suffix != "_data_1" {
				t.Skip("a fault inside of the race detector cannot be recovered from; run this without -race")
			}
			path := published(t)
			r := openReader(t, path)
			sum := 0
			read := func(change func()) func() error {
				return func() error {
					s, err := r.Acquire()
					if err != nil {
						return err
					}
					defer s.Release()
					change()
					for _, b := range s.Bytes() {
						sum += int(b)
					}
					return nil
				}
			}
			if err, fault := survive(read(func() {})); err != nil || fault {
				t.Fatal(err)
			}
			err, fault := survive(read(func() { must(t, os.Truncate(path+suffix, 0)) }))
			if suffix == "_data_1" && !fault {
				t.Errorf("reading from a truncated file says %v, want a fault", err)
			}
			for range 3 { // each read after it is an error or a fault, and ends
				if err, _ := survive(read(func() {})); err == nil {
					t.Error("a truncated file was read without an error")
				}
			}
			if _, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{}); suffix != "_data_1" {
				expectExplained(t, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTruncatedSnapshotIsADamageThatVerifyFinds(t *testing.T) {
	path := published(t)
	r := openReader(t, path)
	s, err := r.Acquire()
	must(t, err)
	defer s.Release()
	must(t, os.Truncate(path+"_data_1", 0))
	var damaged *mmapsync.FormatError
	if err := s.Verify(); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("Verify says %v, want a *FormatError", err)
	}
}

func TestFilesOfTheCrateAreRefusedInWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	must(t, os.WriteFile(path+"_state", []byte{0x49, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		0o640))
	must(t, os.WriteFile(path+"_data_1", make([]byte, 36), 0o640))
	_, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	var foreign *mmapsync.FormatError
	if !errors.As(err, &foreign) || !strings.Contains(err.Error(), "mmap-sync") {
		t.Errorf("a reader says %v to files of mmap-sync, want a *FormatError that names it", err)
	}
	_, err = mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if !errors.As(err, &foreign) {
		t.Errorf("a writer says %v to files of mmap-sync, want a *FormatError", err)
	}
}
