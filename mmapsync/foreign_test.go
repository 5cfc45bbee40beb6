//go:build linux

package mmapsync_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/mmapsync"
)

// These tests read what the Rust crate mmap-sync 2.x has written: files that it left (testdata),
// and those of a writer here that takes the crate's steps in the crate's order.

const golden = "testdata/mmap-sync-2.0.4"

// goldenContent is what the files in testdata hold.
func goldenContent(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(7*i + n)
	}
	return b
}

// goldenWords returns, in the order of publication, content and version word.
func goldenWords(t *testing.T) (contents [][]byte, words []mmapsync.Version) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(golden, "words.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var n int
		var word uint64
		if _, err := fmt.Sscanf(line, "%d %x", &n, &word); err != nil {
			t.Fatal(err)
		}
		contents, words = append(contents, goldenContent(n)), append(words, mmapsync.Version(word))
	}
	if len(words) != 133 {
		t.Fatalf("%d publications in testdata, want 133", len(words))
	}
	return contents, words
}

// crateWriter publishes as mmap-sync does: it waits for the count of the file that it wants, for as
// long as the grace time, then takes the count to be zero and writes over the file, which it maps
// at the first use and keeps mapped, whatever its name comes to mean, until a publication is
// larger. Then it opens the name again, and the file grows in place.
type crateWriter struct {
	path  string
	state []byte
	data  [2][]byte
	grace time.Duration
}

// openCrate takes the state file that is there, or makes one.
func openCrate(path string) (*crateWriter, error) {
	f, err := os.OpenFile(path+"_state", os.O_RDWR|os.O_CREATE, 0o660)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(16); err != nil {
		return nil, err
	}
	state, err := mmap.Map(f, 16, mmap.ReadWrite)
	return &crateWriter{path: path, state: state, grace: time.Millisecond}, err
}

func newCrateWriter(t *testing.T, path string) *crateWriter {
	t.Helper()
	w, err := openCrate(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

func (w *crateWriter) close() {
	mmap.Unmap(w.state)
	for i := range w.data {
		if w.data[i] != nil {
			mmap.Unmap(w.data[i])
		}
	}
}

// announced is the version word.
func (w *crateWriter) announced() mmapsync.Version {
	return mmapsync.Version(mmap.Word64(w.state, 0).Load())
}

func (w *crateWriter) publish(content []byte, checksum uint64) error {
	index := 0
	if now := w.announced(); now != 0 {
		index = 1 - now.Index()
	}
	count := mmap.Word32(w.state, 8+4*index)
	for end := time.Now().Add(w.grace); count.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			count.Store(0)
		}
	}
	if len(w.data[index]) < len(content) {
		if err := w.remap(index, int64(len(content))); err != nil {
			return err
		}
	}
	copy(w.data[index], content)
	mmap.Word64(w.state, 0).Store(checksum&(1<<24-1)<<40 | uint64(len(content))<<1 | uint64(index))
	return nil
}

