package mmapsync

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// These tests kill a process at, or fail, each system call in turn, and look at what is left.

// killed is what a killed process panics with; its test recovers.
type killed struct{}

// script is a writer's life in which everything happens: new files, publications in place, growth,
// a stuck reader with the replacements that it costs, an end and an adoption. published is told
// what a publication will be before it is made.
func script(p *heapProcess, published func(content string), hold func()) error {
	for life := range 2 {
		w, err := openWriter(p, "table", WriterOptions{Grace: -1, Slots: 8})
		if err != nil {
			return err
		}
		for i, size := range []int{1, 1, 1, 6000, 6000, 1, 1, 1} {
			content := strings.Repeat(fmt.Sprint(life, i), size)
			published(content)
			if i%2 == life {
				_, err = w.Publish([]byte(content))
			} else {
				_, err = w.Update(len(content), overwrite(content))
			}
			if err != nil {
				w.Close()
				return err
			}
			if i == 4 {
				hold()
			}
		}
		w.Close()
	}
	return nil
}

func TestWriterKilledAtAnyCallIsFollowedByAnother(t *testing.T) {
	for n := 1; ; n++ {
		if !killWriterAt(t, n) {
			if n < 40 {
				t.Fatalf("the script makes only %d calls", n)
			}
			return
		}
	}
}

// killWriterAt says whether the n-th call of the script exists.
func killWriterAt(t *testing.T, n int) (reached bool) {
	h := newHeap()
	p := h.process()
	calls := 0
	kill := func() {
		if calls++; calls == n {
			panic(killed{})
		}
	}
	p.hook = func(string, string) error { kill(); return nil }
	p.killAfter = kill
	before, now := "", ""
	var r *Reader
	var held Snapshot
	var heldContent string
	func() {
		defer func() {
			if caught := recover(); caught != nil && caught != any(killed{}) {
				panic(caught)
			}
		}()
		err := script(p, func(content string) { before, now = now, content }, func() {
			if r == nil {
				r = h.process().reader(t)
				held, heldContent = acquire(t, r), now
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}()
	p.hook, p.killAfter = nil, nil
	p.die()
	p.hook = nil

	// A reader now sees the last publication or the previous one.
	late, err := openReader(h.process(), "table", ReaderOptions{})
	if err == nil && now != "" {
		if s, err := late.Acquire(); err == nil {
			if got := string(s.Bytes()); got != now && got != before {
				t.Fatalf("killed at call %d: %.20q, want %.20q or %.20q", n, got, now, before)
			}
			s.Release()
		} else if !errors.Is(err, ErrNotPublished) || before != "" {
			t.Fatalf("killed at call %d: %v", n, err)
		}
	}

	w, err := openWriter(h.process(), "table", WriterOptions{Grace: -1, Slots: 8})
	if err != nil {
		t.Fatalf("killed at call %d: the next writer is refused: %v", n, err)
	}
	defer w.Close()
	if late == nil {
		late = h.process().reader(t)
	}
	for i := range 4 {
		want := fmt.Sprint("after ", i)
		publish(t, w, want)
		expect(t, late, want)
		if held.held() {
			expect(t, r, want)
			expectHeld(t, held, heldContent)
		}
	}
	for path := range h.nodes {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("killed at call %d: %s is left behind", n, path)
		}
	}
	return calls >= n
}

func TestWriterSurvivesTheFailureOfAnyCall(t *testing.T) {
	full := errors.New("no space left on device")
	for n := 1; ; n++ {
		h := newHeap()
		p := h.process()
		calls := 0
		p.hook = func(call, path string) error {
			if calls++; calls == n {
				return full
			}
			return nil
		}
		before, now := "", ""
		err := script(p, func(content string) { before, now = now, content }, func() {})
		if calls < n {
			break
		}
		p.hook = nil
		if err != nil && !errors.Is(err, full) {
			t.Fatalf("call %d failed, but the error is %v", n, err)
		}
		if err != nil && before != "" {
			r := h.process().reader(t)
			s := acquire(t, r)
			if got := string(s.Bytes()); got != before && got != now {
				t.Errorf("call %d failed: %.20q is served, want the former snapshot %.20q", n, got,
					before)
			}
			s.Release()
			r.Close()
		}
		h.expectMapped(t, 0)
		if err := script(h.process(), func(string) {}, func() {}); err != nil {
			t.Errorf("call %d failed: the next writer says %v", n, err)
		}
	}
}

func TestFailedPublishKeepsTheFormerSnapshot(t *testing.T) {
	h := newHeap()
	p := h.process()
	w := p.writer(t, WriterOptions{})
	r := h.process().reader(t)
	publish(t, w, "former")
	full := errors.New("no space left on device")
	p.hook = func(call, path string) error {
		if call == "create" {
			return full
		}
		return nil
	}
	for range 3 {
		if _, err := w.Publish(make([]byte, 1<<16)); !errors.Is(err, full) {
			t.Fatalf("Publish on a full file system says %v", err)
		}
		expect(t, r, "former")
	}
	publish(t, w, "small enough") // there is still room in the files in place
	expect(t, r, "small enough")
	p.hook = nil
	publish(t, w, strings.Repeat("x", 1<<16))
	expect(t, r, strings.Repeat("x", 1<<16))
}

func TestReaderSurvivesTheFailureOfAnyCall(t *testing.T) {
	broken := errors.New("too many open files")
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Slots: 1})
	publish(t, w, "x")
	mapped := h.mappedNow()
	for n := 1; ; n++ {
		p := h.process()
		calls := 0
		p.hook = func(string, string) error {
			if calls++; calls == n {
				return broken
			}
			return nil
		}
		r, err := openReader(p, "table", ReaderOptions{Slots: 1})
		if err == nil {
			var s Snapshot
			if s, err = r.Acquire(); err != nil {
				if held := r.only().load(); held != 0 {
					t.Errorf("call %d failed: the slot is left with %#x", n, held)
				}
				expect(t, r, "x") // the next attempt works
			}
			s.Release()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if calls < n {
			if n < 8 {
				t.Fatalf("a reader makes only %d calls", n)
			}
			return
		}
		if !errors.Is(err, broken) {
			t.Errorf("call %d failed, but the error is %v", n, err)
		}
		h.expectMapped(t, mapped)
	}
}

func TestReaderKilledHalfWayThroughAcquire(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1, Slots: 1})
	publish(t, w, "x")
	p := h.process()
	r := p.reader(t)
	p.hook = func(string, string) error { panic(killed{}) }
	func() {
		defer func() { recover() }()
		r.Acquire() // dies when it maps the data file, counted in
	}()
	if w.registry.word(0).Load() == 0 {
		t.Fatal("the reader was to die with a hold")
	}
	p.hook = nil
	p.die()
	made := h.created
	publish(t, w, "y")
	publish(t, w, "z")
	if h.created != made {
		t.Error("a dead reader cost a new file")
	}
	expect(t, h.process().reader(t), "z")
}
