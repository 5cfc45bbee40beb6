package mmapsync

import (
	"errors"
	"fmt"

	"github.com/headgate/headgate/internal/mmap"
)

// maxRemaps bounds how often a data file is looked for again because it was replaced meanwhile.
const maxRemaps = 8

// mapping gives the mapping of data file i in its present generation. The caller has a hold on i in slot s, so a slot
// that is not retired sees a generation that stays. Only goroutines of this Reader wait for each other here.
func (r *Reader) mapping(s *slot, i int) (*dataFile, error) {
	if d := r.current[i].Load(); d != nil && d.generation == r.generations[i].Load() {
		return d, nil
	}
	s.waiting[i].Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	d, err := r.remap(s, i)
	s.waiting[i].Add(-1)
	return d, err
}

// remap maps data file i anew, with mu held. The mapping in use before goes to the stale ones. What comes back for a
// slot that is retired meanwhile is of no use, and the caller does not look at it.
func (r *Reader) remap(s *slot, i int) (*dataFile, error) {
	if r.slot.Load() == nil {
		return nil, ErrClosed
	}
	for range maxRemaps {
		g := r.generations[i].Load()
		if d := r.current[i].Load(); d != nil && d.generation == g {
			return d, nil
		}
		if s.load().retired() {
			return nil, nil
		}
		d, err := openData(r.sys, r.paths.data(i), i, mmap.ReadOnly)
		if err != nil {
			return nil, explain(r.paths, r.paths.data(i), err)
		}
		if d.generation != g {
			d.unmap()
			continue
		}
		d.paths = r.paths
		// Before the exchange is the best moment: data file i has just become active, and unless the writer gave up on
		// somebody, whoever holds it is on the way here.
		r.sweep()
		r.retireMapping(i, d)
		r.sweep()
		return d, nil
	}
	return nil, explain(r.paths, r.paths.data(i), formatReason(fmt.Sprintf(
		"the file is not of the generation %d that the registry names", r.generations[i].Load())))
}

// stale is a mapping of data file i that new guards do not get any more. A guard takes its hold before it loads the
// pointer to the mapping, so once every slot has been seen without a hold on i, each at any time after the exchange
// of the pointer, nobody refers to it.
type stale struct {
	data    *dataFile
	pending []*slot // not yet seen without a hold
}

// retireMapping puts next in the place of data file i's mapping, with mu held.
func (r *Reader) retireMapping(i int, next *dataFile) {
	old := r.current[i].Swap(next)
	if old == nil {
		return
	}
	pending := append([]*slot(nil), r.retired...)
	if s := r.slot.Load(); s != nil {
		pending = append(pending, s)
	}
	r.stale = append(r.stale, stale{data: old, pending: pending})
}

// sweep unmaps the stale mappings that nobody can refer to any more, with mu held.
func (r *Reader) sweep() error {
	var errs []error
	kept := r.stale[:0]
	for _, old := range r.stale {
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
	clear(r.stale[len(kept):])
	r.stale = kept
	return errors.Join(errs...)
}

// usesMapping says whether a guard of the slot may refer to a mapping of data file i. Goroutines that wait in mapping
// have a hold and refer to none; they cannot leave while the caller has mu. Loading their number first can only err
// on the safe side.
func (s *slot) usesMapping(i int) bool {
	waiting := int(s.waiting[i].Load())
	return s.load().holds(i) > waiting
}

// renew gives a slot in the place of s, which the writer has retired and on which the caller has no hold any more: s
// itself if nobody else holds it, or another retired one of which that is true now, or a fresh one.
func (r *Reader) renew(s *slot) (*slot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch now := r.slot.Load(); {
	case now == nil:
		return nil, ErrClosed
	case now != s:
		return now, nil // another goroutine was faster
	}
	r.sweep() // before a reclaimed slot gets new holds
	if s.reclaim() {
		return s, nil
	}
	for k, old := range r.retired {
		if old.reclaim() {
			r.retired[k] = s
			r.slot.Store(old)
			return old, nil
		}
	}
	fresh, err := r.claim()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, r.paths.registry())
	}
	r.retired = append(r.retired, s)
	r.slot.Store(fresh)
	return fresh, nil
}

// claim takes a slot of the registry that this Reader does not have yet.
func (r *Reader) claim() (*slot, error) {
	k, err := r.registry.claim(r.owns)
	if err != nil {
		return nil, err
	}
	return &slot{word: r.registry.word(k), number: k}, nil
}

// owns says whether slot k is one of this Reader's.
func (r *Reader) owns(k int) bool {
	if s := r.slot.Load(); s != nil && s.number == k {
		return true
	}
	for _, s := range r.retired {
		if s.number == k {
			return true
		}
	}
	return false
}
