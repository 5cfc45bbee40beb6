package mmapsync

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// These tests are about the slots that have one guard at a time. The Readers have two slots, of
// which one is such.

// both returns the own slot and the counted one of a Reader of two slots.
func (r *Reader) both(t *testing.T) (own, counted *slot) {
	t.Helper()
	c := r.client.Load()
	if len(c.own) != 1 || len(c.slots) != 2 {
		t.Fatalf("%d slots of which %d are own ones, want 2 of which 1", len(c.slots), len(c.own))
	}
	return c.own[0], c.lanes[0].Load()
}

func expectWord(t *testing.T, s *slot, want slotWord) {
	t.Helper()
	if got := s.load(); got != want {
		t.Errorf("slot %d has the word %#x, want %#x", s.number, got, want)
	}
}

func TestOneGuardHasTheOwnSlotAndOthersAreCounted(t *testing.T) {
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{}), "x")
	r := h.process().readerOf(t, 2)
	own, counted := r.both(t)
	expect(t, r, "x") // the first one finds the way
	first := acquire(t, r)
	expectWord(t, own, slotWord(oneHold(0)))
	expectWord(t, counted, 0)
	second, third := acquire(t, r), acquire(t, r)
	expectWord(t, counted, slotWord(2*oneHold(0)))
	first.Release()
	expectWord(t, own, 0)
	first.Release() // does nothing
	fourth := acquire(t, r)
	first.Release() // nor does it now that somebody else has the slot
	expectWord(t, own, slotWord(oneHold(0)))
	for _, s := range []Snapshot{second, third, fourth} {
		expectHeld(t, s, "x")
		s.Release()
	}
	expectWord(t, own, 0)
	expectWord(t, counted, 0)
}

// Whatever is copied and released how often in whatever order: a snapshot is valid until the first
// Release of it or a copy, and no Release ends a hold of another. Many more are held at a time than
// the Reader has places for.
func TestEverySnapshotIsReleasedOnce(t *testing.T) {
	for _, slots := range []int{1, 2, 16} {
		h := newHeap()
		w := h.process().writer(t, WriterOptions{Grace: -1})
		publish(t, w, "publication 0")
		r := h.process().readerOf(t, slots)
		rng := rand.New(rand.NewPCG(1, uint64(slots)))
		held, content := []Snapshot{}, []string{}
		var released []Snapshot
		for n := range 3000 {
			if n%100 == 0 {
				publish(t, w, fmt.Sprint("publication ", n))
			}
			if want := 250 * (n / 500 % 2); rng.IntN(10) < 6 == (len(held) < want) {
				held = append(held, acquire(t, r))
				content = append(content, fmt.Sprint("publication ", n/100*100))
			} else if len(held) > 0 {
				k, last := rng.IntN(len(held)), len(held)-1
				held[k].Release()
				released = append(released, held[k])
				held[k], content[k] = held[last], content[last]
				held, content = held[:last], content[:last]
			}
			if len(released) > 0 {
				old := released[rng.IntN(len(released))]
				old.Release()
				if old.Bytes() != nil || old.Version() != 0 {
					t.Fatal("a released snapshot still gives something")
				}
			}
			if len(held) > 0 {
				k := rng.IntN(len(held))
				expectHeld(t, held[k], content[k])
			}
		}
		for _, s := range append(held, released...) {
			s.Release()
		}
		for _, s := range r.client.Load().slots {
			if word := s.load(); word.holds(0)+word.holds(1) != 0 {
				t.Errorf("%d slots: slot %d is left with %#x", slots, s.number, word)
			}
		}
	}
}

func TestHoldsAllocateNothingWhileThereArePlaces(t *testing.T) {
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{}), "x")
	r := h.process().readerOf(t, 2)
	expect(t, r, "x")
	var held [33]Snapshot // one in the own slot, the others in the places of the counted one
	if got := testing.AllocsPerRun(100, func() {
		for i := range held {
			held[i] = acquire(t, r)
		}
		for _, s := range held {
			s.Release()
		}
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

func TestGoroutinesSpreadOnceTwoHaveMet(t *testing.T) {
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{}), "x")
	r := h.process().readerOf(t, 16)
	for range 100 {
		expect(t, r, "x")
	}
	if n := r.spread.Load(); n != 0 {
		t.Errorf("one goroutine made the Reader use %d slots", n+1)
	}
	s := acquire(t, r)
	expect(t, r, "x")
	s.Release()
	if n := r.spread.Load(); n != 7 {
		t.Errorf("two guards at a time made the Reader use %d of its 8 own slots", n+1)
	}
}

