package ring_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

// The tests of this file run the protocol on heap memory, where the race detector sees every
// access.

func alive() bool { return false } // the answer to "is the producer gone?"
func gone() bool  { return true }

func mustAttach(t testing.TB, mem []byte, gone func() bool) *ring.Consumer {
	t.Helper()
	c, err := ring.Attach(mem, gone)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newPair(t testing.TB, cfg ring.Config) (*ring.Producer, *ring.Consumer, []byte) {
	t.Helper()
	mem := ring.NewMemory(cfg)
	return ring.ProduceInto(mem), mustAttach(t, mem, alive), mem
}

// put produces an event that holds the given numbers.
func put(p *ring.Producer, numbers ...uint64) bool {
	claim, ok := p.Claim()
	if !ok {
		return false
	}
	b := claim.Bytes()
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	claim.Commit(b)
	return true
}

func number(payload []byte, i int) uint64 { return binary.LittleEndian.Uint64(payload[8*i:]) }

// drain returns the first number of every event that is there now.
func drain(c *ring.Consumer) (got []uint64) {
	var buf [64]byte
	for {
		payload, ok := c.Next(buf[:0])
		if !ok {
			return got
		}
		got = append(got, number(payload, 0))
	}
}

func wantNumbers(t *testing.T, got []uint64, want ...uint64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("events %v, want %v", got, want)
	}
}

func TestEventsComeOutAsTheyWentIn(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 4, CellSize: 128})
	for size := 1; size <= 128-ring.PayloadOffset; size++ {
		want := bytes.Repeat([]byte{byte(size)}, size)
		if !p.Put(func(dst []byte) ([]byte, error) { return append(dst, want...), nil }) {
			t.Fatalf("event of %d bytes refused", size)
		}
		if got, ok := c.Next(nil); !ok || !bytes.Equal(got, want) {
			t.Fatalf("event of %d bytes came out as %v, %v", size, got, ok)
		}
	}
	if got, ok := c.Next(nil); ok {
		t.Fatalf("empty ring gave %v", got)
	}
	if counts := c.Counts(); counts.Events != 112 || counts.Bytes != 112*113/2 {
		t.Errorf("counts %+v", counts)
	}
}

func TestSlotCannotReachItsNeighbour(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 2, CellSize: 64})
	claim, _ := p.Claim()
	if b := claim.Bytes(); len(b) != 0 || cap(b) != 64-ring.PayloadOffset {
		t.Fatalf("claim of length %d, capacity %d", len(b), cap(b))
	}
	// One byte too many: append moves to other memory and the event is abandoned.
	claim.Commit(append(claim.Bytes(), make([]byte, 49)...))
	put(p, 7)
	wantNumbers(t, drain(c), 7)
	if n := c.Counts().Abandoned; n != 1 {
		t.Errorf("%d abandoned, want 1", n)
	}
}

// Encoders that reserve an upper bound of their need (msgp does) move to other memory even where
// the event fits.
func TestCommitCopiesWhatWasEncodedElsewhere(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 2, CellSize: 64})
	claim, _ := p.Claim()
	claim.Commit([]byte("elsewhere"))
	if got, _ := c.Next(nil); string(got) != "elsewhere" {
		t.Errorf("got %q", got)
	}
}

func TestOnlyTheFirstCommitCounts(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 2, CellSize: 64})
	first, _ := p.Claim()
	first.Commit(append(first.Bytes(), "first"...))
	first.Commit(nil)
	if got, _ := c.Next(nil); string(got) != "first" {
		t.Fatalf("got %q", got)
	}
	c.Release()
	put(p, 1)
	again, _ := p.Claim() // the cell of first, one lap later
	first.Commit([]byte("stale"))
	wantNumbers(t, drain(c), 1)
	again.Commit(append(again.Bytes(), "fresh"...))
	if got, _ := c.Next(nil); string(got) != "fresh" {
		t.Errorf("got %q", got)
	}
	ring.Claim{}.Commit([]byte("a claim that was never made"))
}