func (w *crateWriter) remap(index int, size int64) error {
	f, err := os.OpenFile(fmt.Sprint(w.path, "_data_", index), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	length := max(size, info.Size())
	if length > info.Size() {
		err = f.Truncate(length)
	}
	if err == nil && w.data[index] != nil {
		err = mmap.Unmap(w.data[index])
	}
	if err == nil {
		w.data[index], err = mmap.Map(f, length, mmap.ReadWrite)
	}
	return err
}

func openForeign(t *testing.T, path string) *mmapsync.Reader {
	t.Helper()
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{Foreign: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestFilesOfTheCrateAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crate")
	for _, suffix := range []string{"_state", "_data_0", "_data_1"} {
		b, err := os.ReadFile(filepath.Join(golden, "crate"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		must(t, os.WriteFile(path+suffix, b, 0o640))
	}
	_, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	var refused *mmapsync.FormatError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "ReaderOptions.Foreign") {
		t.Errorf("without the option: %v, want a FormatError that names it", err)
	}
	r := openForeign(t, path)
	expect(t, r, string(goldenContent(36)))
	s, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(); err != nil {
		t.Errorf("Verify says %v", err)
	}
	s.Release()
	if replaced, err := r.Replaced(); replaced || err != nil {
		t.Errorf("Replaced says %v, %v", replaced, err)
	}
	must(t, r.Close())
	if _, err := r.Acquire(); !errors.Is(err, mmapsync.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Contents of every length up to several blocks of the hash, one after the other, some of which
// make a file longer.
func TestPublicationsOfTheCrateAreFollowed(t *testing.T) {
	contents, words := goldenWords(t)
	path := filepath.Join(t.TempDir(), "crate")
	w := newCrateWriter(t, path)
	r := openForeign(t, path)
	if _, err := r.Acquire(); !errors.Is(err, mmapsync.ErrNotPublished) {
		t.Errorf("before the first publication: %v", err)
	}
	first := mmapsync.Snapshot{}
	for i, content := range contents {
		must(t, w.publish(content, uint64(words[i].Checksum())))
		s, err := r.Acquire()
		if err != nil {
			t.Fatalf("%d bytes: %v", len(content), err)
		}
		if s.Version() != words[i] || !bytes.Equal(s.Bytes(), content) {
			t.Fatalf("%d bytes: version %#x and content %x; want %#x and %x", len(content),
				s.Version(), s.Bytes(), words[i], content)
		}
		s.Release()
		if i == 0 {
			if first, err = r.Acquire(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(first.Bytes(), contents[0]) {
		t.Error("a snapshot that was held changed")
	}
	first.Release()
	if counts := binary.LittleEndian.Uint64(w.state[8:]); counts != 0 {
		t.Errorf("the readers' counts are %#x: they are for readers of the crate", counts)
	}
}

func TestAnUnchangedForeignPublicationIsNotCopiedAgain(t *testing.T) {
	contents, words := goldenWords(t)
	path := filepath.Join(t.TempDir(), "crate")
	must(t, newCrateWriter(t, path).publish(contents[99], uint64(words[99].Checksum())))
	r := openForeign(t, path)
	allocations := testing.AllocsPerRun(100, func() {
		s, err := r.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		s.Release()
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestForeignSnapshotsAreNeverTorn(t *testing.T) {
	contents, words := goldenWords(t)
	path := filepath.Join(t.TempDir(), "crate")
	w := newCrateWriter(t, path)
	largest := len(contents) - 1
	must(t, w.publish(contents[largest], uint64(words[largest].Checksum())))
	r := openForeign(t, path)
	done := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-done:
				return
			default:
				i := largest - k%2 // of 4096 and 1000 bytes
				if err := w.publish(contents[i], uint64(words[i].Checksum())); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	var read [2]int
	for k := range read {
		readers.Go(func() {
			for end := time.Now().Add(300 * time.Millisecond); read[k] == 0 ||
				time.Now().Before(end); read[k]++ {
				s, err := r.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(s.Bytes(), goldenContent(len(s.Bytes()))) ||
					len(s.Bytes()) != int(s.Version().Size()) {
					t.Errorf("torn: %x", s.Bytes())
				}
				s.Release()
			}
		})
	}
	readers.Wait()
	close(done)
	writer.Wait()
	if read[0] == 0 || read[1] == 0 {
		t.Errorf("%v snapshots read", read)
	}
}

func TestDamagedForeignFilesAreErrorsInWords(t *testing.T) {
	contents, words := goldenWords(t)
	for name, c := range map[string]struct {
		damage func(path string) error
		want   string
	}{
		"flipped": {func(path string) error {
			return os.WriteFile(path+"_data_0", make([]byte, 100), 0o640)
		}, "checksum"},
		"short": {func(path string) error { return os.Truncate(path+"_data_0", 50) },
			"has room for 50"},
		"missing": {func(path string) error { return os.Remove(path + "_data_0") }, "missing"},
		"link": {func(path string) error {
			must(t, os.Rename(path+"_data_0", path+"_elsewhere"))
			return os.Symlink(path+"_elsewhere", path+"_data_0")
		}, "symbolic"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "crate")
			must(t, newCrateWriter(t, path).publish(contents[99], uint64(words[99].Checksum())))
			must(t, c.damage(path))
			_, err := openForeign(t, path).Acquire()
			if err == nil || !strings.Contains(err.Error(), path+"_data_0") ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("Acquire says %v, want the file and %q", err, c.want)
			}
		})
	}
}

func TestForeignFileTruncatedWhileMappedIsAnError(t *testing.T) {
	contents, words := goldenWords(t)
	path := filepath.Join(t.TempDir(), "crate")
	w := newCrateWriter(t, path)
	must(t, w.publish(contents[99], uint64(words[99].Checksum())))
	must(t, w.publish(contents[98], uint64(words[98].Checksum())))
	must(t, w.publish(contents[97], uint64(words[97].Checksum())))
	r := openForeign(t, path)
	expect(t, r, string(contents[97]))
	must(t, w.publish(contents[0], uint64(words[0].Checksum())))
	expect(t, r, string(contents[0]))
	must(t, w.publish(contents[99], uint64(words[99].Checksum())))
	must(t, os.Truncate(path+"_data_0", 0))
	if _, err := r.Acquire(); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("Acquire says %v", err)
	}
}

func TestTheOptionMakesNoDifferenceForOurFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	w := openWriter(t, path)
	r := openForeign(t, path)
	for _, content := range []string{"one", "two", "three"} {
		publish(t, w, content)
		expect(t, r, content)
	}
}
