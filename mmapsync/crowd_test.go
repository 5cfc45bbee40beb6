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

// These tests open more Readers than the registry has slots for.

// crowded is a path whose registry has 60 slots for one Reader each and 4 that are shared, and
// Readers of as many processes.
func crowded(t *testing.T, readers int) (h *heap, w *Writer, processes []*heapProcess,
	open []*Reader) {
	h = newHeap()
	w = h.process().writer(t, WriterOptions{Grace: -1, Slots: 64})
	publish(t, w, "first")
	for range readers {
		p := h.process()
		processes = append(processes, p)
		open = append(open, p.readerOf(t, 1))
	}
	return h, w, processes, open
}

func TestReadersShareSlotsRatherThanFail(t *testing.T) {
	h, w, _, readers := crowded(t, 200)
	held := acquire(t, readers[199])
	for i := range 6 {
		content := fmt.Sprint("later ", i)
		publish(t, w, content)
		for _, r := range readers {
			expect(t, r, content)
		}
		expectHeld(t, held, "first")
	}
	held.Release()
	if s := w.Stats(); s.Slots != 64 || s.SlotsTaken != 64 {
		t.Errorf("%d of %d slots are taken, want all 64", s.SlotsTaken, s.Slots)
	}
	if made := h.created; made > 10 {
		t.Errorf("%d files were made for one snapshot that was held", made)
	}
	for _, r := range readers {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.expectMapped(t, 4) // the writer's own
	if s := w.Stats(); s.SlotsTaken != 0 {
		t.Errorf("%d slots are taken by Readers that are gone", s.SlotsTaken)
	}
}

// A reader that dies with a hold in a shared slot costs the others a move to another one, and
// nobody a snapshot or memory.
func TestDeathInASharedSlotIsOutlived(t *testing.T) {
	h, w, processes, readers := crowded(t, 120)
	for _, r := range readers {
		expect(t, r, "first")
	}
	held := acquire(t, readers[119])
	for i := range 2 {
		// two of the four shared slots, or one, get a hold that nobody ends, and held is in a third
		// at most
		acquire(t, readers[60+i])
		processes[60+i].die()
		readers[60+i] = nil
	}
	for i := range 12 {
		content := fmt.Sprint("later ", i)
		publish(t, w, content)
		for _, r := range readers {
			if r != nil {
				expect(t, r, content)
			}
		}
		expectHeld(t, held, "first")
	}
	// State, registry and two data files for each who lives; one file more for the snapshot; one
	// less for the dead.
	if now, most := h.mappedNow(), 4*(1+118)+1+3*2; now > most {
		t.Errorf("%d mappings, want at most %d: what was replaced stays mapped", now, most)
	}
	made := h.created
	publish(t, w, "last")
	publish(t, w, "last of all")
	if h.created != made {
		t.Error("the dead cost new files for ever")
	}
	held.Release()
	runtime.KeepAlive(readers)
}

// A Reader that shares gets a slot of its own when the writer has given up on the shared one and
// there is one free.
func TestReaderLeavesTheCrowdWhenItCan(t *testing.T) {
	_, w, _, readers := crowded(t, 61)
	r := readers[60]
	if r.only().crowd == nil {
		t.Fatal("the 61st Reader does not share")
	}
	held := acquire(t, r)
	for k := range 3 {
		if err := readers[k].Close(); err != nil {
			t.Fatal(err)
		}
		readers[k] = nil
	}
	for deadline := time.Now().Add(time.Minute); w.Stats().SlotsTaken > 58 &&
		time.Now().Before(deadline); {
		runtime.GC()
	}
	publish(t, w, "second")
	publish(t, w, "third") // retires the shared slot
	expect(t, r, "third")
	if r.only().crowd != nil {
		t.Error("it still shares a slot")
	}
	expectHeld(t, held, "first")
	held.Release()
}

// Many snapshots at a time in a shared slot take places of their own, which are taken again.
func TestManySnapshotsInASharedSlot(t *testing.T) {
	h, w, _, readers := crowded(t, 62)
	r, other := readers[60], readers[61]
	for range 3 {
		var held []Snapshot
		for range 200 {
			held = append(held, acquire(t, r))
		}
		content := string(held[0].Bytes())
		for i := range 4 {
			publish(t, w, fmt.Sprint("later ", i))
			expect(t, other, fmt.Sprint("later ", i))
		}
		for _, s := range held {
			expectHeld(t, s, content)
			s.Release()
		}
		expect(t, r, "later 3")
	}
	guards := 0
	for _, s := range r.client.Load().slots {
		for i := range 2 {
			for m := s.crowd.extra[i].Load(); m != nil; m = m.next {
				guards++
			}
		}
	}
	if guards > 3*200 {
		t.Errorf("%d guards for 200 snapshots at a time", guards)
	}
	if allocations := testing.AllocsPerRun(100,
		func() { s, _ := r.Acquire(); s.Release() }); allocations != 0 {
		t.Errorf("%v allocations for a snapshot in a shared slot", allocations)
	}
	h.expectMapped(t, h.mappedNow())
}

// A registry whose shared slots cannot be had either is still an error in words.
func TestEveryLastSlotIsTaken(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Slots: 64})
	f, err := h.process().open("table_readers", true)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 64 {
		if err := f.lock(slotRange(k)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openReader(h.process(), "table", ReaderOptions{}); !errors.Is(err, ErrNoSlot) {
		t.Errorf("%v, want ErrNoSlot", err)
	}
	if s := w.Stats(); s.SlotsTaken != 64 {
		t.Errorf("%d slots taken, want 64", s.SlotsTaken)
	}
}

func TestDefaultReadersLeaveRoomForAThousand(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16)) // of which each wants 32 slots
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	publish(t, w, "x")
	var readers []*Reader
	for n := range 1100 {
		r := h.process().readerOf(t, 0)
		if n < 1000 && r.only().crowd != nil {
			t.Fatalf("Reader %d shares a slot", n)
		}
		if n == 0 && len(r.client.Load().slots) != 32 {
			t.Errorf("the first Reader has %d slots, want 32", len(r.client.Load().slots))
		}
		readers = append(readers, r)
	}
	for _, r := range readers {
		expect(t, r, "x")
	}
	if s := w.Stats(); s.Slots != defaultSlots || s.SlotsTaken < 1000 {
		t.Errorf("%d of %d slots are taken", s.SlotsTaken, s.Slots)
	}
}

