//go:build linux

package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// These tests do to a writer what a reader that means ill can do: write anything to the registry,
// at any time, and cut it short; and to both what somebody can do who may make files in the folder.

// skipFaults skips a test of faults in atomic operations where these are the race detector's own
// code.
func skipFaults(t *testing.T) {
	t.Helper()
	if RaceEnabled {
		t.Skip("a fault inside of the race detector cannot be recovered from; run this without -race")
	}
}

func openOnFiles(t *testing.T, path string, opts WriterOptions) *Writer {
	t.Helper()
	w, err := OpenWriter(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func readOnFiles(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := OpenReader(path, ReaderOptions{Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRegistryCutShortUnderTheWriter(t *testing.T) {
	skipFaults(t)
	for _, size := range []int64{0, 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "table")
			w := openOnFiles(t, path, WriterOptions{Grace: -1, Slots: 100})
			publish(t, w, "before")
			var old *Reader
			for range 40 { // so many that the last has its slot beyond the cut
				old = readOnFiles(t, path)
			}
			held := acquire(t, old)
			if err := os.Truncate(path+"_readers", size); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Update(5, func(c *Copy) error {
				if c.Holds != 0 || c.Number != 2 {
					t.Errorf("the copy of a new set holds %d and becomes %d, want 0 and 2", c.Holds,
						c.Number)
				}
				copy(c.Bytes, "after")
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if replaced, err := old.Replaced(); !replaced || err != nil {
				t.Errorf("Replaced says %v, %v", replaced, err)
			}
			fresh := readOnFiles(t, path)
			expect(t, fresh, "after")
			for i := range 4 {
				publish(t, w, fmt.Sprint("later ", i))
				expect(t, fresh, fmt.Sprint("later ", i))
				if got := string(held.Bytes()); got != "before" {
					t.Fatalf("the snapshot of the former set is now %q", got)
				}
			}
			if _, err := OpenWriter(path, WriterOptions{}); !errors.Is(err, ErrLocked) {
				t.Errorf("a second writer on the new set: %v, want ErrLocked", err)
			}
		})
	}
}

func TestNewSetSurvivesTheFailureOfAnyCall(t *testing.T) {
	full := errors.New("no space left on device")
	for n := 1; ; n++ {
		h := newHeap()
		p := h.process()
		w := p.writer(t, WriterOptions{Grace: -1, Slots: 8})
		publish(t, w, "before")
		w.mustRebuild = true
		calls := 0
		p.hook = func(string, string) error {
			if calls++; calls == n {
				return full
			}
			return nil
		}
		_, err := w.Publish([]byte("lost"))
		p.hook = nil
		if calls >= n && !errors.Is(err, full) && err != nil {
			t.Fatalf("call %d failed, but the error is %v", n, err)
		}
		publish(t, w, "after")
		r := h.process().reader(t)
		expect(t, r, "after")
		for path := range h.nodes {
			if strings.HasSuffix(path, ".tmp") {
				t.Errorf("call %d failed: %s is left behind", n, path)
			}
		}
		r.Close()
		w.Close()
		h.expectMapped(t, 0)
		if calls < n {
			if n < 12 {
				t.Fatalf("a new set takes only %d calls", n)
			}
			return
		}
	}
}

func TestWriterGoesOnWhileTheRegistryIsScribbledOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	const slots = 256
	w := openOnFiles(t, path, WriterOptions{Grace: time.Millisecond, Slots: slots})
	publish(t, w, "0")
	r, err := openRegistry(host{}, path+"_readers", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	// a slot that looks alive, and is never let go of
	r.claim(7, slots, func(int) bool { return false })
	longest, count := time.Duration(0), 0
	scribble(t, func(rng *rand.Rand) {
		word := mmap.Word64(r.memory, 8*rng.IntN(len(r.memory)/8))
		word.Store([]uint64{0, ^uint64(0), 1, 1 << 32, rng.Uint64(),
			rng.Uint64() >> 40}[rng.IntN(6)])
	}, func() (done bool) {
		began := time.Now()
		count++
		publish(t, w, fmt.Sprint(count))
		longest = max(longest, time.Since(began))
		return true
	})
	v, active := w.version, w.data[w.version.Index()]
	if got := string(active.memory[:v.Size()]); got != fmt.Sprint(count) || count == 0 {
		t.Errorf("publication %d holds %q", count, got)
	}
	t.Logf("%d publications, the longest took %v at a grace of 1ms", count, longest)
}

func TestHoldsOfNobodyCostABoundedNumberOfCalls(t *testing.T) {
	h := newHeap()
	p := h.process()
	const slots = 3 * maxProbes
	w := p.writer(t, WriterOptions{Grace: -1, Slots: slots})
	publish(t, w, "one")
	publish(t, w, "two")
	w.registry.raise(slots - 1)
	for k := range slots {
		w.registry.word(k).Store(oneHold(0) + oneHold(1))
	}
	locks := 0
	p.hook = func(call, _ string) error {
		if call == "lock" {
			locks++
		}
		return nil
	}
	publish(t, w, "three")
	if locks != maxProbes {
		t.Errorf("one look at the slots took %d locks, want %d", locks, maxProbes)
	}
	for k := range slots {
		if word := slotWord(w.registry.word(k).Load()); word != 0 && !word.retired() {
			t.Fatalf("slot %d is neither cleared nor retired: %#x", k, word)
		}
	}
	p.hook = nil
	r := h.process().reader(t) // takes a slot that was retired or cleared, and ends that
	for _, content := range []string{"four", "five", "six"} {
		publish(t, w, content)
		expect(t, r, content)
	}
}

func TestWriterGoesOnWhileTheRegistryIsCutAgainAndAgain(t *testing.T) {
	skipFaults(t)
	path := filepath.Join(t.TempDir(), "table")
	w := openOnFiles(t, path, WriterOptions{Grace: -1, Slots: 100})
	publish(t, w, "0")
	published, refused := 0, 0
	scribble(t, func(rng *rand.Rand) {
		os.Truncate(path+"_readers", int64(rng.IntN(4)*4000))
		time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
	}, func() (done bool) {
		_, err := w.Publish([]byte("during"))
		var damaged *FormatError
		switch {
		case err == nil:
			published++
		case errors.As(err, &damaged):
			refused++
		default:
			t.Fatal(err)
		}
		return published > 0
	})
	w.Publish([]byte("after")) // finds the last cut at the latest
	publish(t, w, "after")
	expect(t, readOnFiles(t, path), "after")
	if published == 0 {
		t.Error("nothing was published")
	}
	t.Logf("%d published, %d refused", published, refused)
}

// scribble does harm on a goroutine of its own while work is tried again and again, for a third of
// a second and, for a minute at most, until it was done.
func scribble(t *testing.T, harm func(rng *rand.Rand), work func() (done bool)) {
	t.Helper()
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for rng := rand.New(rand.NewPCG(8, 8)); !stop.Load(); {
			harm(rng)
		}
	})
	defer wg.Wait()
	defer stop.Store(true)
	done := false
	for start := time.Now(); time.Since(start) < 300*time.Millisecond ||
		!done && time.Since(start) < time.Minute; {
		done = work()
	}
}

func TestFilesOfAnotherUserAreRefused(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	publish(t, w, "x")
	publish(t, w, "y")
	w.Close()
	for _, suffix := range []string{"_state", "_readers", "_data_1"} {
		h.nodes["table"+suffix].owner = 1234
		var damaged *FormatError
		_, err := openWriter(h.process(), "table", WriterOptions{})
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "user 1234") {
			t.Errorf("a writer says %v to another user's %s", err, suffix)
		}
		r, err := openReader(h.process(), "table", ReaderOptions{})
		if err == nil {
			_, err = r.Acquire()
			r.Close()
		}
		if !errors.As(err, &damaged) {
			t.Errorf("a reader says %v to another user's %s", err, suffix)
		}
		h.nodes["table"+suffix].owner = 0
	}
	for _, node := range h.nodes {
		node.owner = 1234
	}
	for _, c := range []struct {
		owners []int
		fine   bool
	}{{nil, true}, {[]int{0, 1234}, true}, {[]int{0}, false}} {
		r, err := openReader(h.process(), "table", ReaderOptions{Owners: c.owners})
		if (err == nil) != c.fine {
			t.Errorf("a reader that knows the users %v says %v to user 1234's files", c.owners, err)
		}
		if err == nil {
			expect(t, r, "y")
			r.Close()
		}
	}
}

func TestFilesAreMadeForAGroup(t *testing.T) {
	group := 54321
	if os.Getuid() != 0 {
		groups, err := os.Getgroups()
		if err != nil || len(groups) == 0 {
			t.Skip("this user is in no group; run as one that is, or as root")
		}
		group = groups[len(groups)-1]
	}
	path := filepath.Join(t.TempDir(), "table")
	w := openOnFiles(t, path, WriterOptions{Group: group})
	publish(t, w, strings.Repeat("x", 10_000)) // one file is made later
	for suffix, mode := range map[string]fs.FileMode{"_state": 0o640, "_data_0": 0o640,
		"_data_1": 0o640, "_readers": 0o660} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); int(stat.Gid) != group || info.Mode() != mode {
			t.Errorf("%s belongs to group %d with mode %v, want %d with %v", suffix, stat.Gid,
				info.Mode(), group, mode)
		}
	}
}
