package mmapsync_test

import (
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/mmapsync"
)

func TestStatsCountWhatTheWriterDid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Slots: 16, Grace: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	expect := func(when string, publications, replacements, retirements uint64) {
		t.Helper()
		s := w.Stats()
		if s.Publications != publications || s.Replacements != replacements ||
			s.Retirements != retirements {
			t.Errorf("%s: %+v, want %d publications, %d replacements, %d retirements", when, s,
				publications, replacements, retirements)
		}
		if s.Bytes < 2*4096 || s.HugeBytes < 0 || s.HugeBytes > s.Bytes {
			t.Errorf("%s: %d bytes, %d of them in huge pages", when, s.Bytes, s.HugeBytes)
		}
	}
	expect("new files", 0, 2, 0)
	publish(t, w, "small")
	publish(t, w, "small")
	expect("two small publications", 2, 2, 0)
	publish(t, w, string(make([]byte, 10000)))
	expect("one that does not fit", 3, 3, 0)

	r := openReader(t, path)
	s, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	for range 4 {
		publish(t, w, "small")
	}
	expect("a reader that does not let go", 7, 5, 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Bytes != 0 || s.Publications != 7 {
		t.Errorf("closed: %+v, want no files and 7 publications", s)
	}
}
