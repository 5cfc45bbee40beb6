package mmapsync

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// overwrite makes a fill that writes content over whatever the copy holds.
func overwrite(content string) func(*Copy) error {
	return func(c *Copy) error { copy(c.Bytes, content); return nil }
}

func update(t *testing.T, w *Writer, content string) Version {
	t.Helper()
	v, err := w.Update(len(content), overwrite(content))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// table is what a user of Update keeps: the present content, and what changed at each publication.
type table struct {
	content []byte
	changed map[uint64][]int // offsets, by the number of the publication that brought them
	pending []int
}

// change alters single bytes, and the length now and then.
func (m *table) change(rng *rand.Rand) {
	if rng.IntN(10) == 0 {
		size := 1 + rng.IntN(3*len(m.content))
		if size > 30_000 {
			size = 100
		}
		for at := len(m.content); at < size; at++ {
			m.pending = append(m.pending, at)
		}
		m.content = append(m.content, make([]byte, max(0, size-len(m.content)))...)[:size]
	}
	for range rng.IntN(5) {
		at := rng.IntN(len(m.content))
		m.content[at] = byte(rng.Uint32())
		m.pending = append(m.pending, at)
	}
}

// bringForward is a fill that replays the log. It says how many bytes it wrote.
func (m *table) bringForward(c *Copy) (written int) {
	if c.Holds == 0 {
		return copy(c.Bytes, m.content)
	}
	for number := c.Holds + 1; number < c.Number; number++ {
		written += m.replay(c, m.changed[number])
	}
	if written += m.replay(c, m.pending); c.Size < len(c.Bytes) {
		written += copy(c.Bytes[c.Size:], m.content[c.Size:])
	}
	return written
}

func (m *table) replay(c *Copy, offsets []int) int {
	for _, at := range offsets {
		if at < len(c.Bytes) {
			c.Bytes[at] = m.content[at]
		}
	}
	return len(offsets)
}

func TestUpdatesByReplayAreWhatAFullPublicationWouldBe(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			replayAtRandom(t, rand.New(rand.NewPCG(seed, 11)))
		})
	}
}

func replayAtRandom(t *testing.T, rng *rand.Rand) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 8})
	r := h.process().reader(t)
	m := &table{content: []byte("0123456789"), changed: map[uint64][]int{}}
	var published string // what is current
	whole, forward := 0, 0
	var held Snapshot
	var heldContent string
	for range 400 {
		m.change(rng)
		fails := rng.IntN(20) == 0
		var number uint64
		_, err := w.Update(len(m.content), func(c *Copy) error {
			number = c.Number
			if string(c.Current) != published {
				t.Fatalf("Current is %d bytes, want the %d of the last publication", len(c.Current),
					len(published))
			}
			if c.Holds == 0 {
				whole++
			} else {
				forward++
			}
			m.bringForward(c)
			if fails {
				clear(c.Bytes)
				return errors.New("out of ideas")
			}
			return nil
		})
		if (err != nil) != fails {
			t.Fatalf("Update says %v, the fill failed: %v", err, fails)
		}
		if !fails {
			m.changed[number], m.pending = m.pending, nil
			published = string(m.content)
			expect(t, r, string(m.content))
		}
		switch rng.IntN(30) {
		case 0:
			w.Close()
			w = h.process().writer(t, WriterOptions{Grace: -1})
		case 1:
			if held.held() {
				held.Release()
			}
			held = acquire(t, r)
			heldContent = string(held.Bytes())
		case 2: // somebody publishes the whole for once
			publish(t, w, string(m.content))
			m.changed[w.sequence], m.pending = m.pending, nil
			published = string(m.content)
		}
		if held.held() {
			expectHeld(t, held, heldContent)
		}
	}
	if whole == 0 || forward < 5*whole {
		t.Errorf("%d copies brought forward, %d of no use: want mostly the former, and some of both", forward, whole)
	}
}

