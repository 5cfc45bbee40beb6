package mmapsync

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// These tests put the steps of one process between the steps of another: at each system call in
// turn, by hand where no call is made, and at random with more threads than processors, which the
// kernel then interrupts between any two instructions.

func TestTwoWritersInterleaved(t *testing.T) {
	for n := 1; ; n++ {
		h := newHeap()
		a, b := h.process(), h.process()
		var wa *Writer
		var errA error
		calls := 0
		b.hook = func(string, string) error {
			if calls++; calls == n {
				wa, errA = openWriter(a, "table", WriterOptions{Slots: 1})
			}
			return nil
		}
		wb, errB := openWriter(b, "table", WriterOptions{Slots: 1})
		if calls < n {
			return
		}
		winner, loser := wa, errB
		if wb != nil {
			winner, loser = wb, errA
		}
		if winner == nil || !errors.Is(loser, ErrLocked) {
			t.Fatalf("at call %d: %v and %v, want one writer and one ErrLocked", n, errA, errB)
		}
		publish(t, winner, "x")
		expect(t, h.process().reader(t), "x")
		for path := range h.nodes {
			if strings.HasSuffix(path, ".tmp") {
				t.Errorf("at call %d: %s is left behind", n, path)
			}
		}
	}
}

func TestPublicationsBetweenTheCallsOfAReader(t *testing.T) {
	for _, publications := range []int{1, 2, 3, 4, 7} {
		for n := 1; betweenReaderCalls(t, n, publications); n++ {
		}
	}
}

// betweenReaderCalls publishes at the n-th call of a reader that opens the path and takes two
// snapshots, and says whether there is one.
func betweenReaderCalls(t *testing.T, n, publications int) bool {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 8})
	next := func(number int) { publish(t, w, strings.Repeat(fmt.Sprint(number), 1+number*1500)) }
	next(1)
	p := h.process()
	calls, last := 0, 1
	p.hook = func(string, string) error {
		if calls++; calls == n {
			for range publications {
				last++
				next(last)
			}
		}
		return nil
	}
	r := p.reader(t)
	first := acquire(t, r)
	second := acquire(t, r)
	for _, s := range []Snapshot{first, second} {
		if err := s.Verify(); err != nil {
			t.Fatalf("%d publications at call %d: %v", publications, n, err)
		}
	}
	if calls >= n {
		expectHeld(t, second, strings.Repeat(fmt.Sprint(last), 1+last*1500))
	}
	first.Release()
	second.Release()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return calls >= n
}

func TestFilesMadeAnewBetweenTheCallsOfAReader(t *testing.T) {
	for n := 1; ; n++ {
		h := newHeap()
		publish(t, h.process().writer(t, WriterOptions{}), "old")
		p := h.process()
		calls := 0
		p.hook = func(string, string) error {
			if calls++; calls == n {
				delete(h.nodes, "table_state")
				publish(t, h.process().writer(t, WriterOptions{}), "new")
			}
			return nil
		}
		r := p.reader(t)
		opened := calls >= n
		p.hook = nil
		if !opened {
			return
		}
		replaced, err := r.Replaced()
		if err != nil {
			t.Fatal(err)
		}
		if !replaced {
			expect(t, r, "new")
		}
	}
}

// acquireAfter is Acquire with something in between: the version has been loaded, and the hold is
// taken when between is over.
func acquireAfter(t *testing.T, r *Reader, between func()) Snapshot {
	t.Helper()
	s := r.only()
	i := Version(r.client.Load().version.Load()).Index()
	between()
	s.hold(i)
	d, s, err := r.client.Load().settle(s, Version(r.client.Load().version.Load()), i)
	if err != nil {
		t.Fatal(err)
	}
	return s.snapshot(d)
}

func TestPublicationsBetweenVersionAndHold(t *testing.T) {
	for n := range 6 {
		h := newHeap()
		w := h.process().writer(t, WriterOptions{Grace: -1})
		r := h.process().reader(t)
		publish(t, w, "0")
		expect(t, r, "0")
		s := acquireAfter(t, r, func() {
			for i := range n {
				publish(t, w, fmt.Sprint(i+1))
			}
		})
		expectHeld(t, s, fmt.Sprint(n))
		for i := range 4 {
			publish(t, w, fmt.Sprint("later ", i))
			expectHeld(t, s, fmt.Sprint(n))
		}
		s.Release()
		if word := r.only().load(); word.holds(0)+word.holds(1) != 0 {
			t.Errorf("%d publications between: the slot is left with %#x", n, word)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%d publications between: %v", n, err)
		}
	}
}

