package mmapsync

import (
	"encoding/binary"
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

// These tests run the protocol on heap memory, under -race with the race detector watching.

// wrapPayload makes a payload that checks itself: sequence, filler that follows from it, and a hash
// of both. size is at least 16.
func wrapPayload(sequence uint64, size int) []byte {
	b := make([]byte, size)
	binary.LittleEndian.PutUint64(b, sequence)
	for i := 8; i < size-8; i++ {
		b[i] = byte(sequence) + byte(i)
	}
	binary.LittleEndian.PutUint64(b[size-8:], contentHash(b[:size-8]))
	return b
}

func checkPayload(b []byte) (sequence uint64, err error) {
	if len(b) < 16 {
		return 0, fmt.Errorf("payload of %d bytes", len(b))
	}
	if got, want := contentHash(b[:len(b)-8]), binary.LittleEndian.Uint64(b[len(b)-8:]); got != want {
		return 0, fmt.Errorf("torn: hash %#x, want %#x", got, want)
	}
	return binary.LittleEndian.Uint64(b), nil
}

func TestReadersNeverSeeTornOrOlderSnapshots(t *testing.T) {
	for _, grace := range []time.Duration{-1, time.Millisecond, 0} {
		t.Run(fmt.Sprint("grace ", grace), func(t *testing.T) { raceReaders(t, grace) })
	}
}

// raceReaders runs goroutines over two Readers, some of which hold on for longer than the grace
// time, while a writer publishes, ends and starts again.
func raceReaders(t *testing.T, grace time.Duration) {
	h := newHeap()
	process := h.process()
	w := process.writer(t, WriterOptions{Grace: grace, Slots: 64})
	defer func() { w.Close() }()
	if _, err := w.Publish(wrapPayload(1, 64)); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	readers := []*Reader{h.process().readerOf(t, 1), h.process().readerOf(t, 4)}
	for g := range 6 {
		wg.Go(func() { raceReader(t, readers[g%2], uint64(g), &stop) })
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for sequence := uint64(2); sequence < 300; sequence++ {
		if _, err := w.Publish(wrapPayload(sequence, 16+rng.IntN(20000))); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(100) == 0 {
			w.Close()
			w = process.writer(t, WriterOptions{Grace: grace})
		}
	}
	stop.Store(true)
	wg.Wait()
	for _, r := range readers {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	h.expectMapped(t, 0)
}

func raceReader(t *testing.T, r *Reader, seed uint64, stop *atomic.Bool) {
	rng := rand.New(rand.NewPCG(seed, 3))
	var last uint64
	for !stop.Load() {
		s, err := r.Acquire()
		if err != nil {
			t.Error(err)
			return
		}
		for looks := 1 + rng.IntN(3); looks > 0; looks-- {
			sequence, err := checkPayload(s.Bytes())
			if err != nil || sequence < last {
				t.Errorf("publication %d after %d: %v", sequence, last, err)
				s.Release()
				return
			}
			last = sequence
			if rng.IntN(200) == 0 {
				time.Sleep(2 * time.Millisecond)
			} else {
				runtime.Gosched()
			}
		}
		s.Release()
	}
}

func TestHeldSnapshotStaysWhileTheWriterGoesOn(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().reader(t)
	publish(t, w, "held")
	s := acquire(t, r)
	made := h.created
	for i := range 100 {
		publish(t, w, fmt.Sprint("later ", i))
		expect(t, r, fmt.Sprint("later ", i))
		expectHeld(t, s, "held")
	}
	if replaced := h.created - made; replaced != 2 {
		t.Errorf("a stuck snapshot cost %d new files, want one for each index", replaced)
	}
	if r.only().number == 0 || (len(r.client.Load().slots)-1) != 1 {
		t.Errorf("the reader is on slot %d with %d retired, want a second slot beside one retired",
			r.only().number, (len(r.client.Load().slots) - 1))
	}
	s.Release()

	// The next retirement finds the first slot free and takes it back.
	s = acquire(t, r)
	publish(t, w, "a")
	publish(t, w, "b")
	expect(t, r, "b")
	if n := r.only().number; n != 0 {
		t.Errorf("the reader took slot %d, want its former slot 0 again", n)
	}
	s.Release()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestGuardsOfOneSlotHoldBothFiles(t *testing.T) {
	// The slot is retired for the older snapshot, and must go on protecting the newer one too.
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().reader(t)
	publish(t, w, "one")
	one := acquire(t, r)
	publish(t, w, "two")
	two := acquire(t, r)
	for i := range 5 {
		publish(t, w, fmt.Sprint("later ", i))
		expectHeld(t, one, "one")
		expectHeld(t, two, "two")
	}
	one.Release()
	two.Release()
	expect(t, r, "later 4")
}

func TestReleasedSnapshotCostsNoReplacement(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	r := h.process().reader(t)
	publish(t, w, "x")
	made := h.created
	for i := range 50 {
		publish(t, w, fmt.Sprint(i))
		expect(t, r, fmt.Sprint(i))
	}
	if h.created != made {
		t.Errorf("%d files made, want none", h.created-made)
	}
}

func TestMappingsDoNotPileUp(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().reader(t)
	publish(t, w, "first")
	before := h.mappedNow()
	for i := range 1000 {
		s := acquire(t, r) // makes the publication after next a replacement
		publish(t, w, strings.Repeat("x", i))
		publish(t, w, strings.Repeat("y", i))
		s.Release()
		expect(t, r, strings.Repeat("y", i))
		if h.mappedNow() > before+6 {
			t.Fatalf("%d mappings after %d replacements, began with %d", h.mappedNow(), i, before)
		}
	}
	if h.created < 1000 {
		t.Fatalf("only %d files were made: the test replaced too little", h.created)
	}
	if n := (len(r.client.Load().slots) - 1); n > 2 {
		t.Errorf("%d slots are kept for retirement, want at most 2", n)
	}
}

func TestDeadReaderFreesItsSlotWithoutAWait(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: time.Hour, Slots: 1})
	publish(t, w, "x")
	for i := range 20 {
		process := h.process()
		acquire(t, process.reader(t)) // the only slot; never released
		process.die()
		publish(t, w, fmt.Sprint(i)) // would take an hour if it waited
		publish(t, w, fmt.Sprint(i, "b"))
	}
}

func TestForeignReaderCountIsRespectedAndNotWaitedForTwice(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: time.Millisecond})
	publish(t, w, "zero")
	w.state.foreign[0].Store(3) // an mmap-sync reader on file 0, stuck
	held := h.nodes["table_data_0"]
	before := string(held.memory)
	held.mappings++ // its mapping
	w.grace = time.Millisecond
	publish(t, w, "one")
	publish(t, w, "two")
	w.grace = time.Hour
	for i := range 4 {
		publish(t, w, fmt.Sprint("later ", i))
	}
	if string(held.memory) != before {
		t.Error("the file that a foreign reader holds was written to")
	}
	if w.state.foreign[0].Load() != 3 {
		t.Error("the foreign count was changed")
	}
	w.state.foreign[0].Store(0)
	made := h.created
	publish(t, w, "a")
	publish(t, w, "b")
	publish(t, w, "c")
	publish(t, w, "d")
	if h.created > made+1 {
		t.Errorf("%d files made after the foreign reader had gone", h.created-made)
	}
}