// Readers of many processes in shared slots, whose holds outlast the writer's patience, some of
// which die.
func TestCrowdedSnapshotsAreNeverTorn(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 64})
	if _, err := w.Publish(wrapPayload(1, 64)); err != nil {
		t.Fatal(err)
	}
	var fill []*Reader
	for range 60 {
		fill = append(fill, h.process().reader(t))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for life := 0; !stop.Load() && !t.Failed(); life++ {
				p := h.process()
				r, err := openReader(p, "table", ReaderOptions{Slots: 1})
				if errors.Is(err, ErrNoSlot) {
					// the dead have spoiled the shared slots, until the last who shares them goes
					runtime.Gosched()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				crowdReader(t, r, n, &stop)
				if (life+n)%4 == 0 {
					r.Acquire()
					p.die()
				} else if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for number := uint64(2); number < 6000 && !t.Failed(); number++ {
		if _, err := w.Publish(wrapPayload(number, 64)); err != nil {
			t.Error(err)
			break
		}
		runtime.Gosched()
	}
	stop.Store(true)
	wg.Wait()
	runtime.KeepAlive(fill)
}

// crowdReader reads on two goroutines for a while, and holds every other snapshot over some of the
// next.
func crowdReader(t *testing.T, r *Reader, n int, stop *atomic.Bool) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var before uint64
			var held Snapshot
			for i := 0; i < 300 && !stop.Load(); i++ {
				s, err := r.Acquire()
				if errors.Is(err, ErrNoSlot) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				number, err := checkPayload(s.Bytes())
				if err != nil || number < before {
					t.Errorf("publication %d after %d: %v", number, before, err)
				}
				before = number
				if (i+n)%2 == 0 {
					s.Release()
					continue
				}
				if held.held() {
					if _, err := checkPayload(held.Bytes()); err != nil {
						t.Error(err)
					}
					held.Release()
				}
				held = s
			}
			held.Release()
		})
	}
	wg.Wait()
}