func TestPutAbandonsWhatCannotBeEncoded(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 8, CellSize: 64})
	if p.Put(func(dst []byte) ([]byte, error) { return append(dst, 1), errors.New("no") }) {
		t.Error("an event whose encoding failed was accepted")
	}
	if p.Put(func(dst []byte) ([]byte, error) { return dst, nil }) {
		t.Error("an event of no bytes was accepted")
	}
	if p.Put(func(dst []byte) ([]byte, error) { return append(dst, make([]byte, 100)...), nil }) {
		t.Error("an event larger than the cell was accepted")
	}
	func() {
		defer func() {
			if e := recover(); e != "encoder" {
				t.Errorf("panic of the encoder became %v", e)
			}
		}()
		p.Put(func([]byte) ([]byte, error) { panic("encoder") })
	}()
	put(p, 1)
	wantNumbers(t, drain(c), 1)
	if n := c.Counts().Abandoned; n != 4 {
		t.Errorf("%d abandoned, want 4", n)
	}
}

func TestFullRingDropsAndCounts(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 4, CellSize: 64})
	for lap := range uint64(5) {
		for i := range uint64(4) {
			if !put(p, 4*lap+i) {
				t.Fatalf("event %d of a ring of 4 refused", i)
			}
		}
		for range 2 {
			if put(p, 99) {
				t.Fatal("a full ring took an event")
			}
		}
		wantNumbers(t, drain(c), 4*lap, 4*lap+1, 4*lap+2, 4*lap+3)
	}
	if p.Dropped() != 10 || c.Counts().Dropped != 10 || p.Claimed() != 20 {
		t.Errorf("%d dropped (%d as the consumer sees it), %d claimed", p.Dropped(),
			c.Counts().Dropped, p.Claimed())
	}
}

func TestClosedProducerRefusesButFinishesItsSlots(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 4, CellSize: 64})
	claim, _ := p.Claim()
	p.Close()
	if _, ok := p.Claim(); ok {
		t.Error("claim after Close")
	}
	claim.Commit(append(claim.Bytes(), "last"...))
	if got, _ := c.Next(nil); string(got) != "last" {
		t.Errorf("got %q", got)
	}
}

