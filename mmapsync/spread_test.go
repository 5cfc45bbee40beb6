package mmapsync

import (
	"runtime"
	"sync"
	"testing"
)

func TestReaderTakesTheSlotsItIsToldTo(t *testing.T) {
	h := newHeap()
	publish(t, h.process().writer(t, WriterOptions{Slots: 40}), "x")
	process := h.process()
	for _, c := range []struct{ want, have int }{{16, 16}, {5, 5}, {0, 1}, {16, 16}, {16, 2}} {
		r := process.readerOf(t, c.want)
		if got := len(r.client.Load().slots); got != c.have {
			t.Errorf("told %d the reader has %d slots, want %d", c.want, got, c.have)
		}
		expect(t, r, "x")
		defer runtime.KeepAlive(r)
	}
	for _, wrong := range []int{-1, 2*lanes + 1} {
		if _, err := openReader(process, "table", ReaderOptions{Slots: wrong}); err == nil {
			t.Errorf("a reader of %d slots is accepted", wrong)
		}
	}
}

func TestDefaultSpreadLeavesRoomForOtherReaders(t *testing.T) {
	for _, c := range []struct{ processors, registry, want int }{
		{1, 2048, 8}, {2, 2048, 16}, {3, 2048, 32}, {4, 2048, 32}, {64, 2048, 32}, {64, 256,
			4}, {64, 128, 2}, {64, 127, 1}, {64, 1, 1}} {
		if got := spread(c.processors, c.registry); got != c.want {
			t.Errorf("%d processors and %d slots in the registry give %d, want %d", c.processors,
				c.registry, got, c.want)
		}
	}
}

func TestGoroutinesUseDifferentLanes(t *testing.T) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[uint32]int{}
	for range 256 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			seen[ownLane()]++
		}()
	}
	wg.Wait()
	for k, n := range seen {
		if k >= lanes || n > 64 {
			t.Errorf("lane %d has %d of 256 goroutines", k, n)
		}
	}
}

func TestRetiredSlotLeavesTheOthersAlone(t *testing.T) {
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().readerOf(t, 4)
	publish(t, w, "one")
	c := r.client.Load()
	held := c.slots[2]
	held.hold(0) // a goroutine of another lane is stuck
	publish(t, w, "two")
	publish(t, w, "three")
	for k, s := range c.slots {
		if got, want := s.load().retired(), s == held; got != want {
			t.Errorf("slot %d is retired: %v, want %v", k, got, want)
		}
	}
	expect(t, r, "three")
	held.drop(0)
}

func TestVersionsNeverGoBackwardsFromSlotToSlot(t *testing.T) {
	// One goroutine goes round all slots of a Reader, which the writer gives up on now and then.
	h := newHeap()
	w := h.process().writer(t, WriterOptions{Grace: -1})
	r := h.process().readerOf(t, lanes)
	if _, err := w.Publish(wrapPayload(1, 64)); err != nil {
		t.Fatal(err)
	}
	const last = 3000
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for number := uint64(2); number <= last; number++ {
			if _, err := w.Publish(wrapPayload(number, 64)); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	var before uint64
	c := r.client.Load()
	for k := 0; before < last && !t.Failed(); k++ {
		s := c.lanes[k%lanes].Load()
		i := Version(c.version.Load()).Index()
		s.hold(i)
		d, s, err := c.settle(s, Version(c.version.Load()), i)
		if err != nil {
			t.Fatal(err)
		}
		snapshot := s.snapshot(d)
		number, err := checkPayload(snapshot.Bytes())
		if err != nil || number < before {
			t.Fatalf("publication %d on one slot after %d on another: %v", number, before, err)
		}
		before = number
		snapshot.Release()
	}
}
