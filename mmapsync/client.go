package mmapsync

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// client is the part that an open Reader has in the protocol: its slots and mappings. It is reachable from the Reader
// until Close, from every slot, and so from every Snapshot and every goroutine half-way through an Acquire. When it is
// reachable from nowhere, nobody can touch the shared words any more: that is when a closed one gives them back.
type client struct {
	// What Acquire touches comes first and does not change, but for the pointers.
	version     *atomic.Uint64
	generations [2]*atomic.Uint64
	current     [2]atomic.Pointer[dataFile] // swapped only with mu held
	lanes       [lanes]atomic.Pointer[slot] // never nil; changed only with mu held

	sys      system
	paths    paths
	state    *state
	registry *registry

	mu     sync.Mutex
	slots  []*slot // all that were ever claimed, those given up by the writer too; their byte locks are kept
	stale  []stale // replaced data files that a guard may still refer to
	closed bool
}

// enter claims the slots that the lanes begin with: one, and as many more, up to want, as can be had.
func (c *client) enter(want int) error {
	if want == 0 {
		want = spread(runtime.GOMAXPROCS(0), c.registry.slots)
	}
	for from := 0; len(c.slots) < want; {
		s, err := c.claim(from)
		if errors.Is(err, ErrNoSlot) && len(c.slots) > 0 {
			break
		}
		if err != nil {
			return err
		}
		from = s.number + 1
	}
	for k := range c.lanes {
		c.lanes[k].Store(c.slots[k%len(c.slots)])
	}
	return nil
}

// spread is the number of slots for a Reader that was told none: a power of two. Hashing puts goroutines on the same
// slot now and then, the less often the more there are.
func spread(processors, registrySlots int) int {
	const perProcessor, readers = 4, 64
	n := 1
	for n < lanes && n < perProcessor*processors && 2*n*readers <= registrySlots {
		n *= 2
	}
	return n
}

// acquire takes a snapshot on slot s. v is what the version word said a moment ago; it is a parameter because anything may
// have happened since.
func (c *client) acquire(s *slot, v Version) (Snapshot, error) {
	if v == 0 {
		return Snapshot{}, ErrNotPublished
	}
	version, i := c.version, v.Index()
	d := c.current[i].Load()
	if d == nil || v.Size() > d.capacity {
		s.hold(i)
		return c.settle(s, Version(version.Load()), i)
	}
	// What does not change is loaded before the hold, which keeps the processor from loading ahead. So is the mapping, and
	// for a reason besides: if it is still the one in use then, and of the present generation, it was before the slot was
	// seen not to be retired, and a writer that gives up on the slot later replaces it. With the mapping loaded after the
	// hold alone, the look at the slot would have to come last, as it does in settle.
	generation, mapped := c.generations[i], d.generation
	word := slotWord(s.word.Add(oneHold(i))) // s.hold
	now := Version(version.Load())
	if now == v && mapped == generation.Load() && d == c.current[i].Load() && !word.retired() {
		return Snapshot{version: v, data: d, slot: s}, nil
	}
	return c.settle(s, now, i)
}

// maxRounds bounds how often one Acquire begins again because the writer has retired its slot meanwhile. Each time
// takes a whole publication in the moment of one Acquire, so nothing but a damaged registry comes near it.
const maxRounds = 64

// settle ends an Acquire that did not go straight. The caller has a hold on data file i, and v was loaded after it
// was taken.
func (c *client) settle(s *slot, v Version, i int) (Snapshot, error) {
	for range maxRounds {
		v, i = c.follow(s, v, i)
		d, err := c.mapping(s, i)
		if s.load().retired() { // first, since then anything may have been seen, an error too
			s.drop(i)
			if s, err = c.renew(s); err != nil {
				return Snapshot{}, err
			}
			i = Version(c.version.Load()).Index()
			s.hold(i)
			v = Version(c.version.Load())
			continue
		}
		if err == nil && d == nil { // mapping saw the slot retired; somebody else has cleared it since
			err = explain(c.paths, c.paths.registry(), formatReason(fmt.Sprintf("slot %d was cleared by another process", s.number)))
		}
		if err == nil && v.Size() > d.capacity {
			err = explain(c.paths, c.paths.data(i), tooLarge(v, d.capacity))
		}
		if err != nil {
			s.drop(i)
			return Snapshot{}, err
		}
		return Snapshot{version: v, data: d, slot: s}, nil
	}
	s.drop(i)
	return Snapshot{}, explain(c.paths, c.paths.registry(),
		formatReason(fmt.Sprintf("%d slots were retired during one Acquire", maxRounds)))
}

