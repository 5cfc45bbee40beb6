package mmapsync_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/mmapsync"
)

// These tests go through real files and the public API.

func openWriter(t *testing.T, path string) *mmapsync.Writer {
	t.Helper()
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Slots: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func openReader(t *testing.T, path string) *mmapsync.Reader {
	t.Helper()
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func publish(t *testing.T, w *mmapsync.Writer, content string) mmapsync.Version {
	t.Helper()
	v, err := w.Publish([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func expect(t *testing.T, r *mmapsync.Reader, want string) {
	t.Helper()
	s, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	if got := string(s.Bytes()); got != want {
		t.Fatalf("snapshot holds %.40q, want %.40q", got, want)
	}
	if err := s.Verify(); err != nil {
		t.Fatal(err)
	}
}

// published makes a path with two publications and no writer.
func published(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table")
	w := openWriter(t, path)
	publish(t, w, "first")
	publish(t, w, strings.Repeat("second", 2000))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReaderBeforeTheFirstPublication(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	if _, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{}); !errors.Is(err,
		fs.ErrNotExist) {
		t.Fatalf("a path without files: %v, want fs.ErrNotExist", err)
	}
	w := openWriter(t, path)
	r := openReader(t, path)
	if _, err := r.Acquire(); !errors.Is(err, mmapsync.ErrNotPublished) {
		t.Fatalf("before the first publication: %v, want ErrNotPublished", err)
	}
	if v := publish(t, w, ""); v == 0 || v.Size() != 0 {
		t.Errorf("an empty publication has version %#x", uint64(v))
	}
	expect(t, r, "")
	publish(t, w, "x")
	expect(t, r, "x")
}

func TestSecondWriterIsRefusedAndTheNextAdopts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	w := openWriter(t, path)
	publish(t, w, "one")
	r := openReader(t, path)
	_, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if !errors.Is(err, mmapsync.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("a second writer: %v, want ErrLocked with the path", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Publish(nil); !errors.Is(err, mmapsync.ErrClosed) {
		t.Errorf("Publish after Close: %v, want ErrClosed", err)
	}
	w = openWriter(t, path)
	expect(t, r, "one")
	for _, content := range []string{"two", "three", "four"} {
		publish(t, w, content)
		expect(t, r, content)
	}
}

func TestManyReadersInOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	w := openWriter(t, path)
	publish(t, w, "x")
	var readers []*mmapsync.Reader
	for range 16 {
		readers = append(readers, openReader(t, path))
	}
	if _, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{}); !errors.Is(err,
		mmapsync.ErrNoSlot) {
		t.Fatalf("a 17th reader on 16 slots: %v, want ErrNoSlot", err)
	}
	publish(t, w, "y")
	for _, r := range readers {
		expect(t, r, "y")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, openReader(t, path), "y")
}

func TestReaderNoticesThatTheFilesWereMadeAnew(t *testing.T) {
	path := published(t)
	r := openReader(t, path)
	if replaced, err := r.Replaced(); replaced || err != nil {
		t.Fatalf("Replaced says %v, %v on files in place", replaced, err)
	}
	if err := os.Remove(path + "_state"); err != nil {
		t.Fatal(err)
	}
	if replaced, err := r.Replaced(); !replaced || err != nil {
		t.Errorf("Replaced says %v, %v after the state file was deleted", replaced, err)
	}
	w := openWriter(t, path)
	publish(t, w, "new")
	if replaced, err := r.Replaced(); !replaced || err != nil {
		t.Errorf("Replaced says %v, %v after the files were made anew", replaced, err)
	}
	expect(t, openReader(t, path), "new")
}

func TestFilesAreNotOpenToEverybody(t *testing.T) {
	path := published(t)
	for suffix, want := range map[string]fs.FileMode{"_state": 0o640, "_data_0": 0o640,
		"_data_1": 0o640, "_readers": 0o660} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != want {
			t.Errorf("%s has mode %v, want %v", suffix, got, want)
		}
	}
}

// damages is each way in which files of a path can be wrong. The active data file of published is
// 1.
var damages = []struct {
	name   string
	damage func(t *testing.T, path string)
	reads  bool // whether readers can do without what is damaged
	writes bool // whether a writer can
}{
	{name: "empty state", damage: truncate("_state", 0)},
	{name: "short state", damage: truncate("_state", 15)},
	{name: "long state", damage: truncate("_state", 4096)},
	{name: "state is a link", damage: link("_state")},
	{name: "state is a folder", damage: folder("_state")},
	{name: "state announces too much", damage: word("_state", 0, 1<<40|1|100_000<<1)},
	{name: "state has another checksum", damage: flip("_state", 6)},
	{name: "state names the other file", damage: flip("_state", 0)},
	{name: "no registry", damage: remove("_readers")},
	{name: "empty registry", damage: truncate("_readers", 0)},
	{name: "short registry", damage: truncate("_readers", 1000)},
	{name: "registry is a link", damage: link("_readers")},
	{name: "registry magic", damage: flip("_readers", 0)},
	{name: "registry format", damage: flip("_readers", 8)},
	{name: "registry slot count", damage: flip("_readers", 12)},
	{name: "registry without slots", damage: word("_readers", 8, 1)},
	{name: "generation in the registry", damage: flip("_readers", 24), writes: true},
	{name: "no active file", damage: remove("_data_1")},
	{name: "active file empty", damage: truncate("_data_1", 0)},
	{name: "active file cut", damage: truncate("_data_1", 4096)},
	{name: "active file of odd length", damage: truncate("_data_1", 5000)},
	{name: "active file grown", damage: truncate("_data_1", 1<<20)},
	{name: "active file is a link", damage: link("_data_1")},
	{name: "footer magic", damage: flip("_data_1", -64)},
	{name: "footer format", damage: flip("_data_1", -56)},
	{name: "footer index", damage: flip("_data_1", -52)},
	{name: "footer generation", damage: flip("_data_1", -48), writes: true},
	{name: "footer capacity", damage: flip("_data_1", -40)},
	{name: "footer publication", damage: word("_data_1", -32, 0)},
	{name: "footer size", damage: flip("_data_1", -24)},
	{name: "footer hash", damage: flip("_data_1", -16)},
	{name: "content", damage: flip("_data_1", 700), reads: true},
	{name: "data files exchanged", damage: exchange},
	{name: "no inactive file", damage: remove("_data_0"), reads: true, writes: true},
	{name: "inactive file empty", damage: truncate("_data_0", 0), reads: true, writes: true},
	{name: "inactive file damaged", damage: flip("_data_0", -64), reads: true, writes: true},
	{name: "inactive file of the highest generation", damage: word("_data_0", -48, ^uint64(0)),
		reads: true, writes: true},
	{name: "inactive file is a link", damage: link("_data_0"), reads: true},
}

func TestDamagedFilesAreErrorsInWords(t *testing.T) {
	for _, c := range damages {
		t.Run(c.name, func(t *testing.T) {
			path := published(t)
			c.damage(t, path)
			err := readOnce(path)
			if (err == nil) != c.reads {
				t.Errorf("a reader says %v; want an error: %v", err, !c.reads)
			}
			expectExplained(t, err)
			w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
			if (err == nil) != c.writes {
				t.Errorf("a writer says %v; want an error: %v", err, !c.writes)
			}
			expectExplained(t, err)
			if err == nil {
				if err := readOnce(path); err != nil {
					t.Errorf("a reader after the adoption says %v", err)
				}
				publish(t, w, "repaired")
				expect(t, openReader(t, path), "repaired")
				w.Close()
			}
		})
	}
}

// readOnce opens, acquires, and looks at the bytes.
func readOnce(path string) error {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := r.Acquire()
	if err != nil {
		return err
	}
	defer s.Release()
	sum := 0
	for _, b := range s.Bytes() {
		sum += int(b)
	}
	return nil
}

// expectExplained wants a FormatError with a remedy, or an error of the system with a path.
func expectExplained(t *testing.T, err error) {
	t.Helper()
	var damaged *mmapsync.FormatError
	var system *fs.PathError
	switch {
	case err == nil:
	case errors.As(err, &damaged):
		if damaged.Path == "" || !strings.Contains(err.Error(), damaged.Path) ||
			!strings.Contains(damaged.Reason, "remedy") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	case !errors.As(err, &system):
		t.Errorf("neither a *FormatError nor an error of the system: %v", err)
	}
}

func TestVerifyFindsDamagedContent(t *testing.T) {
	path := published(t)
	r := openReader(t, path)
	flip("_data_1", 700)(t, path)
	s, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	var damaged *mmapsync.FormatError
	if err := s.Verify(); !errors.As(err, &damaged) || damaged.Path != path+"_data_1" {
		t.Errorf("Verify on changed content says %v, want a *FormatError for %s_data_1", err, path)
	}
}

func TestRefusedFilesCanBeDeletedAndMadeAnew(t *testing.T) {
	path := published(t)
	flip("_data_1", -16)(t, path)
	for _, suffix := range []string{"_state", "_data_0", "_data_1", "_readers"} {
		remove(suffix)(t, path)
	}
	w := openWriter(t, path)
	publish(t, w, "anew")
	expect(t, openReader(t, path), "anew")
}

func TestWriterRefusesSenselessOptions(t *testing.T) {
	for _, slots := range []int{-1, 1<<16 + 1} {
		if _, err := mmapsync.OpenWriter(filepath.Join(t.TempDir(), "x"),
			mmapsync.WriterOptions{Slots: slots}); err == nil {
			t.Errorf("%d slots are accepted", slots)
		}
	}
	if _, err := mmapsync.OpenWriter(filepath.Join(t.TempDir(), "missing", "x"),
		mmapsync.WriterOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v, want fs.ErrNotExist", err)
	}
}

// The damages. Negative offsets count from the end of the file.

func edit(suffix string, change func(b []byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		b, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, change(b), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func at(b []byte, offset int) []byte {
	if offset < 0 {
		offset += len(b)
	}
	return b[offset:]
}

func flip(suffix string, offset int) func(*testing.T, string) {
	return edit(suffix, func(b []byte) []byte { at(b, offset)[0] ^= 1; return b })
}

func word(suffix string, offset int, value uint64) func(*testing.T, string) {
	return edit(suffix, func(b []byte) []byte {
		binary.LittleEndian.PutUint64(at(b, offset), value)
		return b
	})
}

func truncate(suffix string, size int64) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.Truncate(path+suffix, size)) }
}

func remove(suffix string) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.Remove(path+suffix)) }
}

func folder(suffix string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		must(t, os.Remove(path+suffix))
		must(t, os.Mkdir(path+suffix, 0o755))
	}
}

func link(suffix string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		must(t, os.Rename(path+suffix, path+suffix+".real"))
		must(t, os.Symlink(path+suffix+".real", path+suffix))
	}
}

func exchange(t *testing.T, path string) {
	must(t, os.Rename(path+"_data_0", path+".swap"))
	must(t, os.Rename(path+"_data_1", path+"_data_0"))
	must(t, os.Rename(path+".swap", path+"_data_1"))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
