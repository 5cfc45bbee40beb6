package mmapsync

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// ReaderOptions holds the settings of a Reader. There are none yet.
type ReaderOptions struct{}

// Reader reads the snapshots of one path. All its methods may be called from any number of goroutines, except that
// Close must not overlap with Acquire. A Reader costs one slot of the registry and one file descriptor, so a process
// needs one per path.
type Reader struct {
	// What Acquire touches comes first and does not change, but for the three pointers.
	version     *atomic.Uint64
	generations [2]*atomic.Uint64
	slot        atomic.Pointer[slot]        // nil once closed
	current     [2]atomic.Pointer[dataFile] // swapped only with mu held

	sys      system
	paths    paths
	state    *state
	registry *registry

	mu      sync.Mutex
	retired []*slot // given up by the writer; their byte locks stay ours while the Reader lives
	stale   []stale // replaced data files that a guard may still refer to
	done    bool
}

// openAttempts bounds how often OpenReader starts again because the files are being made anew.
const openAttempts = 16

// OpenReader opens path for reading. The writer need not be running, and need not have published yet. A path without
// files is an error that wraps [io/fs.ErrNotExist], a registry without room is [ErrNoSlot], and damaged or foreign
// files are a [*FormatError].
func OpenReader(path string, opts ReaderOptions) (*Reader, error) {
	return openReader(host{}, path, opts)
}

func openReader(sys system, path string, _ ReaderOptions) (*Reader, error) {
	p := paths(path)
	for range openAttempts {
		r, err := tryOpenReader(sys, p)
		if r != nil || err != nil {
			return r, err
		}
	}
	return nil, fmt.Errorf("mmapsync: %s was replaced %d times while it was opened", p.state(), openAttempts)
}

// tryOpenReader gives neither a Reader nor an error where the state file lost its name meanwhile. A writer makes the
// other files before it, so while it keeps its name they belong to it.
func tryOpenReader(sys system, p paths) (*Reader, error) {
	f, err := sys.open(p.state(), mmap.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer f.close() // the mapping and the identity stay
	state, err := mapState(f, mmap.ReadOnly)
	if err != nil {
		return nil, explain(p, p.state(), err)
	}
	registry, err := openRegistry(sys, p.registry())
	still, lookErr := f.isAt(p.state())
	if err != nil || !still {
		state.unmap()
		if err == nil {
			registry.close()
		}
		if lookErr != nil || !still {
			return nil, lookErr
		}
		return nil, explain(p, p.registry(), err)
	}
	r := &Reader{
		version: state.version, generations: registry.generations,
		sys: sys, paths: p, state: state, registry: registry,
	}
	fresh, err := r.claim()
	if err != nil {
		r.unmapShared()
		return nil, fmt.Errorf("%w: %s", err, p.registry())
	}
	r.slot.Store(fresh)
	return r, nil
}

// Acquire takes the current snapshot, which stays valid until its Release. It is wait-free and allocates nothing; a
// publication that comes between costs one round more, and a new data file is mapped at its first use. It returns
// [ErrNotPublished] before the first publication, [ErrClosed] after Close, and a [*FormatError] where the files are
// damaged.
func (r *Reader) Acquire() (Snapshot, error) {
	s := r.slot.Load()
	if s == nil {
		return Snapshot{}, ErrClosed
	}
	v := Version(r.version.Load())
	if v == 0 {
		return Snapshot{}, ErrNotPublished
	}
	i := v.Index()
	s.hold(i)
	v = Version(r.version.Load())
	if v.Index() == i {
		// The check of the slot comes last: made before the generation is known, a snapshot could be torn.
		d := r.current[i].Load()
		if d != nil && d.generation == r.generations[i].Load() && v.Size() <= d.capacity && !s.load().retired() {
			return Snapshot{version: v, data: d, slot: s}, nil
		}
	}
	return r.settle(s, v, i)
}

// maxRounds bounds how often one Acquire begins again because the writer has retired its slot meanwhile. Each time
// takes a whole publication in the moment of one Acquire, so nothing but a damaged registry comes near it.
const maxRounds = 64

// settle ends an Acquire that did not go straight. The caller has a hold on data file i, and v was loaded after it
// was taken.
func (r *Reader) settle(s *slot, v Version, i int) (Snapshot, error) {
	for range maxRounds {
		v, i = r.follow(s, v, i)
		d, err := r.mapping(s, i)
		if s.load().retired() { // first, since then anything may have been seen, an error too
			s.drop(i)
			if s, err = r.renew(s); err != nil {
				return Snapshot{}, err
			}
			i = Version(r.version.Load()).Index()
			s.hold(i)
			v = Version(r.version.Load())
			continue
		}
		if err == nil && v.Size() > d.capacity {
			err = explain(r.paths, r.paths.data(i), tooLarge(v, d.capacity))
		}
		if err != nil {
			s.drop(i)
			return Snapshot{}, err
		}
		return Snapshot{version: v, data: d, slot: s}, nil
	}
	s.drop(i)
	return Snapshot{}, explain(r.paths, r.paths.registry(),
		formatReason(fmt.Sprintf("%d slots were retired during one Acquire", maxRounds)))
}

// follow moves the hold to the data file that is active, if v says that it is not i. Holding both, the one that is
// active at the load cannot be overwritten: the writer would have to see this slot without a hold on it after
// switching away.
func (r *Reader) follow(s *slot, v Version, i int) (Version, int) {
	if v.Index() == i {
		return v, i
	}
	s.hold(1 - i)
	v = Version(r.version.Load())
	s.drop(1 - v.Index())
	return v, v.Index()
}

// Replaced says whether the state file on disk is no longer the one that this Reader has open, because the files were
// deleted, and perhaps made anew: time to open another Reader. It makes a system call; it is not for the request
// path.
func (r *Reader) Replaced() (bool, error) {
	still, err := r.state.file.isAt(r.paths.state())
	return !still && err == nil, err
}

// Close gives the Reader's slots and mappings back. It must not overlap with Acquire. Where snapshots are still held
// it leaves what they need, returns an error that says how many there are, and can be called again when they are
// released.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return ErrClosed
	}
	if s := r.slot.Swap(nil); s != nil {
		r.retired = append(r.retired, s)
	}
	for i := range r.current {
		r.retireMapping(i, nil)
	}
	err := r.sweep()
	if held := r.held(); held > 0 {
		return errors.Join(err, fmt.Errorf("mmapsync: %s: closed with %d snapshots still held", r.paths, held))
	}
	r.done = true
	return errors.Join(err, r.unmapShared())
}

// held counts the snapshots that are not released.
func (r *Reader) held() int {
	n := 0
	for _, s := range r.retired {
		word := s.load()
		n += word.holds(0) + word.holds(1)
	}
	return n
}

// unmapShared ends the mappings that every Acquire uses; the locks on the slots go with the registry's file.
func (r *Reader) unmapShared() error { return errors.Join(r.state.unmap(), r.registry.close()) }
