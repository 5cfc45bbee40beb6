package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// ReaderOptions configures a Reader; the zero value is good for production.
type ReaderOptions struct {
	// Slots is the number of registry slots over which the Reader's goroutines are spread, 1 to 32.
	// Half of them, rounded down to a power of two, have room for one guard each, which is faster;
	// a goroutine that finds its slot taken shares one of the others. Goroutines on different
	// processors that use one slot slow each other down.
	//
	// 0 means eight for each processor that the program uses, which makes it unlikely that two busy
	// goroutines meet, but at most 32, and at most one for every 64 that the registry has. The
	// fuller the registry, the fewer, down to one: a registry of 2,048 has one for each of a
	// thousand Readers. If the registry has fewer free slots, the Reader takes those; if it has
	// none, it uses one that Readers of all processes share.
	Slots int

	// Owners are the ids of the users that a writer may run as. Files of any other user are refused
	// with a [*FormatError], which protects from planted files if the folder lets other users make
	// files. Empty means the user that made the state file; in any case all files must belong to
	// one user.
	Owners []int

	// Foreign accepts files in which the Rust crate mmap-sync 2.x publishes, with its default hash,
	// also if our writer and the crate's do so in turns, or by mistake at the same time. A snapshot
	// is then a copy on the heap, made by the first Acquire after each publication and checked
	// against its hash; see the package documentation. Such a Reader needs no registry and takes no
	// slot. It cannot prove what Update has published without a hash, and Acquire returns
	// [ErrNotHashed].
	Foreign bool
}

// Reader reads the snapshots of one path. All its methods may be called from any number of
// goroutines, Close included. A Reader costs a few slots of the registry and one file descriptor,
// so a process needs one per path. A Reader that is forgotten without a Close keeps them while the
// process lives.
type Reader struct {
	// The mapping of the last snapshot, which the short way of Acquire tries, and over how many of
	// its own slots, less one, goroutines are spread: 0 until two have met in the first one. The
	// mapping is nil before the first snapshot, and closedMapping once closed.
	latest atomic.Pointer[mapping]
	spread atomic.Uint32

	client  atomic.Pointer[client]  // nil once closed, and with the option Foreign
	foreign atomic.Pointer[foreign] // nil without the option Foreign, and once closed
	paths   paths
}

// openAttempts bounds how often OpenReader starts again because the files are being made again.
const openAttempts = 16

// OpenReader opens path for reading. The writer need not be running, and need not have published
// yet.
//
// The error wraps [io/fs.ErrNotExist] if the path has no files, is [ErrNoSlot] if the registry has
// no room, which cannot happen because of the number of readers if it has 64 slots or more, and is
// a [*FormatError] if the files are damaged or foreign.
func OpenReader(path string, opts ReaderOptions) (*Reader, error) {
	return openReader(host{}, path, opts)
}

