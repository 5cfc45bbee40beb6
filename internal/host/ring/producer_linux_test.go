package ring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

func TestCreateMakesAFileOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	p := mustCreate(t, dir, ring.Config{})
	if names := files(t, dir); len(names) != 1 || names[0] != p.Path() {
		t.Fatalf("files %v, want only %s", names, p.Path())
	}
	info, err := os.Lstat(p.Path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o660 || info.Size() != 512+4096*1024 {
		t.Errorf("mode %v, size %d", info.Mode(), info.Size())
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks; blocks*512 < info.Size() {
		t.Errorf("%d bytes reserved of %d", blocks*512, info.Size())
	}
	claim, _ := p.Claim()
	if n := cap(claim.Bytes()); n != 1008 {
		t.Errorf("a default cell holds %d bytes", n)
	}
	claim.Commit(nil)
}

func TestCreateRefusesShapes(t *testing.T) {
	dir := t.TempDir()
	for _, cfg := range []ring.Config{
		{Cells: 3}, {Cells: 1}, {Cells: -4}, {Cells: 1 << 21}, {CellSize: 100}, {CellSize: 32}, {CellSize: 1 << 17},
		{Cells: 1 << 20, CellSize: 1024},
	} {
		if _, err := ring.Create(dir, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if _, err := ring.Create(filepath.Join(dir, "missing"), small); !errors.Is(err,
		fs.ErrNotExist) {
		t.Errorf("a directory that is missing gave %v", err)
	}
	if names := files(t, dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestLinked(t *testing.T) {
	for _, test := range []struct {
		name  string
		apply func(p *ring.Producer) error
	}{
		{"removed", func(p *ring.Producer) error { return os.Remove(p.Path()) }},
		{"directory removed", func(p *ring.Producer) error { return os.RemoveAll(filepath.Dir(p.Path())) }},
		{"replaced", func(p *ring.Producer) error {
			b, err := os.ReadFile(p.Path())
			return errors.Join(err, os.Remove(p.Path()), os.WriteFile(p.Path(), b, 0o600))
		}},
		{"truncated", func(p *ring.Producer) error { return os.Truncate(p.Path(), 100) }},
		{"truncated and grown back", func(p *ring.Producer) error {
			info, err := os.Stat(p.Path())
			return errors.Join(err, os.Truncate(p.Path(), 0), os.Truncate(p.Path(), info.Size()))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := mustCreate(t, t.TempDir(), small)
			put(p, 1)
			if !p.Linked() {
				t.Fatal("a sound ring is not linked")
			}
			if err := test.apply(p); err != nil {
				t.Fatal(err)
			}
			if p.Linked() {
				t.Error("still linked")
			}
			if strings.HasSuffix(test.name, "removed") && !put(p, 2) {
				t.Error("a ring without a name refused an event")
			}
		})
	}
}

// The mapping lives while the Producer or a claim of it is reachable, not to Close.
func TestSlotOutlivesProducer(t *testing.T) {
	p, err := ring.Create(t.TempDir(), small)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ring.OpenConsumer(p.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	claim, _ := p.Claim()
	p.Close()
	p = nil
	for range 3 {
		runtime.GC()
	}
	claim.Commit(append(claim.Bytes(), "late"...))
	if got, ok := c.Next(nil); !ok || string(got) != "late" {
		t.Errorf("got %q", got)
	}
}

// A producer knows whether anybody has its ring open, also one that was removed, and what nobody
// will read.
func TestUnreadEventsOfARemovedRing(t *testing.T) {
	dir := t.TempDir()
	p, err := ring.Create(dir, ring.Config{Cells: 8, CellSize: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	put := func(n int) {
		for range n {
			p.Put(func(dst []byte) ([]byte, error) { return append(dst, 1), nil })
		}
	}
	put(3)
	if p.Heard() || p.Unread() != 3 {
		t.Errorf("heard: %v, unread: %d; want nobody and 3", p.Heard(), p.Unread())
	}
	s, err := ring.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scan(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.Path()); err != nil {
		t.Fatal(err)
	}
	put(1)
	if !p.Heard() || p.Unread() != 0 || p.Linked() {
		t.Errorf("heard: %v, unread: %d, linked: %v; want a set that reads on", p.Heard(),
			p.Unread(), p.Linked())
	}
	for range 2 {
		if err := s.Scan(); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Poll(10, func([]byte) {}); n != 4 || s.Stats().Unlinked != 1 {
		t.Errorf("%d events, %d removed rings; want 4 and 1", n, s.Stats().Unlinked)
	}
	s.Close()
	put(2)
	if p.Heard() || p.Unread() != 2 {
		t.Errorf("heard: %v, unread: %d; want nobody and 2", p.Heard(), p.Unread())
	}
}
