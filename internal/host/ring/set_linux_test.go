package ring_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/internal/host/ring"
)

var small = ring.Config{Cells: 8, CellSize: 64}

func mustCreate(t testing.TB, dir string, cfg ring.Config) *ring.Producer {
	t.Helper()
	p, err := ring.Create(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func mustOpenSet(t testing.TB, dir string) *ring.Set {
	t.Helper()
	s, err := ring.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustScan(t testing.TB, s *ring.Set) {
	t.Helper()
	if err := s.Scan(); err != nil {
		t.Fatal(err)
	}
}

// pollNumbers delivers up to max events and returns the first number of each.
func pollNumbers(s *ring.Set, max int) (got []uint64) {
	s.Poll(max, func(payload []byte) { got = append(got, number(payload, 0)) })
	return got
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestConsumerOutlivesItsProducer(t *testing.T) {
	p := mustCreate(t, t.TempDir(), small)
	c, err := ring.OpenConsumer(p.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	put(p, 1)
	if !c.Alive() || c.Drained() {
		t.Errorf("alive %v, drained %v", c.Alive(), c.Drained())
	}
	p.Close()
	if c.Alive() || c.Drained() || c.Backlog() != 1 {
		t.Errorf("after Close: alive %v, drained %v, backlog %d", c.Alive(), c.Drained(),
			c.Backlog())
	}
	wantNumbers(t, drain(c), 1)
	if !c.Drained() {
		t.Error("not drained")
	}
}

func TestOneConsumerOnly(t *testing.T) {
	p := mustCreate(t, t.TempDir(), small)
	first, err := ring.OpenConsumer(p.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.OpenConsumer(p.Path()); !errors.Is(err, mmap.ErrLocked) {
		t.Errorf("a second consumer got %v", err)
	}
	s := mustOpenSet(t, filepath.Dir(p.Path()))
	if err := s.Scan(); !errors.Is(err, mmap.ErrLocked) || s.Stats().BadFiles != 0 {
		t.Errorf("a second consumer's Scan got %v, %+v", err, s.Stats())
	}
	put(p, 1)
	put(p, 2)
	first.Next(nil)
	first.Close()
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 2)
	if _, ok := first.Next(nil); ok || first.Backlog() != 0 {
		t.Error("a closed consumer goes on")
	}
}

func TestSetServesAllRingsInTurn(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	const rings, each = 5, 200
	for r := range uint64(rings) {
		p := mustCreate(t, dir, ring.Config{Cells: 256, CellSize: 64})
		for n := range uint64(each) {
			put(p, r, n)
		}
	}
	mustScan(t, s)
	if stats := s.Stats(); stats.Rings != rings || stats.Backlog != rings*each {
		t.Fatalf("%+v", stats)
	}
	var next [rings]uint64
	for total := 0; total < rings*each; {
		n := s.Poll(150, func(payload []byte) {
			r := number(payload, 0)
			if number(payload, 1) != next[r] {
				t.Fatalf("ring %d: event %d, want %d", r, number(payload, 1), next[r])
			}
			next[r]++
		})
		if n != min(150, rings*each-total) {
			t.Fatalf("Poll delivered %d after %d", n, total)
		}
		total += n
		low, high := next[0], next[0]
		for _, n := range next {
			low, high = min(low, n), max(high, n)
		}
		if high-low > 64 {
			t.Fatalf("unfair: %v", next)
		}
	}
	if stats := s.Stats(); stats.Events != rings*each || stats.Bytes != 16*rings*each ||
		stats.Backlog != 0 {
		t.Errorf("%+v", stats)
	}
	if s.Poll(50, func([]byte) { t.Error("an event too many") }) != 0 {
		t.Error("Poll delivered what was not there")
	}
}

func TestSetRemovesDrainedRingsOfDeadProducers(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	dead, living := mustCreate(t, dir, small), mustCreate(t, dir, small)
	for range 10 { // two too many
		put(dead, 1)
	}
	dead.Close()
	mustScan(t, s)
	mustScan(t, s)
	if names := files(t, dir); len(names) != 2 {
		t.Fatalf("removed before it was drained: %v", names)
	}
	wantNumbers(t, pollNumbers(s, 3), 1, 1, 1)
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 1, 1, 1, 1, 1)
	mustScan(t, s)
	if names := files(t, dir); len(names) != 1 || names[0] != living.Path() {
		t.Errorf("files %v", names)
	}
	if stats := s.Stats(); stats.Rings != 1 || stats.Removed != 1 || stats.Dropped != 2 ||
		stats.Events != 8 {
		t.Errorf("%+v", stats)
	}
	put(living, 2)
	wantNumbers(t, pollNumbers(s, 9), 2)
}

// A producer that does not finish an event holds up nobody but itself.
func TestStalledRingDoesNotStopOthers(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	stalled, busy := mustCreate(t, dir, small), mustCreate(t, dir, small)
	claim, _ := stalled.Claim()
	put(stalled, 1)
	mustScan(t, s)
	for n := range uint64(20) {
		put(busy, n)
		wantNumbers(t, pollNumbers(s, 9), n)
	}
	claim.Commit(nil)
	wantNumbers(t, pollNumbers(s, 9), 1)
	if stats := s.Stats(); stats.Lost != 0 || stats.Abandoned != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestSetIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	s.SetLimit(3)
	var producers []*ring.Producer
	for n := range uint64(5) {
		producers = append(producers, mustCreate(t, dir, small))
		put(producers[n], n)
	}
	mustScan(t, s)
	if stats := s.Stats(); stats.Rings != 3 || stats.Refused != 2 {
		t.Fatalf("%+v", stats)
	}
	if got := pollNumbers(s, 9); len(got) != 3 {
		t.Fatalf("events %v of 3 rings", got)
	}
	for _, p := range producers {
		p.Close()
	}
	mustScan(t, s) // removes the three and has room for the rest
	if got := pollNumbers(s, 9); len(got) != 2 {
		t.Fatalf("events %v of the rings that had been refused", got)
	}
	mustScan(t, s)
	if stats := s.Stats(); stats.Rings != 0 || stats.Refused != 0 || stats.Removed != 5 ||
		stats.Events != 5 {
		t.Errorf("%+v", stats)
	}
}

func TestForeignFiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	target := mustCreate(t, elsewhere, small)
	put(target, 1)
	name := func(n int) string { return filepath.Join(dir, fmt.Sprintf("ring-%016x.ring", n)) }
	sound, err := os.ReadFile(target.Path())
	if err != nil {
		t.Fatal(err)
	}
	otherVersion := append([]byte(nil), sound...)
	otherVersion[8]++
	huge := name(6)
	for _, err := range []error{
		// Not ours: ignored.
		os.WriteFile(filepath.Join(dir, "README"), []byte("text"), 0o600),
		os.WriteFile(filepath.Join(dir, "ring-short.ring"), []byte("text"), 0o600),
		os.WriteFile(filepath.Join(dir, "ring-000000000000000G.ring"), []byte("text"), 0o600),
		// Under a ring's name and none: counted.
		os.Symlink(target.Path(), name(1)),
		os.Mkdir(name(2), 0o700),
		syscall.Mkfifo(name(3), 0o600),
		os.WriteFile(name(4), nil, 0o600),
		os.WriteFile(name(5), otherVersion, 0o600),
		os.WriteFile(huge, nil, 0o600), os.Truncate(huge, 1<<40),
		os.WriteFile(name(7), []byte(strings.Repeat("x", 4096)), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := len(files(t, dir))
	s := mustOpenSet(t, dir)
	good := mustCreate(t, dir, small)
	put(good, 5)
	for range 3 {
		mustScan(t, s)
	}
	wantNumbers(t, pollNumbers(s, 9), 5)
	if stats := s.Stats(); stats.Rings != 1 || stats.BadFiles != 7 || stats.Refused != 0 {
		t.Fatalf("%+v", stats)
	}
	if after := len(files(t, dir)); after != before+1 {
		t.Errorf("%d files before, %d after", before, after)
	}

	// A name that was bad may become good: this ring has no living producer, is drained and
	// removed.
	if err := os.WriteFile(name(4), sound, 0o600); err != nil {
		t.Fatal(err)
	}
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 1)
	mustScan(t, s)
	if _, err := os.Lstat(name(4)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the orphaned ring is still there: %v", err)
	}
}

func TestFileErrorNamesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring-0123456789abcdef.ring")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ring.OpenConsumer(path)
	var format *ring.FormatError
	if !errors.As(err, &format) || format.Path != path || format.Field != "magic" {
		t.Errorf("error %v", err)
	}
}

// A producer that died inside Create leaves an unfinished file; one that is still at it is left
// alone.
func TestOrphansAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	orphan := filepath.Join(dir, "ring-0123456789abcdef.tmp")
	busy := filepath.Join(dir, "ring-fedcba9876543210.tmp")
	for _, path := range []string{orphan, busy} {
		if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(busy, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := mmap.LockByte(f, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(busy, filepath.Join(dir, "ring-0000000000000000.tmp")); err != nil {
		t.Fatal(err)
	}
	mustScan(t, s)
	if n := s.Stats().Orphans; n != 0 {
		t.Errorf("%d young files removed", n)
	}
	if err := s.ScanAt(time.Now().Add(2 * ring.OrphanAge)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(orphan); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the orphan is still there: %v", err)
	}
	if _, err := os.Stat(busy); err != nil || s.Stats().Orphans != 1 {
		t.Errorf("busy file: %v, stats %+v", err, s.Stats())
	}
}

// Also where the clock has been set back since.
func TestOrphansOfTheFutureAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "ring-0123456789abcdef.tmp"), make([]byte, 4096),
		0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ScanAt(time.Now().Add(-time.Hour)); err != nil || s.Stats().Orphans != 1 {
		t.Errorf("%v, stats %+v", err, s.Stats())
	}
}

// A file that has lost its name is served for as long as it is attached, and what has the name now
// is not removed for it.
func TestUnlinkedRingIsStillServed(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	p := mustCreate(t, dir, small)
	mustScan(t, s)
	if err := os.Remove(p.Path()); err != nil {
		t.Fatal(err)
	}
	put(p, 1)
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 1)
	p.Close()
	if err := os.WriteFile(p.Path(), []byte("another file"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustScan(t, s)
	if stats := s.Stats(); stats.Rings != 0 || stats.Removed != 0 || len(files(t, dir)) != 1 {
		t.Errorf("%+v, files %v", stats, files(t, dir))
	}
}

func TestPanicOfTheHandlerDoesNotRepeatTheEvent(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	p := mustCreate(t, dir, small)
	put(p, 1)
	put(p, 2)
	mustScan(t, s)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		s.Poll(9, func([]byte) { panic("handler") })
	}()
	wantNumbers(t, pollNumbers(s, 9), 2)
}

// Stats and Scan run beside Poll.
func TestSetMayBeSharedByGoroutines(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !stop.Load() {
			s.Scan()
			s.Stats()
		}
	}()
	delivered := 0
	for range 20 {
		p := mustCreate(t, dir, small)
		for n := range uint64(8) {
			put(p, n)
		}
		p.Close()
		for seen := 0; seen < 8; {
			n := s.Poll(9, func([]byte) {})
			seen += n
			delivered += n
			runtime.Gosched()
		}
	}
	stop.Store(true)
	<-ended
	mustScan(t, s)
	if stats := s.Stats(); delivered != 160 || stats.Events != 160 || stats.Rings != 0 ||
		stats.Removed != 20 {
		t.Errorf("%d delivered, %+v", delivered, stats)
	}
}

// A ring whose header is spoiled stays while its producer lives, and is removed and counted when
// that is dead.
func TestSpoiledRingsOfDeadProducersAreRemoved(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"magic":   func(path string) error { return overwrite(path, 0, "no ring") },
		"version": func(path string) error { return overwrite(path, 8, "\xff") },
		"cells":   func(path string) error { return overwrite(path, 12, "\x00\x00\x00\x00") },
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpenSet(t, dir)
			dead, living := mustCreate(t, dir, small), mustCreate(t, dir, small)
			if err := errors.Join(spoil(dead.Path()), spoil(living.Path()),
				dead.Close()); err != nil {
				t.Fatal(err)
			}
			at := time.Now()
			scan := func(after time.Duration) {
				t.Helper()
				if err := s.ScanAt(at.Add(after)); err != nil {
					t.Fatal(err)
				}
			}
			scan(0)
			if stats := s.Stats(); stats.BadFiles != 2 || stats.Removed != 0 ||
				len(files(t, dir)) != 2 {
				t.Errorf("at first: %+v, files %v", stats, files(t, dir))
			}
			scan(2 * ring.OrphanAge)
			if stats := s.Stats(); stats.Spoiled != 1 || stats.Removed != 1 ||
				len(files(t, dir)) != 1 {
				t.Errorf("later: %+v, files %v, want that of the living producer", stats,
					files(t, dir))
			}
			living.Close()
			scan(4 * ring.OrphanAge)
			if stats := s.Stats(); stats.Spoiled != 2 || stats.BadFiles != 2 ||
				len(files(t, dir)) != 0 {
				t.Errorf("at last: %+v, files %v", stats, files(t, dir))
			}
		})
	}
}

func overwrite(path string, at int64, with string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte(with), at)
	return err
}
