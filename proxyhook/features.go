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
	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/mmapsync"
)

// maxDistrusted bounds how often the feature files are opened anew after a fault: each fault may leave a mapping that
// nobody can end any more.
const maxDistrusted = 256

// features is the way to the daemon's published features. The request path reads from the current connection;
// maintain is the supervisor's.
type features struct {
	owners []int // whose files are read
	log    *slog.Logger

	current atomic.Pointer[connection] // never nil; who has the mutex replaces it, and distrust takes its store away
	clock   readingClock

	mutex      sync.Mutex          // guards all below
	path       string              // of the files that are opened, or looked for
	opened     *featurestore.Store // the last one; current's, unless that was distrusted
	distrusted int
	told       string // the last trouble that was logged
}

// connection is one opening of the feature files, read for the models of one scoring. It is never changed: a decision loads
// one pointer, and has features that its models ask for.
type connection struct {
	scoring   *scoring            // never nil
	store     *featurestore.Store // nil: nothing to read
	selection *featurestore.Selection
}

// connect selects what the models ask for, and resolves it, so that no request has to. It touches the files.
func connect(store *featurestore.Store, s *scoring) *connection {
	c := &connection{s, store, store.Select(dimensionNames, s.wanted)}
	c.selection.Seed()
	return c
}

// alone is c without the files.
func (c *connection) alone() *connection { return &connection{scoring: c.scoring} }

// dimensionNames are what a request's keys belong to, in the order of traffic.Keys.
var dimensionNames = func() (names []string) {
	for d := range traffic.NumDimensions {
		names = append(names, d.String())
	}
	return names
}()

// ask computes the keys of ev, and has the memory that a read of their features looks at first fetched while the caller does
// something else. It is not ok where nothing is published.
func (c *connection) ask(keys *traffic.Keys, ev *traffic.Event) (ok bool) {
	if c.store == nil {
		return false
	}
	seed, ok := c.selection.Seed()
	if ok {
		*keys = c.scoring.dimensions.KeysOf(ev, seed)
		c.selection.Prefetch(keys[:])
	}
	return ok
}

// askRows has the rows of the keys fetched. It pays some time after ask.
func (c *connection) askRows(s *scratch, known bool) {
	if known {
		c.selection.Locate(&s.ahead, s.keys[:])
	}
}

// distrust stops reading from c's files, after a fault, whatever models read them by now. The supervisor opens them anew
// once their content has been checked; where it has done so already, that connection stays.
func (f *features) distrust(c *connection) {
	for now := f.current.Load(); now.store == c.store && now.store != nil; now = f.current.Load() {
		if f.current.CompareAndSwap(now, now.alone()) {
			return
		}
	}
}

// use has the requests that come from now on scored by s; false: its features met a fault.
func (f *features) use(s *scoring) (sound bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for sound = true; ; {
		now, next := f.current.Load(), &connection{scoring: s}
		if now.store != nil && sound {
			sound = survived(func() { next = connect(now.store, s) })
		}
		if f.current.CompareAndSwap(now, next) {
			return sound
		}
	}
}

// unpublished gives those of the names that the daemon does not publish now.
func (f *features) unpublished(names []string) []string {
	c := f.current.Load()
	if c.store == nil {
		return names
	}
	survived(func() {
		selection := c.store.Select(dimensionNames, names)
		if _, ok := selection.Seed(); ok {
			names = selection.Unknown()
		}
	})
	return names
}

// maintain opens the files where they are not open, and again where they were replaced or distrusted, or lie in another
// directory now. What is read so far is read on until others can be read in its place.
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
		f.tell(path, err)
		return
	}
	f.told = ""
	f.log.Info("headgate: features found", "path", f.path)
}

// open checks that what is published at path is a table before the request path may read it. The connection before is
// closed then, which a request that is still reading from it survives.
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
		if !trusted { // also where the check met a fault, which goes on
			store.Close()
		}
	}()
	c := f.current.Load()
	err = store.View(func(*featurestore.Table) error { return nil })
	if err != nil && (c.store != nil || !errors.Is(err, mmapsync.ErrNotPublished)) {
		return err // of new files without a publication, the old ones are read on
	}
	next := connect(store, c.scoring)
	trusted = true
	former := f.opened
	f.path, f.opened = path, store
	f.current.Store(next)
	if former != nil {
		former.Close()
	}
	return nil
}

// end closes the connection, where there is one.
func (f *features) end() error {
	f.current.Store(f.current.Load().alone())
	if f.opened == nil {
		return nil
	}
	store := f.opened
	f.opened = nil
	return store.Close()
}

// tell logs trouble once, not every second. That nobody has published yet is no trouble.
func (f *features) tell(path string, err error) {
	reading := f.current.Load().store != nil
	absent := errors.Is(err, fs.ErrNotExist) || errors.Is(err, mmapsync.ErrNotPublished)
	text := err.Error()
	if absent {
		text = "absent" // the files come one by one, and so would the errors
	}
	if absent && !reading || text == f.told {
		return
	}
	f.told = text
	switch {
	case absent:
		f.log.Warn("headgate: the feature files were removed, reading on from those that were, until a daemon makes others", "path", path)
	case reading:
		f.log.Warn("headgate: the new feature files are not readable, reading on from those before", "path", path, "error", err)
	default:
		f.log.Warn("headgate: features not readable, scoring without them", "path", path, "error", err)
	}
}

// unknown gives the inputs of the models that this release does not know and that the published schema does not have.
func (f *features) unknown() []string {
	c := f.current.Load()
	unknown := slices.Clone(c.scoring.vector.Unknown())
	if c.store != nil {
		for _, name := range c.selection.Unknown() {
			if slices.Contains(c.scoring.vector.Inter(), name) { // else the heuristics do without
				unknown = append(unknown, name)
			}
		}
	}
	return unknown
}

// close ends reading. Requests may still be at it.
func (f *features) close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.end()
}
