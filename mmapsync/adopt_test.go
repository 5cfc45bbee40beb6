package mmapsync

import (
	"fmt"
	"testing"
)

// A writer that takes over from another goes on in the files that it finds, unless somebody may
// hold them unseen.

func TestRestartedWriterGoesOnInTheFilesInPlace(t *testing.T) {
	for _, end := range []string{"closed", "killed"} {
		for published := range 4 {
			h := newHeap()
			p := h.process()
			w := p.writer(t, WriterOptions{})
			r := h.process().reader(t)
			for i := range published {
				publish(t, w, fmt.Sprint("former ", i))
				expect(t, r, fmt.Sprint("former ", i))
			}
			if end == "closed" {
				w.Close()
			} else {
				p.die()
			}
			made := h.created
			w = h.process().writer(t, WriterOptions{})
			for i := range 4 {
				publish(t, w, fmt.Sprint("later ", i))
				expect(t, r, fmt.Sprint("later ", i))
			}
			if h.created != made {
				t.Errorf("%s after %d publications: %d new files, want none", end, published,
					h.created-made)
			}
		}
	}
}

func TestRestartedWriterReplacesWhatIsHeldOnARetiredSlot(t *testing.T) {
	for between := range 4 {
		// publications of the previous writer after it gave up: none is replaced, or one, or both
		h := newHeap()
		w := h.process().writer(t, WriterOptions{Grace: -1})
		r := h.process().reader(t)
		publish(t, w, "held")
		held := acquire(t, r)
		publish(t, w, "next")
		w.drain(0)
		for i := range between {
			publish(t, w, fmt.Sprint("former ", i))
		}
		w.Close()
		made := h.created
		w = h.process().writer(t, WriterOptions{Grace: -1})
		for i := range 4 {
			publish(t, w, fmt.Sprint("later ", i))
			expectHeld(t, held, "held")
		}
		if h.created != made+2 {
			t.Errorf("given up %d publications before: %d new files, want both", between,
				h.created-made)
		}
		held.Release()
		expect(t, r, "later 3") // takes the slot into use again
		w.Close()
		w = h.process().writer(t, WriterOptions{})
		for i := range 4 {
			publish(t, w, fmt.Sprint("last ", i))
			expect(t, r, fmt.Sprint("last ", i))
		}
		if h.created != made+2 {
			t.Error("a slot that is in use again costs new files")
		}
	}
}

func TestRetiredSlotOfADeadReaderCostsNothing(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	p := h.process()
	publish(t, w, "held")
	acquire(t, p.reader(t))
	for range 4 {
		publish(t, w, "x")
	}
	p.die()
	w.Close()
	made := h.created
	w = h.process().writer(t, WriterOptions{})
	for range 4 {
		publish(t, w, "y")
	}
	if h.created != made {
		t.Errorf("%d new files for a dead reader", h.created-made)
	}
	if word := w.registry.word(0).Load(); word != 0 {
		t.Errorf("the dead reader's slot is left with %#x", word)
	}
}

func TestFirstUpdateOfARestartedWriterBeginsWithTheLastPublication(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	for _, content := range []string{"one", "two", "three"} {
		update(t, w, content)
	}
	w.Close()
	w = h.process().writer(t, WriterOptions{})
	for _, c := range []struct {
		holds   uint64
		content string
	}{{3, "three"}, {3, "three"}, {4, "fiveX"}} {
		content := "fiveX"
		_, err := w.Update(5, func(c2 *Copy) error {
			if c2.Holds != c.holds || string(c2.Bytes) != c.content {
				t.Errorf("the copy holds publication %d, %q; want %d, %q", c2.Holds, c2.Bytes,
					c.holds, c.content)
			}
			copy(c2.Bytes, content)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A writer is killed between renaming a larger file and storing its generation. The next one uses
// that file as it is.
func TestFileRenamedByAKilledWriterIsFound(t *testing.T) {
	h := newHeap()
	p := h.process()
	w := p.writer(t, WriterOptions{})
	r := h.process().reader(t)
	for _, content := range []string{"one", "two"} {
		publish(t, w, content)
		expect(t, r, content)
	}
	large := string(make([]byte, 10000))
	renamed := false
	p.hook = func(call, _ string) error { renamed = renamed || call == "rename"; return nil }
	p.killAfter = func() {
		if renamed {
			panic(killed{})
		}
	}
	func() {
		defer func() { recover() }()
		w.Publish([]byte(large))
	}()
	p.killAfter = nil
	p.die()
	made := h.created
	w = h.process().writer(t, WriterOptions{})
	publish(t, w, large)
	expect(t, r, large)
	if !renamed || h.created != made {
		t.Errorf("%d new files, want the one that the killed writer made (renamed: %v)",
			h.created-made, renamed)
	}
}