func openReader(sys system, path string, opts ReaderOptions) (*Reader, error) {
	if opts.Slots < 0 || opts.Slots > 2*lanes {
		return nil, fmt.Errorf("mmapsync: a reader of %d slots, want 1 to %d", opts.Slots, 2*lanes)
	}
	p := paths(path)
	for range openAttempts {
		closed := closedClients.Load()
		r, err := tryOpen(sys, p, opts)
		if errors.Is(err, ErrNoSlot) && collectClosed(closed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r != nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("mmapsync: %s was replaced %d times while it was opened", p.state(),
		openAttempts)
}

// tryOpen returns neither a Reader nor an error if the state file lost its name meanwhile. A writer
// makes the other files before it, so while it keeps its name they belong to it, and if there is no
// registry the writer is not ours.
func tryOpen(sys system, p paths, opts ReaderOptions) (*Reader, error) {
	f, err := sys.open(p.state(), mmap.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer f.close() // mapping and identity outlive it
	if len(opts.Owners) > 0 && !slices.Contains(opts.Owners, f.owner()) {
		return nil, &FormatError{p.state(),
			fmt.Sprintf("the file belongs to user %d, want one of %v", f.owner(), opts.Owners)}
	}
	state, err := mapState(f, mmap.ReadOnly)
	if err != nil {
		return nil, explain(p, p.state(), err)
	}
	if opts.Foreign {
		r := &Reader{paths: p}
		r.foreign.Store(newForeign(sys, p, state))
		return r, nil
	}
	registry, err := openRegistry(sys, p.registry(), f.owner())
	still, lookErr := f.isAt(p.state())
	if err != nil || !still {
		state.unmap()
		if err == nil {
			registry.close()
		}
		if lookErr != nil || !still {
			return nil, lookErr
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = formatReason("the file is missing: it was deleted, " +
				"or the others are those of mmap-sync 2.x, which ReaderOptions.Foreign reads")
		}
		return nil, explain(p, p.registry(), err)
	}
	return newReader(sys, p, opts, sharedMemory{state: state, registry: registry})
}

// newReader owns shared from now on, also if it returns an error.
func newReader(sys system, p paths, opts ReaderOptions, shared sharedMemory) (*Reader, error) {
	c := &client{
		version: shared.state.version, generations: shared.registry.generations,
		sys: sys, paths: p, state: shared.state, registry: shared.registry,
	}
	if err := checked(func() error { return c.enter(opts.Slots) }); err != nil {
		shared.release()
		if errors.Is(err, ErrNoSlot) {
			return nil, fmt.Errorf("%w: %s", err, p.registry())
		}
		return nil, explain(p, p.registry(), err)
	}
	r := &Reader{paths: p}
	r.client.Store(c)
	return r, nil
}

// Acquire is the short way: the publication is that of the last Acquire, or the first after it that
// was recognised, and the goroutine has a slot to itself. acquireElsewhere does everything else.
//
// The mapping was in use before the hold. If it is of the present generation, its file was current
// before the slot was seen free, and so not retired: a writer that gives up on the slot later
// replaces that file. If the mapping were loaded only after the hold, the slot would have to be
// read last, as settle does. Whether the mapping has ended, by Close or because it was replaced, is
// read after the hold: until we hold the slot, an unmapper does not wait for us. The three results
// make one branch, and the compiler sees no condition that it would keep as a number; that is a
// twentieth of the time.

// Acquire returns the current snapshot, which stays valid until its Release. It is wait-free and,
// unless hundreds are held at a time, allocates nothing; a publication that comes between costs one
// round more, and a new data file is mapped at its first use. It returns [ErrNotPublished] before
// the first publication, [ErrClosed] after Close, and a [*FormatError] if the files are damaged.
func (r *Reader) Acquire() (Snapshot, error) {
	d := r.latest.Load()
	if d == nil {
		return r.acquireElsewhere(nil)
	}
	g := &d.own[0]
	if mask := r.spread.Load(); mask != 0 {
		g = &d.own[ownLane()&mask]
	}
	if g.word.CompareAndSwap(0, d.hold) {
		if (d.state.Load()^d.announced.Load())|(d.newest.Load()^d.number)|d.ended.Load() == 0 {
			return Snapshot{data: d, guard: g, serial: g.serial.Load()}, nil
		}
		mmap.StoreRelease(g.word, 0)
	}
	return r.acquireElsewhere(g.slot)
}

// closedMapping is the mapping of a closed Reader.
var closedMapping = func() *mapping {
	d := new(mapping)
	(&client{}).copyOwn(&d.own)
	return d
}()

// acquireElsewhere is Acquire if own, the goroutine's own slot, did not lead to a snapshot. own is
// nil if there is none yet.
func (r *Reader) acquireElsewhere(own *slot) (Snapshot, error) {
	if f := r.foreign.Load(); f != nil {
		return f.acquire()
	}
	c := r.client.Load()
	if c == nil {
		return Snapshot{}, ErrClosed
	}
	if mask := uint32(len(c.own) - 1); own != nil && own.contended() && r.spread.Load() != mask {
		r.spread.Store(mask) // once: other goroutines load it all the time
	}
	v := Version(c.version.Load())
	if v == 0 {
		return Snapshot{}, ErrNotPublished
	}
	s := c.lanes[ownLane()].Load()
	s.hold(v.Index())
	d, s, err := c.settle(s, Version(c.version.Load()), v.Index())
	if err != nil {
		return Snapshot{}, err
	}
	if before := r.latest.Load(); before != d && before != closedMapping {
		r.latest.CompareAndSwap(before, d)
	}
	return s.snapshot(d), nil
}

// Replaced reports whether the state file on disk is another one than this Reader has open, because
// the files were deleted, and perhaps made again: then open another Reader. It makes a system call,
// and is not for the request path.
func (r *Reader) Replaced() (bool, error) {
	var state *state
	if c := r.client.Load(); c != nil {
		state = c.state
	} else if f := r.foreign.Load(); f != nil {
		state = f.state
	} else {
		return false, ErrClosed
	}
	still, err := state.file.isAt(r.paths.state())
	return !still && err == nil, err
}

// Close ends the Reader. It may be called at any time, from any goroutine. An Acquire that overlaps
// with it returns a snapshot or [ErrClosed]; a snapshot that is held stays valid until its Release.
//
// Data files without holds are unmapped at once. The slots, which a goroutine inside Acquire may
// still write to, and data files that are held are released by the garbage collector, once no
// goroutine can use them.
func (r *Reader) Close() error {
	c, f := r.client.Swap(nil), r.foreign.Swap(nil)
	r.latest.Store(closedMapping)
	if c != nil {
		return c.close()
	}
	if f != nil {
		return f.close()
	}
	return ErrClosed
}

// closedClients counts the clients of this process that are closed and not yet collected, each with
// slots of a registry.
var closedClients atomic.Int64

// collectClosed releases slots of closed Readers now, and reports whether it is worthwhile to look
// for a slot again. before is the number of closed Readers when none was found; some may have been
// collected meanwhile.
func collectClosed(before int64) bool {
	if before == 0 {
		return false
	}
	if closedClients.Load() >= before {
		runtime.GC()
	}
	// The collector's own goroutines may have to wait for a processor; the alternative is to fail.
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if closedClients.Load() < before {
			return true
		}
	}
	return false
}
