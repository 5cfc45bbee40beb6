package mmapsync

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// mapping is a data file as a Reader has it mapped, with all that the short way of Acquire, Bytes
// and Release read, so that they follow no other pointer.
type mapping struct {
	own    [lanes]guard   // guards of the Reader's own slots
	hold   uint64         // what a hold on this file adds to a slot's word
	state  *atomic.Uint64 // the version word
	newest *atomic.Uint64 // in the registry: the generation of the file of this index
	number uint64         // the generation of this file
	ended  atomic.Uint64  // not 0: it was replaced, or the Reader was closed

	// announced is the version word of the publication that is, or was last, taken from this
	// mapping. Only a goroutine that holds that publication stores it, so it does not change while
	// the publication is held: the next one comes to this file when it has no holds any more, or to
	// another file. The same is true of size, which is stored before it and spares Bytes the
	// arithmetic.
	announced atomic.Uint64
	size      atomic.Int64

	content []byte // as long as the capacity
	*dataFile
}

// recognise stores v as the publication in the mapping if the file's footer says that our writer
// has made it. Any other may be overwritten at any time, by a writer that ignores holds. The caller
// has a hold, so a publication of our writer and its footer stay unchanged; and its slot was seen
// not to be retired after that.
func (d *mapping) recognise(v Version) error {
	if d.announced.Load() == uint64(v) {
		return nil
	}
	var err error
	if v.Size() > d.capacity {
		err = tooLarge(v, d.capacity)
	} else if !mmap.Intact(func() { err = d.publication().announcedBy(v) }) {
		return explain(d.paths, d.paths.data(d.index), errTruncated)
	}
	if err != nil {
		return explain(d.paths, d.paths.data(d.index), formatReason(err.Error()+
			": it is damaged, "+
			"or a writer of mmap-sync 2.x, which ReaderOptions.Foreign reads, publishes here"))
	}
	d.size.Store(v.Size())
	d.announced.Store(uint64(v))
	return nil
}

// maxRemaps bounds how often a data file is opened again because it was replaced meanwhile.
const maxRemaps = 8

// mapping returns the mapping of data file i in its present generation. The caller has a hold on i
// in slot s, so if that is not retired, the generation does not change. Only goroutines of this
// Reader wait for each other here.
func (c *client) mapping(s *slot, i int) (*mapping, error) {
	if d := c.current[i].Load(); d != nil && d.generation == c.generations[i].Load() {
		return d, nil
	}
	s.waiting[i].Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	d, err := c.remap(s, i)
	s.waiting[i].Add(-1)
	return d, err
}

// remap maps data file i again, with mu held. The previous mapping becomes stale. If a slot is
// retired meanwhile, the result is of no use, and the caller does not use it.
func (c *client) remap(s *slot, i int) (*mapping, error) {
	if c.closed {
		return nil, ErrClosed
	}
	for range maxRemaps {
		g := c.generations[i].Load()
		if d := c.current[i].Load(); d != nil && d.generation == g {
			return d, nil
		}
		if s.load().retired() {
			return nil, nil
		}
		f, err := openData(c.sys, c.paths.data(i), i, c.state.file.owner(), mmap.ReadOnly)
		if err != nil {
			return nil, explain(c.paths, c.paths.data(i), err)
		}
		if f.generation != g {
			f.unmap()
			continue
		}
		f.paths = c.paths
		d := &mapping{
			dataFile: f, hold: oneHold(i), content: f.memory[:f.capacity],
			state: c.version, newest: c.generations[i], number: f.generation,
		}
		c.copyOwn(&d.own)
		// Before the exchange is the best moment: data file i has just become active, and unless
		// the writer gave up on a reader, all that hold it are on the way here.
		c.sweep()
		c.retireMapping(i, d)
		c.sweep()
		return d, nil
	}
	return nil, explain(c.paths, c.paths.data(i), formatReason(fmt.Sprintf(
		"the file is not of the generation %d that the registry names", c.generations[i].Load())))
}

// stale is a mapping of data file i that new guards do not get any more. A guard takes its hold
// before it loads the pointer to the mapping, so once every slot has been seen without a hold on i,
// each at any time after the exchange of the pointer, no guard refers to it.
type stale struct {
	data    *mapping
	pending []*slot // not yet seen without a hold
}

// retireMapping replaces data file i's mapping by next, with mu held.
func (c *client) retireMapping(i int, next *mapping) {
	old := c.current[i].Swap(next)
	if old == nil {
		return
	}
	old.ended.Store(1) // before the slots are searched for holds on it
	c.stale = append(c.stale, stale{data: old, pending: slices.Clone(c.slots)})
}

// sweep unmaps the stale mappings that no guard can refer to any more, with mu held. If the
// registry was truncated, so that holds are unknown, they stay mapped for ever.
func (c *client) sweep() (err error) {
	if !mmap.Intact(func() { err = c.sweepIntact() }) {
		c.stale = nil
	}
	return err
}

func (c *client) sweepIntact() error {
	var errs []error
	kept := c.stale[:0]
	for _, old := range c.stale {
		waiting := old.pending[:0]
		for _, s := range old.pending {
			if s.usesMapping(old.data.index) {
				waiting = append(waiting, s)
			}
		}
		if old.pending = waiting; len(waiting) > 0 {
			kept = append(kept, old)
			continue
		}
		errs = append(errs, old.data.unmap())
	}
	clear(c.stale[len(kept):])
	c.stale = kept
	return errors.Join(errs...)
}

// usesMapping reports whether a guard of the slot may refer to a mapping of data file i. Goroutines
// that wait in mapping have a hold and refer to none; they cannot leave while the caller has mu.
// Loading their number first errs on the safe side.
func (s *slot) usesMapping(i int) bool {
	waiting := int(s.waiting[i].Load())
	if s.crowd != nil {
		return s.crowd.refers(i, waiting)
	}
	return s.load().holds(i) > waiting
}
