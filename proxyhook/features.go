package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/mmapsync"
)

// maxDistrusted bounds how often the feature files are opened again after a fault: each fault may
// leave a mapping that can never be removed.
const maxDistrusted = 256

// features reads the daemon's published features. The request path uses the current binding;
// maintain is the supervisor's.
type features struct {
	owners []int // owners whose files are read
	log    *slog.Logger

	current atomic.Pointer[binding] // never nil; replaced with the mutex held; distrust removes its store
	clock   readingClock

	mutex       sync.Mutex          // guards the fields below
	path        string              // of the files that are open or looked for
	opened      *featurestore.Store // the last one; the binding's, unless that was distrusted
	distrusted  int
	lastProblem string // last problem logged
}

// binding binds one opening of the feature files to the models of one scoring. It is immutable: a
// decision loads one pointer, and gets the features of its models.
type binding struct {
	scoring   *scoring            // never nil
	store     *featurestore.Store // nil: nothing to read
	selection *featurestore.Selection
}

// bind selects the features of the models, and resolves them, so that no request has to. It touches
// the files.
func bind(store *featurestore.Store, s *scoring) *binding {
	c := &binding{s, store, store.Select(dimensionNames, s.wanted)}
	c.selection.ResolveSeed()
	return c
}

// withoutStore returns c without the files.
func (c *binding) withoutStore() *binding { return &binding{scoring: c.scoring} }

// dimensionNames are the dimensions of a request's keys, in the order of traffic.Keys.
var dimensionNames = func() (names []string) {
	for d := range traffic.NumDimensions {
		names = append(names, d.String())
	}
	return names
}()

// prefetchKeys computes the keys of ev, and starts to fetch the memory that a read of their
// features needs first. It returns false if nothing is published.
func (c *binding) prefetchKeys(keys *traffic.Keys, ev *traffic.Event) (ok bool) {
	if c.store == nil {
		return false
	}
	seed, ok := c.selection.ResolveSeed()
	if ok {
		*keys = c.scoring.dimensions.Keys(ev, seed)
		c.selection.Prefetch(keys[:])
	}
	return ok
}

// prefetchRows starts to fetch the rows of the keys. It pays some time after prefetchKeys.
func (c *binding) prefetchRows(s *scratch, known bool) {
	if known {
		c.selection.Locate(&s.ahead, s.keys[:])
	}
}

// distrust stops reading c's files, after a fault, for all models. The supervisor opens them again
// after it has checked their content; if it has done so already, that binding stays.
func (f *features) distrust(c *binding) {
	for now := f.current.Load(); now.store == c.store && now.store != nil; now = f.current.Load() {
		if f.current.CompareAndSwap(now, now.withoutStore()) {
			return
		}
	}
}

// use makes s score the requests that come from now on. It returns false if the features of s met a
// fault.
func (f *features) use(s *scoring) (sound bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for sound = true; ; {
		now, next := f.current.Load(), &binding{scoring: s}
		if now.store != nil && sound {
			sound = survived(func() { next = bind(now.store, s) })
		}
		if f.current.CompareAndSwap(now, next) {
			return sound
		}
	}
}

// unpublished returns those of the names that the daemon does not publish now.
func (f *features) unpublished(names []string) []string {
	c := f.current.Load()
	if c.store == nil {
		return names
	}
	survived(func() {
		selection := c.store.Select(dimensionNames, names)
		if _, ok := selection.ResolveSeed(); ok {
			names = selection.Unknown()
		}
	})
	return names
}

// maintain opens the files if they are not open, and again if they were replaced or distrusted, or
// are in another directory now. The current files are read until others are ready.
func (f *features) maintain(dir hostdir.Dir) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	c, path := f.current.Load(), dir.Features()
	switch {
	case c.store != nil && path == f.path:
		if replaced, err := c.store.Replaced(); err != nil || !replaced {
			return
		}
	case c.store == nil && f.opened != nil:
		f.distrusted++
		f.end()
	}
	if err := f.open(path); err != nil {
		f.logProblem(path, err)
		return
	}
	f.lastProblem = ""
	f.log.Info("headgate: features found", "path", f.path)
}

// open checks that a table is published at path before the request path may read it. It then closes
// the previous store, which a request that is still reading from it survives.
func (f *features) open(path string) (err error) {
	if f.distrusted > maxDistrusted {
		return errors.New("the feature files were truncated too often; restart the proxy to read them again")
	}
	store, err := featurestore.Open(path, f.owners...)
	if err != nil {
		return err
	}
	trusted := false
	defer func() {
		if !trusted { // also after a fault in the check, which propagates
			store.Close()
		}
	}()
	c := f.current.Load()
	err = store.View(func(*featurestore.Table) error { return nil })
	if err != nil && (c.store != nil || !errors.Is(err, mmapsync.ErrNotPublished)) {
		return err // new files without a publication: the old ones stay in use
	}
	next := bind(store, c.scoring)
	trusted = true
	former := f.opened
	f.path, f.opened = path, store
	f.current.Store(next)
	if former != nil {
		former.Close()
	}
	return nil
}

// end closes the store, if there is one.
func (f *features) end() error {
	f.current.Store(f.current.Load().withoutStore())
	if f.opened == nil {
		return nil
	}
	store := f.opened
	f.opened = nil
	return store.Close()
}

// logProblem logs a problem once, not every second. A missing publication is not a problem.
func (f *features) logProblem(path string, err error) {
	reading := f.current.Load().store != nil
	absent := errors.Is(err, fs.ErrNotExist) || errors.Is(err, mmapsync.ErrNotPublished)
	text := err.Error()
	if absent {
		text = "absent" // the files come one by one, and so would the errors
	}
	if absent && !reading || text == f.lastProblem {
		return
	}
	f.lastProblem = text
	switch {
	case absent:
		f.log.Warn("headgate: the feature files were removed; the removed ones stay in use until a daemon makes new ones", "path", path)
	case reading:
		f.log.Warn("headgate: the new feature files were unreadable; the previous ones stay in use", "path", path, "error", err)
	default:
		f.log.Warn("headgate: the features were unreadable; scores come without them", "path", path, "error", err)
	}
}

// unknown returns the models' inputs that this release does not have and the published schema does
// not contain.
func (f *features) unknown() []string {
	c := f.current.Load()
	unknown := slices.Clone(c.scoring.vector.Unknown())
	if c.store != nil {
		for _, name := range c.selection.Unknown() {
			if slices.Contains(c.scoring.vector.Inter(), name) { // the heuristics do without
				unknown = append(unknown, name)
			}
		}
	}
	return unknown
}

// close ends reading. Requests may still be in progress.
func (f *features) close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.end()
}
