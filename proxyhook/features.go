package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/mmapsync"
)

// maxDistrusted bounds how often the feature files are opened anew after a fault: each fault may leave a mapping that
// nobody can end any more.
const maxDistrusted = 256

// features is the way to the daemon's published features. The request path reads from the current connection;
// maintain is the supervisor's.
type features struct {
	path  string
	names []string
	log   *slog.Logger

	current atomic.Pointer[connection] // nil: nothing to read

	mutex      sync.Mutex          // guards all below
	opened     *featurestore.Store // the last one; current's, unless that was distrusted
	distrusted int
	told       string // the last trouble that was logged
}

// connection is one opening of the feature files.
type connection struct {
	store     *featurestore.Store
	selection *featurestore.Selection
}

// dimensionNames are what a request's keys belong to, in the order of traffic.Keys.
var dimensionNames = func() (names []string) {
	for d := range traffic.NumDimensions {
		names = append(names, d.String())
	}
	return names
}()

var errNoFeatures = errors.New("no features are published")

// read fills dst with the features of ev's keys as of ev.Time. A nil connection has none.
func (c *connection) read(dst []float32, ev *traffic.Event) (featurestore.Info, error) {
	if c == nil {
		return featurestore.Info{}, errNoFeatures
	}
	seed, ok := c.selection.Seed()
	if !ok {
		return featurestore.Info{}, errNoFeatures
	}
	keys := traffic.KeysOf(ev, seed)
	return c.selection.Read(dst, keys[:], ev.Time)
}

// distrust stops reading from c, after a fault. The supervisor opens a new connection once its content has been
// checked; where it has done so already, that one stays.
func (f *features) distrust(c *connection) { f.current.CompareAndSwap(c, nil) }

// maintain opens the files where they are not open, and again where they were replaced or distrusted. The former
// connection is closed at once, which a request that is still reading from it survives.
func (f *features) maintain() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	c := f.current.Load()
	if c != nil {
		if replaced, err := c.store.Replaced(); err != nil || !replaced {
			return
		}
	} else if f.opened != nil {
		f.distrusted++
	}
	f.end()
	if err := f.open(); err != nil {
		f.tell(err)
		return
	}
	f.told = ""
	f.log.Info("headgate: features found", "path", f.path)
}

// open checks that what is published is a table before the request path may read it.
func (f *features) open() (err error) {
	if f.distrusted > maxDistrusted {
		return errors.New("the feature files were truncated too often; restart the proxy to read them again")
	}
	store, err := featurestore.Open(f.path)
	if err != nil {
		return err
	}
	trusted := false
	defer func() {
		if !trusted { // also where the check met a fault, which goes on
			store.Close()
		}
	}()
	err = store.View(func(*featurestore.Table) error { return nil })
	if err != nil && !errors.Is(err, mmapsync.ErrNotPublished) {
		return err
	}
	trusted = true
	f.opened = store
	f.current.Store(&connection{store, store.Select(dimensionNames, f.names)})
	return nil
}

// end closes the connection, where there is one.
func (f *features) end() error {
	f.current.Store(nil)
	if f.opened == nil {
		return nil
	}
	store := f.opened
	f.opened = nil
	return store.Close()
}

// tell logs trouble once, not every second. That nobody has published yet is no trouble.
func (f *features) tell(err error) {
	if errors.Is(err, fs.ErrNotExist) || err.Error() == f.told {
		return
	}
	f.told = err.Error()
	f.log.Warn("headgate: features not readable, scoring without them", "path", f.path, "error", err)
}

// unknown gives the features that the published schema does not have.
func (f *features) unknown() []string {
	if c := f.current.Load(); c != nil {
		return c.selection.Unknown()
	}
	return nil
}

// close ends reading. Requests may still be at it.
func (f *features) close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.end()
}