func TestCorruptRegistryWordsNeverStopTheWriter(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 8})
	owner := h.process()
	r := owner.reader(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 500 {
		w.registry.word(rng.IntN(8)).Store(rng.Uint64())
		w.registry.generations[rng.IntN(2)].Store(rng.Uint64())
		w.registry.used.Store(rng.Uint64() >> rng.IntN(64))
		publish(t, w, fmt.Sprint(i))
		if s, err := r.Acquire(); err == nil {
			s.Release()
		} else if damaged := new(FormatError); !errors.As(err, &damaged) &&
			!errors.Is(err, ErrNoSlot) {
			t.Fatalf("Acquire on a corrupt registry says %v", err)
		}
	}
}

func TestSlotsRunOut(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 3})
	publish(t, w, "x")
	process := h.process()
	var open []*Reader
	for range 3 {
		open = append(open, process.reader(t))
	}
	if _, err := openReader(process, "table", ReaderOptions{Slots: 1}); !errors.Is(err, ErrNoSlot) {
		t.Fatalf("a fourth reader on three slots: %v, want ErrNoSlot", err)
	}

	// A reader that is retired and finds no second slot says so, and goes on once its own is free.
	s := acquire(t, open[0])
	publish(t, w, "y")
	publish(t, w, "z")
	if _, err := open[0].Acquire(); !errors.Is(err, ErrNoSlot) {
		t.Errorf("retired without a free slot: %v, want ErrNoSlot", err)
	}
	expectHeld(t, s, "x")
	s.Release()
	expect(t, open[0], "z")

	if err := open[1].Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, process.reader(t), "z")
}

func TestAcquireAllocatesNothing(t *testing.T) {
	for _, slots := range []int{1, 2} {
		t.Run(fmt.Sprint("slots ", slots), func(t *testing.T) { acquireAllocatesNothing(t, slots) })
	}
}

func acquireAllocatesNothing(t *testing.T, slots int) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	r := h.process().readerOf(t, slots)
	publish(t, w, "x")
	publish(t, w, "y")
	calls := 0
	r.client.Load().sys.(*heapProcess).hook = func(call, path string) error { calls++; return nil }
	expect(t, r, "y")
	mapped := calls
	got := testing.AllocsPerRun(100, func() {
		s, err := r.Acquire()
		if err != nil || len(s.Bytes()) != 1 {
			t.Fatal(err)
		}
		s.Release()
	})
	if got != 0 || calls != mapped {
		t.Errorf("Acquire and Release: %v allocations and %d system calls, want none", got,
			calls-mapped)
	}
	data := []byte("z")
	if got := testing.AllocsPerRun(100, func() { w.Publish(data) }); got != 0 {
		t.Errorf("Publish in place: %v allocations, want none", got)
	}
}