func TestAdoptionKeepsWhatRetiredSlotsHold(t *testing.T) {
	// The previous writer gives up a slot that holds both files and ends before it has replaced
	// either.
	h := newHeap()
	p := h.process()
	w := p.writer(t, WriterOptions{Grace: -1})
	r := h.process().reader(t)
	publish(t, w, "one")
	one := acquire(t, r)
	publish(t, w, "two")
	two := acquire(t, r)
	p.hook = func(call, _ string) error {
		if call == "create" {
			return errors.New("no space left on device")
		}
		return nil
	}
	if _, err := w.Publish([]byte("three")); err == nil {
		t.Fatal("the third publication was to fail")
	}
	p.die()
	w = h.process().writer(t, WriterOptions{Grace: -1})
	for i := range 4 {
		publish(t, w, fmt.Sprint("later ", i))
		expectHeld(t, one, "one")
		expectHeld(t, two, "two")
	}
}

func TestVersionWordBeyondTheFileIsAnError(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	r := h.process().reader(t)
	v := publish(t, w, "x")
	expect(t, r, "x")
	w.state.version.Store(uint64(newVersion(v.Index(), MaxSize, 1)))
	var damaged *FormatError
	if _, err := r.Acquire(); !errors.As(err, &damaged) {
		t.Fatalf("a version word of 512 GiB: %v, want a *FormatError", err)
	}
	w.state.version.Store(uint64(v))
	expect(t, r, "x")
	if word := r.only().load(); word != 0 {
		t.Errorf("the slot is left with %#x", word)
	}
}

func TestGoroutinesInterruptedAnywhere(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 256})
	publish(t, w, "0")
	var stop atomic.Bool
	var wg sync.WaitGroup
	for _, slots := range []int{1, 4} {
		r := h.process().readerOf(t, slots)
		for range 3 {
			wg.Go(func() {
				var before Snapshot
				for !stop.Load() {
					s, err := r.Acquire()
					before.Release() // again, while others may have its place
					if err == nil {
						err = s.Verify() // the content is the one that the version announced
						s.Release()
					}
					before = s
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	rng := rand.New(rand.NewPCG(7, 7))
	content := make([]byte, 64)
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		for i := range content {
			content[i] = byte(rng.Uint32())
		}
		if _, err := w.Publish(content[:1+rng.IntN(63)]); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestRetiredSlotGivesNoSnapshot(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().reader(t)
	publish(t, w, "x")
	expect(t, r, "x") // the file is mapped, so that the next Acquire could go straight
	s := acquire(t, r)
	w.giveUp(s.Version().Index())
	late := acquire(t, r)
	if late.guard.slot == s.guard.slot || late.guard.slot.load().retired() {
		t.Error("a new snapshot was taken on a retired slot")
	}
	late.Release()
	s.Release()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Publications come between an Acquire that left a way to the next one and that next one.
func TestVersionThatIsOutOfDateIsNotTaken(t *testing.T) {
	for publications := range 5 {
		h := newHeap()
		w := h.process().writer(t, WriterOptions{})
		r := h.process().readerOf(t, 2)
		want := ""
		for i := range 2 { // both files are mapped, so that the short way is open
			want = fmt.Sprint("former ", i)
			publish(t, w, want)
			expect(t, r, want)
		}
		for i := range publications {
			want = fmt.Sprint("between ", i)
			publish(t, w, want)
		}
		for range 2 { // the second one goes the short way
			s := acquire(t, r)
			if got := string(s.Bytes()); got != want || s.Version() != w.version {
				t.Errorf("after %d publications: %q, version %#x; want %q, %#x", publications, got,
					s.Version(), want, w.version)
			}
			s.Release()
		}
		for _, s := range r.client.Load().slots {
			if word := s.load(); word != 0 {
				t.Errorf("after %d publications: slot %d is left with %#x", publications, s.number,
					word)
			}
		}
	}
}