// follow moves the hold to the data file that is active, if v says that it is not i. Holding both, the one that is
// active at the load cannot be overwritten: the writer would have to see this slot without a hold on it after
// switching away.
func (c *client) follow(s *slot, v Version, i int) (Version, int) {
	if v.Index() == i {
		return v, i
	}
	s.hold(1 - i)
	v = Version(c.version.Load())
	s.drop(1 - v.Index())
	return v, v.Index()
}

// renew gives a slot in the place of s, which the writer has retired and on which the caller has no hold any more: s
// itself if nobody else holds it, or another retired one of which that is true now, or a fresh one.
func (c *client) renew(s *slot) (*slot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if !c.inUse(s) {
		return c.lanes[ownLane()].Load(), nil // another goroutine was faster
	}
	c.sweep() // before a reclaimed slot gets new holds
	if s.reclaim() {
		return s, nil
	}
	fresh, err := c.another()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, c.paths.registry())
	}
	for k := range c.lanes {
		c.lanes[k].CompareAndSwap(s, fresh)
	}
	return fresh, nil
}

// another gives a slot that no lane uses: one retired before, or one claimed now.
func (c *client) another() (*slot, error) {
	for _, s := range c.slots {
		if !c.inUse(s) && s.reclaim() {
			return s, nil
		}
	}
	return c.claim(0)
}

// inUse says whether a lane leads to s.
func (c *client) inUse(s *slot) bool {
	for k := range c.lanes {
		if c.lanes[k].Load() == s {
			return true
		}
	}
	return false
}

// claim takes a slot of the registry, from number from on, that this client does not have yet.
func (c *client) claim(from int) (*slot, error) {
	k, err := c.registry.claim(from, c.owns)
	if err != nil {
		return nil, err
	}
	s := &slot{word: c.registry.word(k), client: c, number: k}
	c.slots = append(c.slots, s)
	return s, nil
}

// owns says whether slot k is one of this client's.
func (c *client) owns(k int) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool { return s.number == k })
}

// close lets go of what nobody holds and leaves the rest to tidy and to the collector. A goroutine may have loaded the
// way to the client before: it finds no mapping and then the mark, and comes through drop once more.
func (c *client) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var numbers []int
	for _, s := range c.slots {
		s.closed.Store(true) // before the sweep looks at the words
		numbers = append(numbers, s.number)
	}
	for i := range c.current {
		c.retireMapping(i, nil)
	}
	closedClients.Add(1)
	shared := ground{c.state, c.registry}
	runtime.AddCleanup(c, func(numbers []int) {
		defer closedClients.Add(-1)
		shared.leave(numbers)
	}, numbers)
	return c.sweep()
}

// tidy is what a hold that was let go of after close leads to.
func (c *client) tidy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
}

// ground is the memory that every Acquire touches.
type ground struct {
	state    *state
	registry *registry
}

// leave gives the ground back, unless one of the slots still has a hold. That is of a snapshot that was forgotten
// without a Release: what it gave out may be in use for ever, so it must not look like a dead reader's.
func (g ground) leave(slots []int) {
	forgotten := false
	mmap.Intact(func() { // a truncated registry protects nobody any more
		for _, k := range slots {
			word := slotWord(g.registry.word(k).Load())
			forgotten = forgotten || word.holds(0)+word.holds(1) > 0
		}
	})
	if forgotten {
		return
	}
	for _, k := range slots {
		g.registry.file.unlock(int64(slotOffset(k))) // a child process between fork and exec would keep it
	}
	g.release()
}

func (g ground) release() error { return errors.Join(g.state.unmap(), g.registry.close()) }
