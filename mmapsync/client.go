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
// until Close, from every slot and mapping, and so from every Snapshot and every goroutine half-way through an Acquire.
// When it is reachable from nowhere, nobody can touch the shared words any more: that is when a closed one gives them back.
type client struct {
	version     *atomic.Uint64
	generations [2]*atomic.Uint64
	current     [2]atomic.Pointer[mapping]  // swapped only with mu held
	lanes       [lanes]atomic.Pointer[slot] // counted slots; never nil; changed only with mu held
	own         []*slot                     // a power of two of them, or none; for copyOwn

	sys      system
	paths    paths
	state    *state
	registry *registry

	mu     sync.Mutex
	slots  []*slot // all that were ever claimed, those given up by the writer too; their byte locks are kept
	stale  []stale // replaced data files that a guard may still refer to
	closed bool
}

// enter claims the slots that the Reader begins with: one, and as many more, up to want, as can be had. The first
// ones are counted slots. A Reader that was not told how many it wants leaves room for others, and one that finds none free
// shares one.
func (c *client) enter(want int) error {
	told := want > 0
	if !told {
		want = spread(runtime.GOMAXPROCS(0), c.registry.slots)
	}
	var numbers []int
	k, err := c.registry.claimOne(c.owns)
	for err == nil {
		numbers = append(numbers, k)
		to := c.registry.private()
		if !told {
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
		if s := c.add(n, k < shared); s.places == nil {
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

// join takes part in a slot that other Readers have, too.
func (c *client) join() (*slot, error) {
	k, err := c.registry.join(c.owns)
	if err != nil {
		return nil, err
	}
	s := c.add(k, true)
	s.crowd = newCrowd(s)
	return s, nil
}

// copyOwn makes a mapping's places in the own slots, and where there are none, places that can never be had.
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

// ownSlots is how many of n slots have one guard at a time: the greatest power of two below, so that at least one counts.
func ownSlots(n int) int {
	own := 0
	for next := 1; next < n && next <= lanes; next *= 2 {
		own = next
	}
	return own
}

// spread is the number of slots for a Reader that was told none: a power of two. Hashing puts goroutines on the same
// slot now and then, the less often the more there are.
func spread(processors, registrySlots int) int {
	const perProcessor, readers = 8, 64
	n := 1
	for n < 2*lanes && n < perProcessor*processors && 2*n*readers <= registrySlots {
		n *= 2
	}
	return n
}

// maxRounds bounds how often one Acquire begins again because the writer has retired its slot meanwhile. Each time
// takes a whole publication in the moment of one Acquire, or while that waits to map a new file, so nothing but a damaged
// registry comes near it. (A writer in memory without a grace time, on a machine that has six times as many threads as
// processors, has been seen to do it 64 times.)
const maxRounds = 1024

// settle ends an Acquire that did not go the short way. The caller has a hold on data file i in slot s, a counted one, and v
// was loaded after it was taken. It gives a mapping, on which there is a hold then, and the slot of that.
func (c *client) settle(s *slot, v Version, i int) (*mapping, *slot, error) {
	for range maxRounds {
		v, i = c.follow(s, v, i)
		d, err := c.mapping(s, i)
		if s.load().retired() { // first, since then anything may have been seen, an error too
			s.drop(i)
			if s, err = c.renew(s); err != nil {
				return nil, nil, err
			}
			i = Version(c.version.Load()).Index()
			s.hold(i)
			v = Version(c.version.Load())
			continue
		}
		if err == nil && d == nil { // mapping saw the slot retired; somebody else has cleared it since
			err = explain(c.paths, c.paths.registry(), formatReason(fmt.Sprintf("slot %d was cleared by another process", s.number)))
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

// another gives a counted slot that no lane uses: one retired before, or one claimed now, or one that is shared.
func (c *client) another() (*slot, error) {
	for _, s := range c.slots {
		if s.places != nil && !c.inUse(s) && s.reclaim() {
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

// add takes up a slot of the registry that was claimed.
func (c *client) add(number int, counted bool) *slot {
	s := &slot{word: c.registry.word(number), client: c, number: number}
	if counted {
		s.places = newPlaces(s)
	}
	c.slots = append(c.slots, s)
	return s
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

// owns says whether slot k is one of this client's.
func (c *client) owns(k int) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool { return s.number == k })
}

// close lets go of what nobody holds and leaves the rest to the collector. A goroutine may be on its way to a hold: it
// finds no mapping in use, and then the mark.
func (c *client) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for i := range c.current {
		c.retireMapping(i, nil)
	}
	err := c.sweep()
	shared := ground{state: c.state, registry: c.registry}
	for _, s := range c.slots {
		shared.slots = append(shared.slots, s.number)
	}
	for _, old := range c.stale {
		shared.held = append(shared.held, old.data.dataFile)
	}
	closedClients.Add(1)
	runtime.AddCleanup(c, func(g ground) {
		defer closedClients.Add(-1)
		g.leave()
	}, shared)
	return err
}

// ground is the memory that every Acquire touches, and after Close what the collector gives back.
type ground struct {
	state    *state
	registry *registry
	slots    []int       // the numbers of all that were claimed
	held     []*dataFile // mapped, because somebody held them at Close
}

// leave gives the ground back, unless one of the slots still has a hold. That is of a snapshot that was forgotten
// without a Release: what it gave out may be in use for ever, so it must not look like a dead reader's. Holds in a shared slot may
// be those of other Readers; that they are is not known here, and the ground is kept for them, too.
func (g ground) leave() {
	forgotten := false
	mmap.Intact(func() { // a truncated registry protects nobody any more
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
		g.registry.file.unlock(slotRange(k)) // a child process between fork and exec would keep it
	}
	g.release()
}

func (g ground) release() error { return errors.Join(g.state.unmap(), g.registry.close()) }
