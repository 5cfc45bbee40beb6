package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/mmap"
)

// ReaderOptions holds the settings of a Reader; the zero value is good for production.
type ReaderOptions struct {
	// Slots is the number of registry slots over which the Reader's goroutines are spread, 1 to 32. Half of them, rounded
	// down to a power of two, have room for one guard each, which is quicker; whoever finds his taken shares one of the
	// others. Goroutines on different processors that use one slot slow each other down. 0 means eight for each
	// processor that the program uses, which makes it unlikely that two that are busy meet, but at most 32, at most one for
	// every 64 that the registry has, and the fewer the fuller that is, down to one, so that a registry of 2,048 has one for each
	// of a thousand Readers. Where the registry has fewer left, the Reader makes do with what there is, and where it has none,
	// with one that Readers of all processes share.
	Slots int

	// Owners are the numbers of the users that a writer may run as. Files of anybody else are refused with a
	// [*FormatError], which protects from files that somebody plants where the folder lets others make files. Empty
	// means whoever made the state file; in any case all files must belong to one user.
	Owners []int

	// Foreign lets files be read in which the Rust crate mmap-sync 2.x publishes, with its default hash, also where our writer
	// and the crate's do so in turns, or by mistake at a time. A snapshot is then a copy on the heap, made by the first
	// Acquire after each publication and checked against its hash, whoever has published it; see the package documentation.
	// Such a Reader needs no registry and takes no slot. What Update has published without a hash it cannot prove,
	// and Acquire returns [ErrNotHashed].
	Foreign bool
}

// Reader reads the snapshots of one path. All its methods may be called from any number of goroutines, Close included.
// A Reader costs a few slots of the registry and one file descriptor, so a process needs one per path. One that is
// forgotten without a Close keeps them while the process lives.
type Reader struct {
	// What the short way of Acquire tries: the mapping of the last snapshot, and over how many of its own slots, less one,
	// goroutines are spread, 0 until two have met in the first one. nil: none; closedMapping once closed.
	latest atomic.Pointer[mapping]
	spread atomic.Uint32

	client  atomic.Pointer[client]  // nil once closed, and with the option Foreign
	foreign atomic.Pointer[foreign] // nil without the option Foreign, and once closed
	paths   paths
}

// openAttempts bounds how often OpenReader starts again because the files are being made anew.
const openAttempts = 16

// OpenReader opens path for reading. The writer need not be running, and need not have published yet. A path without
// files is an error that wraps [io/fs.ErrNotExist], a registry without room is [ErrNoSlot], which one of 64 slots or more is not
// because of the number of its readers, and damaged or foreign files are a [*FormatError].
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
	return nil, fmt.Errorf("mmapsync: %s was replaced %d times while it was opened", p.state(), openAttempts)
}

// tryOpen gives nothing and no error where the state file lost its name meanwhile. A writer makes the other files before
// it, so while it keeps its name they belong to it, and where there is no registry the writer is none of ours.
func tryOpen(sys system, p paths, opts ReaderOptions) (*Reader, error) {
	f, err := sys.open(p.state(), mmap.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer f.close() // the mapping and the identity stay
	if len(opts.Owners) > 0 && !slices.Contains(opts.Owners, f.owner()) {
		return nil, &FormatError{p.state(), fmt.Sprintf("the file belongs to user %d, want one of %v", f.owner(), opts.Owners)}
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
			err = formatReason("the file is missing: it was deleted, or the others are those of mmap-sync 2.x, which ReaderOptions.Foreign reads")
		}
		return nil, explain(p, p.registry(), err)
	}
	return newReader(sys, p, opts, ground{state: state, registry: registry})
}

// newReader takes over shared, also on an error.
func newReader(sys system, p paths, opts ReaderOptions, shared ground) (*Reader, error) {
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

// Acquire takes the current snapshot, which stays valid until its Release. It is wait-free and, unless hundreds are held at
// a time, allocates nothing; a publication that comes between costs one round more, and a new data file is mapped at its
// first use. It returns [ErrNotPublished] before the first publication, [ErrClosed] after Close, and a [*FormatError]
// where the files are damaged.
//
// This is the short way: the publication is that of the last Acquire, or the first after it has been seen before, and the
// goroutine gets a slot to itself. Everything else is acquireElsewhere's.
//
// The mapping was in use before the hold. If it is of the present generation, its file was in place before the slot was
// seen free, and so not retired: a writer that gives up on the slot later replaces that file. With the mapping loaded
// after the hold alone, the look at the slot would have to come last, as it does in settle. Whether the mapping has ended,
// by Close or because it was replaced, is asked after the hold: before it, nobody who unmaps one waits for us. The three
// answers make one branch, and the compiler sees no condition that it would keep as a number; that is a twentieth of
// the time.
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

// closedMapping stands for the mapping of a closed Reader.
var closedMapping = func() *mapping {
	d := new(mapping)
	(&client{}).copyOwn(&d.own)
	return d
}()

// acquireElsewhere is Acquire where own, the goroutine's own slot, did not lead to a snapshot; nil where there is none yet.
func (r *Reader) acquireElsewhere(own *slot) (Snapshot, error) {
	if f := r.foreign.Load(); f != nil {
		return f.acquire()
	}
	c := r.client.Load()
	if c == nil {
		return Snapshot{}, ErrClosed
	}
	if mask := uint32(len(c.own) - 1); own != nil && own.metSomebody() && r.spread.Load() != mask {
		r.spread.Store(mask) // once: others load it all the time
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

// Replaced says whether the state file on disk is no longer the one that this Reader has open, because the files were
// deleted, and perhaps made anew: time to open another Reader. It makes a system call; it is not for the request
// path.
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

// Close ends the Reader. It may be called at any time, from any goroutine. An Acquire that overlaps with it gives a
// snapshot or [ErrClosed]; a snapshot that is held stays valid until its Release.
//
// Data files that nobody holds are unmapped at once. The slots, which a goroutine half-way through an Acquire may
// still write to, and the data files that somebody holds are given back by the garbage collector, which knows when
// nobody is left.
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

// closedClients counts the clients of this process that are closed and not yet collected, each with slots of a registry.
var closedClients atomic.Int64

// collectClosed gives slots of closed Readers back now, and says whether it is worth while to look for one again. There
// were before of them when none was found; some may have been collected meanwhile.
func collectClosed(before int64) bool {
	if before == 0 {
		return false
	}
	if closedClients.Load() >= before {
		runtime.GC()
	}
	// The collector's own goroutines may have to wait for a processor; the alternative is to refuse to open.
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if closedClients.Load() < before {
			return true
		}
	}
	return false
}