// Several goroutines produce numbered events as fast as they can into a small ring and never repeat
// one that was dropped. The consumer must see each accepted one once, in the order of its
// goroutine.
func TestConservation(t *testing.T) {
	const goroutines, each = 4, 20000
	p, c, _ := newPair(t, ring.Config{Cells: 64, CellSize: 64})
	accepted := make([][]uint64, goroutines)
	var abandoned [goroutines]uint64
	var wg sync.WaitGroup
	for g := range uint64(goroutines) {
		wg.Go(func() {
			for n := range uint64(each) {
				if n%100 == 99 {
					if claim, ok := p.Claim(); ok {
						claim.Commit(nil)
						abandoned[g]++
					}
				} else if put(p, g, n) {
					accepted[g] = append(accepted[g], n)
				} else {
					runtime.Gosched()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var got [goroutines][]uint64
	buf := make([]byte, 64)
	for finished := false; ; {
		payload, ok := c.Next(buf)
		if ok {
			got[number(payload, 0)] = append(got[number(payload, 0)], number(payload, 1))
			continue
		}
		if finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
			runtime.Gosched()
		}
	}
	consumed, given := 0, uint64(0)
	for g := range goroutines {
		wantNumbers(t, got[g], accepted[g]...)
		consumed += len(got[g])
		given += abandoned[g]
	}
	counts := c.Counts()
	if counts.Events != uint64(consumed) || counts.Abandoned != given ||
		counts.Events+counts.Abandoned+counts.Dropped != goroutines*each {
		t.Errorf("%+v does not add up to %d", counts, goroutines*each)
	}
	if counts.Lost+counts.Damaged+counts.Resyncs != 0 {
		t.Errorf("losses in a sound ring: %+v", counts)
	}
}

// The consumer dies at each of the points where the order of its stores matters; its successor
// takes up.
func TestSuccessorTakesUpAtAnyInstruction(t *testing.T) {
	for _, at := range []struct {
		name  string
		crash func(c *ring.Consumer)
		want  []uint64
	}{
		{"handling the event", func(*ring.Consumer) {}, []uint64{10, 11, 12, 13}},
		{"sequence stored, head not", func(c *ring.Consumer) { c.DieAtHeadStore() },
			[]uint64{11, 12, 13}},
		{"both stored", func(c *ring.Consumer) { c.Release() }, []uint64{11, 12, 13}},
	} {
		for _, after := range []string{"left free", "claimed again", "filled again"} {
			t.Run(fmt.Sprintf("%s, cell %s", at.name, after), func(t *testing.T) {
				p, c, mem := newPair(t, ring.Config{Cells: 4, CellSize: 64})
				for n := range uint64(7) { // so that the positions are in a later lap
					put(p, n)
					drain(c)
				}
				for n := uint64(10); n < 14; n++ {
					put(p, n)
				}
				c.Next(nil)
				at.crash(c)
				want := at.want
				var claim ring.Claim
				switch after {
				case "claimed again": // finds the ring full where the cell was not given back
					claim, _ = p.Claim()
				case "filled again":
					if put(p, 14) {
						want = append(want, 14)
					}
				}
				successor := mustAttach(t, mem, alive)
				wantNumbers(t, drain(successor), want...)
				claim.Commit(nil)
				put(p, 15)
				wantNumbers(t, drain(successor), 15)
				if counts := successor.Counts(); counts.Resyncs+counts.Damaged+counts.Lost != 0 {
					t.Errorf("%+v", counts)
				}
			})
		}
	}
}

func TestUnfinishedCell(t *testing.T) {
	p, _, mem := newPair(t, ring.Config{Cells: 8, CellSize: 64})
	dead := false
	c := mustAttach(t, mem, func() bool { return dead })
	put(p, 1)
	unfinished, _ := p.Claim()
	put(p, 3)
	abandoned, _ := p.Claim()

	wantNumbers(t, drain(c), 1) // The producer lives: what comes later has to wait.
	if c.Backlog() != 3 || c.Drained() {
		t.Fatalf("backlog %d, drained %v", c.Backlog(), c.Drained())
	}
	unfinished.Commit(binary.LittleEndian.AppendUint64(unfinished.Bytes(), 2))
	wantNumbers(t, drain(c), 2, 3)

	dead = true
	wantNumbers(t, drain(c))
	if lost := c.Counts().Lost; lost != 1 || !c.Drained() || c.Alive() {
		t.Errorf("lost %d, drained %v, alive %v", lost, c.Drained(), c.Alive())
	}
	abandoned.Commit([]byte("too late")) // A closed ring's claim: it must not come to life again.
	wantNumbers(t, drain(mustAttach(t, mem, gone)))
}

// The consumer sees an unfinished cell, then the producer finishes it and dies, then the consumer
// asks for the lock.
func TestCellFinishedJustBeforeDeath(t *testing.T) {
	mem := ring.NewMemory(ring.Config{Cells: 4, CellSize: 64})
	claim, _ := ring.ProduceInto(mem).Claim()
	c := mustAttach(t, mem, func() bool {
		claim.Commit(binary.LittleEndian.AppendUint64(claim.Bytes(), 1))
		return true
	})
	wantNumbers(t, drain(c), 1)
	if lost := c.Counts().Lost; lost != 0 || !c.Drained() {
		t.Errorf("lost %d, drained %v", lost, c.Drained())
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	p, c, _ := newPair(t, ring.Config{Cells: 16})
	event := []byte("an event of some bytes")
	buf := make([]byte, 0, 1024)
	roundTrip := func(produce func()) float64 {
		return testing.AllocsPerRun(1000, func() {
			produce()
			if got, ok := c.Next(buf); !ok || len(got) != len(event) {
				t.Fatal("no event")
			}
			c.Release()
		})
	}
	if n := roundTrip(func() {
		claim, _ := p.Claim()
		claim.Commit(append(claim.Bytes(), event...))
	}); n != 0 {
		t.Errorf("Claim, Commit, Next and Release: %v allocations", n)
	}
	if n := roundTrip(func() {
		p.Put(func(dst []byte) ([]byte, error) { return append(dst, event...), nil })
	}); n != 0 {
		t.Errorf("Put, Next and Release: %v allocations", n)
	}
	for put(p, 1) {
	}
	if n := testing.AllocsPerRun(1000, func() { p.Claim() }); n != 0 {
		t.Errorf("Claim on a full ring: %v allocations", n)
	}
}