func TestCopySaysWhatItHolds(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	// look lends a copy of size bytes and leaves it as it is but for the last byte.
	look := func(size int, holds, number uint64, content string) {
		t.Helper()
		_, err := w.Update(size, func(c *Copy) error {
			if c.Holds != holds || c.Number != number || c.Size != len(content) ||
				len(c.Bytes) != size || cap(c.Bytes) != size {
				t.Errorf("the copy holds publication %d of %d bytes, becomes %d and has %d bytes; want %d, %d, %d, %d",
					c.Holds, c.Size, c.Number, len(c.Bytes), holds, len(content), number, size)
			}
			if n := min(size, len(content)); string(c.Bytes[:n]) != content[:n] {
				t.Errorf("the copy holds %.20q, want %.20q", c.Bytes[:n], content)
			}
			if holds == 0 {
				clear(c.Bytes)
			}
			c.Bytes[size-1] = '0' + byte(number)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look(2, 0, 1, "")
	look(2, 0, 2, "")
	look(2, 1, 3, "\x001")
	publish(t, w, "ab") // number 4
	look(3, 3, 5, "\x003")
	look(2, 4, 6, "ab")
	look(8000, 6, 7, "a6") // too large for the file in place: a copy of the last publication
	s := acquire(t, h.process().reader(t))
	publish(t, w, "cd")       // number 8
	look(4, 8, 9, "cd")       // a file that a reader is stuck on: the same
	look(4, 9, 10, "cd\x009") // the other file is replaced too, at its turn
	look(4, 9, 11, "cd\x009") // and from then on all is as before
	s.Release()
	w.Close()
	w = h.process().writer(t, WriterOptions{})
	defer w.Close()
	publish(t, w, "ef")
	// both files are replaced after the adoption, because the reader has not come back to its slot
	look(2, 12, 13, "ef")
}

func TestFailedUpdatePublishesNothingAndItsCopyCountsAsNothing(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	r := h.process().reader(t)
	for _, content := range []string{"one", "two"} {
		update(t, w, content)
	}
	wrong := errors.New("wrong")
	spoil := map[string]func(){
		"error": func() {
			if v, err := w.Update(3,
				func(c *Copy) error { c.Bytes[0] = 'X'; return wrong }); v != 0 ||
				!errors.Is(err, wrong) {
				t.Errorf("Update says %v, %v", v, err)
			}
		},
		"panic": func() {
			defer func() {
				if caught := recover(); caught != any(wrong) {
					t.Errorf("caught %v", caught)
				}
			}()
			w.Update(3, func(c *Copy) error { c.Bytes[0] = 'X'; panic(wrong) })
		},
	}
	for name, spoil := range spoil {
		spoil()
		expect(t, r, "two")
		if _, err := w.Update(3, func(c *Copy) error {
			if c.Holds != 0 || c.Size != 0 || c.Number != 3 {
				t.Errorf("after the %s the copy holds publication %d of %d bytes and becomes %d, want 0, 0 and 3", name, c.Holds, c.Size, c.Number)
			}
			return wrong
		}); err == nil {
			t.Error("want the second error")
		}
	}
	// A new file that was not completed leaves nothing either.
	made, mapped := len(h.nodes), h.mappedNow()
	for range 3 {
		if _, err := w.Update(10_000, func(c *Copy) error {
			if string(c.Bytes[:3]) != "two" || c.Holds != 2 {
				t.Errorf("the new file holds publication %d, %q", c.Holds, c.Bytes[:3])
			}
			return wrong
		}); !errors.Is(err, wrong) {
			t.Errorf("Update says %v", err)
		}
	}
	if len(h.nodes) != made || h.mappedNow() != mapped {
		t.Errorf("%d files and %d mappings, want %d and %d", len(h.nodes), h.mappedNow(), made,
			mapped)
	}
	update(t, w, "three")
	expect(t, r, "three")
}

func TestFileSaysThatItHoldsNothingWhileItChanges(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	inFile := func(path string) uint64 {
		memory := h.nodes[path].memory
		return (&dataFile{identity: identity{capacity: int64(len(memory)) - footerSize},
			memory: memory}).publication().sequence
	}
	for range 3 {
		update(t, w, "x")
	}
	path := w.paths.data(w.inactive())
	if inFile(path) == 0 {
		t.Fatal("the inactive file holds nothing from the start")
	}
	w.Update(1, func(c *Copy) error {
		if n := inFile(path); n != 0 {
			t.Errorf("while fill runs the file says publication %d, want 0", n)
		}
		return nil
	})
	if n := inFile(path); n != 4 {
		t.Errorf("after Update the file says publication %d, want 4", n)
	}
}

func TestUpdatedSnapshotIsAdoptedWithoutAHash(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	v, err := w.Update(5, func(c *Copy) error {
		copy(c.Bytes, "hello")
		c.Hash = 0xabcdef0012345678
		return nil
	})
	if err != nil || v.Checksum() != 0x345678 {
		t.Fatalf("version %#x with checksum %#x, %v; want the low 24 bits of the caller's hash",
			uint64(v), v.Checksum(), err)
	}
	w.Close()
	w = h.process().writer(t, WriterOptions{})
	s := acquire(t, h.process().reader(t))
	if err := s.Verify(); !errors.Is(err, ErrNotHashed) ||
		!bytes.Equal(s.Bytes(), []byte("hello")) {
		t.Errorf("Verify of %q says %v, want ErrNotHashed", s.Bytes(), err)
	}
	w.state.version.Store(uint64(newVersion(v.Index(), 5, 1)))
	var damaged *FormatError
	if _, err := h.process().reader(t).Acquire(); !errors.As(err, &damaged) {
		t.Errorf("with another checksum in the version word Acquire says %v, want a *FormatError",
			err)
	}
}

func TestUpdateRefusesWhatPublishRefuses(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	never := func(*Copy) error { t.Error("fill was called"); return nil }
	if _, err := w.Update(-1, never); err == nil {
		t.Error("a size of -1 is accepted")
	}
	w.Close()
	if _, err := w.Update(1, never); !errors.Is(err, ErrClosed) {
		t.Errorf("Update after Close says %v, want ErrClosed", err)
	}
}

func TestUpdateInPlaceAllocatesNothing(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{})
	update(t, w, "x")
	update(t, w, "y")
	at := 0
	fill := func(c *Copy) error { c.Bytes[0] = byte(at); at++; return nil }
	if got := testing.AllocsPerRun(100, func() { w.Update(1, fill) }); got != 0 || at == 0 {
		t.Errorf("Update in place: %v allocations, want none", got)
	}
}
