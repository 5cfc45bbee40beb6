package mmapsync

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// client is the part that an open Reader has in the protocol: its slots and mappings. It is
// reachable from the Reader until Close, from every slot and mapping, and so from every Snapshot
// and every goroutine that is inside Acquire. Once it is unreachable, no goroutine can write to the
// shared words any more, and a closed client releases them.
type client struct {
	version     *atomic.Uint64
	generations [2]*atomic.Uint64
	current     [2]atomic.Pointer[mapping]  // swapped only with mu held
	lanes       [lanes]atomic.Pointer[slot] // counted slots; never nil; changed with mu held
	own         []*slot                     // a power of two of them, or empty; for copyOwn

	sys      system
	paths    paths
	state    *state
	registry *registry

	mu sync.Mutex
	// all that were ever claimed, also those that the writer retired; all stay locked
	slots  []*slot
	stale  []stale // mappings that were replaced, but that a guard may still refer to
	closed bool
}

// enter claims the slots that the Reader begins with: one, and up to want in all. The first ones
// are counted slots. A Reader without a number in its options leaves room for others, and one that
// finds no free slot shares one.
func (c *client) enter(want int) error {
	explicit := want > 0
	if !explicit {
		want = spread(runtime.GOMAXPROCS(0), c.registry.slots)
	}
	var numbers []int
	k, err := c.registry.claimOne(c.owns)
	for err == nil {
		numbers = append(numbers, k)
		to := c.registry.private()
		if !explicit {
			to = c.registry.room(len(numbers))
		}
		if len(numbers) == want {
			break
		}
		k, err = c.registry.claim(k+1, to, c.owns)
	}
	if err != nil && !errors.Is(err, ErrNoSlot) {
		return err
	}
	shared := len(numbers) - ownSlots(len(numbers))
	for k, n := range numbers {
		if s := c.add(n, k < shared); s.guards == nil {
			c.own = append(c.own, s)
		}
	}
	if len(numbers) == 0 {
		if _, err := c.join(); err != nil {
			return err
		}
		shared = 1
	}
	for k := range c.lanes {
		c.lanes[k].Store(c.slots[k%shared])
	}
	return nil
}

// join joins a slot that other Readers also use.
func (c *client) join() (*slot, error) {
	k, err := c.registry.join(c.owns)
	if err != nil {
		return nil, err
	}
	s := c.add(k, true)
	s.crowd = newCrowd(s)
	return s, nil
}

// copyOwn initialises a mapping's guards in the own slots. The rest of them can never be taken.
func (c *client) copyOwn(to *[lanes]guard) {
	taken := new(atomic.Uint64)
	taken.Store(oneHold(0))
	for k := range to {
		to[k].word = taken
		if k < len(c.own) {
			to[k].word, to[k].slot = c.own[k].word, c.own[k]
		}
	}
}

// ownSlots returns how many of n slots have one guard at a time: the greatest power of two below n,
// so that at least one slot counts.
func ownSlots(n int) int {
	own := 0
	for next := 1; next < n && next <= lanes; next *= 2 {
		own = next
	}
	return own
}

// spread returns the number of slots, a power of two, for a Reader without a number in its options.
// Hashing sometimes puts two goroutines on one slot, the less often the more slots there are.
func spread(processors, registrySlots int) int {
	const perProcessor, readers = 8, 64
	n := 1
	for n < 2*lanes && n < perProcessor*processors && 2*n*readers <= registrySlots {
		n *= 2
	}
	return n
}

// maxRounds bounds how often one Acquire begins again because the writer has retired its slot
// meanwhile. Each time takes a whole publication during one Acquire, or while that waits to map a
// new file, so only a damaged registry reaches the bound. (A writer in memory without a grace time,
// on a machine that has six times as many threads as processors, was seen to do it 64 times.)
const maxRounds = 1024