func TestOwnSlotIsRetiredAndComesBack(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	publish(t, w, "held")
	r := h.process().readerOf(t, 2)
	own, counted := r.both(t)
	expect(t, r, "held")
	s := acquire(t, r)
	made := h.created
	for i := range 6 {
		publish(t, w, fmt.Sprint("later ", i))
		expectHeld(t, s, "held")
		expect(t, r, fmt.Sprint("later ", i))
	}
	if replaced := h.created - made; replaced != 2 {
		t.Errorf("a stuck snapshot cost %d new files, want one for each index", replaced)
	}
	expectWord(t, own, slotRetired|slotWord(oneHold(0)))
	s.Release()
	expectWord(t, own, 0)
	s = acquire(t, r)
	expectHeld(t, s, "later 5")
	expectWord(t, own, slotWord(oneHold(s.Version().Index())))
	s.Release()
	expectWord(t, counted, 0)
}

func TestIdleOwnSlotThatWasRetiredIsReclaimed(t *testing.T) {
	// The writer saw a hold, and by the time that it gave up on the slot that was over.
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{}), "x")
	r := h.process().readerOf(t, 2)
	own, _ := r.both(t)
	expect(t, r, "x")
	own.word.Or(uint64(slotRetired))
	expect(t, r, "x")
	expectWord(t, own, 0)
	if n := r.spread.Load(); n != 0 {
		t.Error("a retired slot was taken for a goroutine that has it")
	}
}

func TestReplacedFileIsNotTakenTheShortWay(t *testing.T) {
	// The same content comes back at the same index, so the version word is the one that the Reader
	// knows; but the file is new.
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().readerOf(t, 2)
	v := publish(t, w, "same")
	expect(t, r, "same")
	before := r.latest.Load()
	w.replace[v.Index()] = true
	publish(t, w, "other")
	if again := publish(t, w, "same"); again != v {
		t.Fatalf("the version is %#x, want %#x again", again, v)
	}
	s := acquire(t, r)
	expectHeld(t, s, "same")
	if s.data == before || s.data.generation != w.data[v.Index()].generation {
		t.Errorf("the snapshot is of generation %d, want %d", s.data.generation,
			w.data[v.Index()].generation)
	}
	s.Release()
}

func TestPublicationsThatDifferInOneBitAreToldApart(t *testing.T) {
	// The same bytes published again have a version word that differs in the index alone, whatever
	// the files' generations are.
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().readerOf(t, 2)
	rng := rand.New(rand.NewPCG(5, 5))
	generations := map[uint64]bool{}
	for n := range 300 {
		if n%8 == 0 {
			w.replace[rng.IntN(2)] = true
		}
		v := publish(t, w, "same")
		for range 2 { // the second time the short way
			s := acquire(t, r)
			if s.Version() != v {
				t.Fatalf("publication %d is %#x, and %#x was read", n, v, s.Version())
			}
			s.Release()
		}
		generations[w.data[v.Index()].generation] = true
	}
	if len(generations) < 20 {
		t.Errorf("only %d generations", len(generations))
	}
}

func TestAMappingThatHasEndedIsNotTaken(t *testing.T) {
	// A goroutine found the mapping, and came to its slot only after the Reader was closed. Version
	// word and generation are still what the mapping knows.
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{}), "x")
	r := h.process().readerOf(t, 2)
	own, _ := r.both(t)
	expect(t, r, "x")
	found := r.latest.Load()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.latest.Store(found)
	if s, err := r.Acquire(); !errors.Is(err, ErrClosed) {
		t.Errorf("a snapshot of an ended mapping was had: %q, %v", s.Bytes(), err)
	}
	expectWord(t, own, 0)
}

func TestWordsThatReadersDamageGiveNoTornSnapshot(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	publish(t, w, "x")
	r := h.process().readerOf(t, 2)
	own, counted := r.both(t)
	expect(t, r, "x")
	for _, word := range []uint64{1, 1 << 31, 1 << 32, uint64(slotRetired), 1<<64 - 1} {
		own.word.Store(word)
		expect(t, r, "x")
		own.word.Store(0)
		counted.word.Store(0)
	}
}

func TestDeadReaderFreesItsOwnSlotWithoutAWait(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Slots: 2, Grace: time.Hour})
	publish(t, w, "x")
	for range 20 {
		process := h.process()
		r := process.readerOf(t, 2)
		expect(t, r, "x")
		acquire(t, r) // in the own slot; never released
		if own, _ := r.both(t); own.load() == 0 {
			t.Fatal("the snapshot was to be in the own slot")
		}
		process.die()
		publish(t, w, "x") // would take an hour if it waited
		publish(t, w, "x")
	}
}

func TestCloseWhileAnOwnSlotIsHeld(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	publish(t, w, "held")
	before := h.mappedNow()
	r := h.process().readerOf(t, 2)
	expect(t, r, "held")
	s := acquire(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Acquire(); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire after Close says %v, want ErrClosed", err)
	}
	for range 4 {
		publish(t, w, "later")
		expectHeld(t, s, "held")
	}
	s.Release()
	h.expectMapped(t, before)
}
