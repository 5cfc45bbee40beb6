package mmapsync

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// These tests close Readers while others use them. On the heap a mapping that ended too early shows
// as a poisoned snapshot, and as a race; on real files as a fault.

func TestSnapshotsOutliveClose(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	publish(t, w, "held")
	before := h.mappedNow()
	r := h.process().reader(t)
	first, second := acquire(t, r), acquire(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Acquire(); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire after Close says %v, want ErrClosed", err)
	}
	if _, err := r.Replaced(); !errors.Is(err, ErrClosed) {
		t.Errorf("Replaced after Close says %v, want ErrClosed", err)
	}
	if err := r.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("Close again says %v, want ErrClosed", err)
	}
	first.Release()
	first.Release() // does nothing: the second snapshot stays held
	for range 4 {
		publish(t, w, "later")
		runtime.GC()
		expectHeld(t, second, "held")
	}
	second.Release()
	if first.Bytes() != nil || first.Verify() != ErrClosed {
		t.Error("a released snapshot still gives bytes")
	}
	first, second = Snapshot{}, Snapshot{} // which keep the memory, but give no more of it out
	h.expectMapped(t, before)
}

func TestClosedReadersGiveTheirSlotsBack(t *testing.T) {
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{Slots: 2}), "x")
	process := h.process()
	for range 20 { // ten times as often as there are slots
		r := process.readerOf(t, 2)
		expect(t, r, "x")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForgottenSnapshotIsNeverTakenForADeadReaders(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	publish(t, w, "forgotten")
	bytes := func() []byte {
		r := h.process().reader(t)
		defer r.Close()
		s, err := r.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		return s.Bytes() // without a Release
	}()
	for i := range 6 {
		for range 3 {
			runtime.GC()
			time.Sleep(time.Millisecond) // for the collector's own goroutines
		}
		publish(t, w, fmt.Sprint("later ", i))
	}
	if string(bytes) != "forgotten" {
		t.Errorf("the bytes are now %q", bytes)
	}
}

func TestCloseBetweenTheStepsOfAnAcquire(t *testing.T) {
	// The goroutine has found its slot, and the Reader is closed before it counts itself in.
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 1})
	publish(t, w, "x")
	before := h.mappedNow()
	r := h.process().reader(t)
	expect(t, r, "x")
	c, s := r.client.Load(), r.only()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openReader(h.process(), "table", ReaderOptions{}); !errors.Is(err, ErrNoSlot) {
		t.Fatalf("the slot was given away while somebody can still write to it: %v", err)
	}
	s.hold(0)
	if _, _, err := c.settle(s, Version(c.version.Load()), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("the rest of the Acquire says %v, want ErrClosed", err)
	}
	if word := s.load(); word != 0 {
		t.Errorf("the slot is left with %#x", word)
	}
	c, s = nil, nil
	h.expectMapped(t, before)
	expect(t, h.process().reader(t), "x")
}

func TestReadersAreSwappedUnderLoadOnTheHeap(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 256})
	swapReaders(t, w, func() (*Reader, error) {
		return openReader(h.process(), "table", ReaderOptions{Slots: 4})
	})
	before := h.mappedNow()
	if w.Close(); before < 3 {
		t.Errorf("%d mappings", before)
	}
	h.expectMapped(t, 0)
}

func TestReadersAreSwappedUnderLoadOnFiles(t *testing.T) {
	if RaceEnabled {
		t.Skip("the race detector does not see what orders accesses to mapped memory; run this without -race")
	}
	path := t.TempDir() + "/table"
	w, err := OpenWriter(path, WriterOptions{Grace: -1, Slots: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	swapReaders(t, w, func() (*Reader, error) { return OpenReader(path, ReaderOptions{}) })
}

// swapReaders lets goroutines read through whatever Reader is current, while a supervisor opens
// another and closes the previous one, and a writer publishes.
func swapReaders(t *testing.T, w *Writer, open func() (*Reader, error)) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	if _, err := w.Publish(wrapPayload(1, 64)); err != nil {
		t.Fatal(err)
	}
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[Reader]
	current.Store(first)
	var stop atomic.Bool
	var seen, swapped atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var last uint64
			for !stop.Load() {
				s, err := current.Load().Acquire()
				if errors.Is(err, ErrClosed) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				number, err := checkPayload(s.Bytes())
				if s.Release(); err != nil || number < last {
					t.Errorf("publication %d after %d: %v", number, last, err)
					return
				}
				last = number
				seen.Add(1)
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			r, err := open()
			if err != nil {
				t.Error(err)
				return
			}
			if err := current.Swap(r).Close(); err != nil {
				t.Error(err)
			}
			if swapped.Add(1)%16 == 0 {
				runtime.GC()
			}
		}
	})
	enough := func() bool { return seen.Load() >= 100 && swapped.Load() >= 10 }
	const long = time.Minute // for a machine to get to that
	for start, number := time.Now(), uint64(2); time.Since(start) < 700*time.Millisecond ||
		!enough() && time.Since(start) < long; number++ {
		if _, err := w.Publish(wrapPayload(number, 16+int(number)*37%9000)); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := current.Load().Close(); err != nil {
		t.Error(err)
	}
	if !enough() {
		t.Errorf("%d snapshots and %d swaps: nothing was tested", seen.Load(), swapped.Load())
	}
	t.Logf("%d snapshots, %d swaps", seen.Load(), swapped.Load())
}