// settle ends an Acquire that did not take the short way. The caller has a hold on data file i in
// slot s, a counted one, and v was loaded after the hold was taken. settle returns the mapping on
// which it leaves a hold, and the slot of the hold.
func (c *client) settle(s *slot, v Version, i int) (*mapping, *slot, error) {
	for range maxRounds {
		v, i = c.follow(s, v, i)
		d, err := c.mapping(s, i)
		if s.load().retired() { // first: if so, what was read, even an error, means nothing
			s.drop(i)
			if s, err = c.renew(s); err != nil {
				return nil, nil, err
			}
			i = Version(c.version.Load()).Index()
			s.hold(i)
			v = Version(c.version.Load())
			continue
		}
		if err == nil && d == nil {
			// mapping saw the slot retired; another process has cleared it since
			err = explain(c.paths, c.paths.registry(),
				formatReason(fmt.Sprintf("slot %d was cleared by another process", s.number)))
		}
		if err == nil {
			err = d.recognise(v)
		}
		if err != nil {
			s.drop(i)
			return nil, nil, err
		}
		return d, s, nil
	}
	s.drop(i)
	return nil, nil, explain(c.paths, c.paths.registry(),
		formatReason(fmt.Sprintf("%d slots were retired during one Acquire", maxRounds)))
}

// follow moves the hold to the active data file if v says that i is not. With holds on both, the
// file that is active at the load cannot be overwritten: for that, the writer would have to see
// this slot without a hold on it after it has switched away.
func (c *client) follow(s *slot, v Version, i int) (Version, int) {
	if v.Index() == i {
		return v, i
	}
	s.hold(1 - i)
	v = Version(c.version.Load())
	s.drop(1 - v.Index())
	return v, v.Index()
}

// renew returns a slot to use instead of s, which the writer has retired and in which the caller
// has no hold any more: s itself if it has no other holds, or another retired slot without holds,
// or a fresh one.
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

// another returns a counted slot that no lane leads to: one that was retired before, or one claimed
// now, or a shared one.
func (c *client) another() (*slot, error) {
	for _, s := range c.slots {
		if s.guards != nil && !c.inUse(s) && s.reclaim() {
			return s, nil
		}
	}
	k, err := c.registry.claimOne(c.owns)
	if errors.Is(err, ErrNoSlot) {
		return c.join()
	}
	if err != nil {
		return nil, err
	}
	return c.add(k, true), nil
}

// add adds a slot of the registry that was claimed.
func (c *client) add(number int, counted bool) *slot {
	s := &slot{word: c.registry.word(number), client: c, number: number}
	if counted {
		s.guards = newGuards(s)
	}
	c.slots = append(c.slots, s)
	return s
}

// inUse reports whether a lane leads to s.
func (c *client) inUse(s *slot) bool {
	for k := range c.lanes {
		if c.lanes[k].Load() == s {
			return true
		}
	}
	return false
}

// owns reports whether slot k is one of this client's.
func (c *client) owns(k int) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool { return s.number == k })
}

// close unmaps what has no hold and leaves the rest to the garbage collector. A goroutine that is
// about to take a hold finds no mapping in use, and then the mark of a closed Reader.
func (c *client) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for i := range c.current {
		c.retireMapping(i, nil)
	}
	err := c.sweep()
	shared := sharedMemory{state: c.state, registry: c.registry}
	for _, s := range c.slots {
		shared.slots = append(shared.slots, s.number)
	}
	for _, old := range c.stale {
		shared.held = append(shared.held, old.data.dataFile)
	}
	closedClients.Add(1)
	runtime.AddCleanup(c, func(g sharedMemory) {
		defer closedClients.Add(-1)
		g.leave()
	}, shared)
	return err
}

// sharedMemory is the memory that every Acquire accesses. After Close the garbage collector
// releases it.
type sharedMemory struct {
	state    *state
	registry *registry
	slots    []int       // numbers of all that were claimed
	held     []*dataFile // still mapped, because they had holds at Close
}

// leave releases the memory, unless one of the slots still has a hold: that of a snapshot that was
// forgotten without a Release. Its bytes may be in use for ever, so it must not look like a dead
// reader's. Holds in a shared slot may be those of other Readers; they cannot be distinguished
// here, and the memory stays for them, too.
func (g sharedMemory) leave() {
	forgotten := false
	mmap.Intact(func() { // a truncated registry protects no snapshot any more
		for _, k := range g.slots {
			word := slotWord(g.registry.word(k).Load())
			forgotten = forgotten || word.holds(0)+word.holds(1) > 0
		}
	})
	if forgotten {
		return
	}
	for _, d := range g.held {
		d.unmap()
	}
	for _, k := range g.slots {
		// a child process between fork and exec would keep the lock
		g.registry.file.unlock(slotRange(k))
	}
	g.release()
}

func (g sharedMemory) release() error { return errors.Join(g.state.unmap(), g.registry.close()) }
