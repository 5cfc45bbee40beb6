package mmapsync

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// WriterOptions configures a Writer; the zero value is good for production.
type WriterOptions struct {
	// Grace is how long one Publish waits, all in all, for readers that still hold the file that it
	// wants to fill. Readers that have not released it by then keep what they hold, and the file is
	// replaced. 0 means 100 ms; negative means not to wait.
	Grace time.Duration

	// Slots is the number of slots for readers, 1 to 65536; 0 means 2048. A Reader takes some for
	// its goroutines (see ReaderOptions), and another one when the writer retires one of them. If
	// there are 64 or more, the last sixteenth is shared by all Readers that find no other. It is
	// used when the files are made; a writer that adopts existing files keeps theirs.
	Slots int

	// Group is the id of the group that files are made for: its members may read, as may the user
	// that the writer runs as. 0 means the group that the system chooses, mostly the user's own.
	// Existing files keep theirs.
	Group int

	// Repair makes OpenWriter replace files that it cannot trust, which it would refuse with a
	// [*FormatError] otherwise: damaged files, those of another format or of another user, and
	// anything that is not a file. The last publication in the files that is whole stays published,
	// or that of a writer of mmap-sync 2.x if the version word is its. State and registry are kept
	// as P_state.damaged and P_readers.damaged, only the last of each. Stats say what was wrong.
	// OpenWriter still fails if a writer of the path lives, and for errors of the system.
	Repair bool
}

// DefaultGrace is the waiting time if WriterOptions.Grace is 0.
const DefaultGrace = 100 * time.Millisecond

// Writer publishes snapshots under a path. Its methods may be called from several goroutines;
// publications come one after the other.
type Writer struct {
	mu    sync.Mutex
	sys   system
	paths paths
	grace time.Duration

	repairs bool // WriterOptions.Repair

	state    *state // nil once closed
	registry *registry
	data     [2]*dataFile // nil if the existing file must not be written to
	replace  [2]bool      // replace the file at its next publication: a retired slot may hold it

	version    Version // what the state announces; shared files are not trusted
	sequence   uint64  // of the last publication
	generation uint64  // the highest of any data file
	// foreign counts that did not fall within a grace time; not waited for again
	stuck [2]uint32

	untouched bool // the set is new, and its inactive file was never published: it has no holds

	mustRebuild bool // the files cannot serve readers any more

	overtaken error // a *ForeignVersionError once another program has stored a version

	stats Stats // without what the files say

	lending Copy // argument of fill; here so that Update allocates nothing
}

// OpenWriter opens path for publishing and makes its files if there are none. It adopts what a
// previous writer left, and readers that have the path open read on. While a writer of the path
// lives, the error is [ErrLocked]. Files that exist but cannot be trusted are a [*FormatError].
// Errors of the system (a full file system, permissions) are returned unchanged.
func OpenWriter(path string, opts WriterOptions) (*Writer, error) {
	return openWriter(host{group: opts.Group}, path, opts)
}

func openWriter(sys system, path string, opts WriterOptions) (*Writer, error) {
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	if opts.Slots == 0 {
		opts.Slots = defaultSlots
	}
	if opts.Slots < 0 || opts.Slots > maxSlots {
		return nil, fmt.Errorf("mmapsync: %d slots, want 1 to %d", opts.Slots, maxSlots)
	}
	if opts.Group < 0 {
		return nil, fmt.Errorf("mmapsync: group %d, want 0 or more", opts.Group)
	}
	w := &Writer{sys: sys, paths: paths(path), grace: opts.Grace, repairs: opts.Repair}
	var err error
	if !mmap.Intact(func() { err = w.open(opts.Slots) }) {
		err = explain(w.paths, w.paths.state(),
			formatReason("a file of this path was truncated while it was opened"))
	}
	if err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// open adopts the existing files, or makes them.
func (w *Writer) open(slots int) error {
	f, fresh, err := w.lockState()
	if err != nil {
		return err
	}
	if fresh {
		return w.make(f, slots)
	}
	err = w.adopt(f)
	if err == nil && w.repairs {
		err = w.forgotten()
	}
	if err == nil {
		return nil
	}
	if w.repairs && w.repairable(err) {
		return w.makeAnew(f, slots, err)
	}
	if w.state == nil {
		f.close()
	}
	return err
}

// Publish makes data the current snapshot and returns its version; data is copied. It waits at most
// the grace time, and allocates nothing if data fits the existing file and no reader is stuck. If
// it fails, the previous snapshot stays current. If another program has published at the path, the
// error is a [*ForeignVersionError].
func (w *Writer) Publish(data []byte) (v Version, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err = w.guarded(&err, func() { v, err = w.publish(data) })
	return v, err
}

func (w *Writer) publish(data []byte) (Version, error) {
	if err := w.accepts(len(data)); err != nil {
		return 0, err
	}
	x := w.ready()
	p := publication{sequence: w.sequence + 1, size: uint64(len(data)), hash: contentHash(data)}
	if err := w.fill(x, data, p); err != nil {
		return 0, fmt.Errorf("mmapsync: publishing %d bytes: %w", len(data), err)
	}
	return w.announce(x, p)
}

// accepts reports whether a snapshot of size bytes can be published.
func (w *Writer) accepts(size int) error {
	if err := w.check(); err != nil {
		return err
	}
	if size < 0 || int64(size) > MaxSize {
		return fmt.Errorf("mmapsync: snapshot of %d bytes, want 0 to %d", size, int64(MaxSize))
	}
	return nil
}

// check returns an error if another program has published at the path.
func (w *Writer) check() error {
	if w.overtaken == nil && w.state.version.Load() != uint64(w.version) {
		return w.overtake()
	}
	return w.overtaken
}

// overtake stops the Writer for good: the other program ignores slots, and may be writing to either
// file. A word of zero is not a version: the state file was truncated and has grown again.
func (w *Writer) overtake() error {
	if err := w.checkVersion(); err != nil {
		return err
	}
	w.overtaken = &ForeignVersionError{w.paths.state(), Version(w.state.version.Load()), w.version}
	return w.overtaken
}

// announce makes p, complete in data file x, the current snapshot. It exchanges the version word,
// so that it does not overwrite a version that another program has stored meanwhile.
func (w *Writer) announce(x int, p publication) (Version, error) {
	next := newVersion(x, int64(p.size), p.hash)
	if !w.state.version.CompareAndSwap(uint64(w.version), uint64(next)) {
		return 0, w.overtake()
	}
	w.version, w.sequence = next, p.sequence
	w.stats.Publications++
	return next, nil
}

// inactive returns the index of the data file that the next publication goes to.
func (w *Writer) inactive() int {
	if w.version == 0 {
		return 0 // as mmap-sync does
	}
	return 1 - w.version.Index()
}

// fill writes the content into data file x. Only retired slots may hold that and, if replace[x] is
// set, foreign readers.
func (w *Writer) fill(x int, content []byte, p publication) error {
	if d := w.inPlace(x, int64(len(content))); d != nil {
		d.write(content, p)
		return nil
	}
	return w.replaceFile(x, w.capacityFor(x, int64(len(content))),
		func(d *dataFile) error { d.write(content, p); return nil })
}

// inPlace returns data file x if size bytes may be written to it, and nil if it must be replaced.
func (w *Writer) inPlace(x int, size int64) *dataFile {
	if d := w.data[x]; d != nil && !w.replace[x] && size <= d.capacity && d.isMarked() {
		return d
	}
	return nil
}

// replaceFile replaces data file x by a new file, which fill completes. A writer killed before the
// rename leaves a draft that the next one removes; killed between the rename and the store of the
// generation it leaves an inactive file of a generation that no reader wants. A generation is never
// used twice, also not after an error.
func (w *Writer) replaceFile(x int, capacity int64, fill func(d *dataFile) error) error {
	w.generation++
	id := identity{index: x, generation: w.generation, capacity: capacity}
	d, err := installData(w.sys, w.paths.data(x), id, fill)
	if err != nil {
		return err
	}
	w.stats.Replacements++
	if old := w.data[x]; old != nil {
		old.unmap() // ours alone; readers have mappings of their own
	}
	w.data[x], w.replace[x] = d, false
	if w.registry != nil { // if there is none, it will be made with the generation
		w.registry.generations[x].Store(d.generation)
	}
	return nil
}

// capacityFor adds a quarter of headroom, so that slowly growing snapshots seldom need a new file,
// and makes a file smaller only if it is four times too large, so that sizes that vary do not lead
// to a replacement each.
func (w *Writer) capacityFor(x int, size int64) int64 {
	capacity := size + size/4
	if old := w.data[x]; old != nil && capacity < old.capacity && size > old.capacity/4 {
		return old.capacity
	}
	return capacity
}

// Close closes the Writer. The last snapshot stays readable, and another writer may open the path.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == nil {
		return ErrClosed
	}
	return w.release()
}

// release releases everything that the Writer has so far; the lock goes last.
func (w *Writer) release() error {
	var errs []error
	for i, d := range w.data {
		if d != nil {
			errs = append(errs, d.unmap())
			w.data[i] = nil
		}
	}
	if w.registry != nil {
		errs = append(errs, w.registry.close())
		w.registry = nil
	}
	if w.state != nil {
		errs = append(errs, w.state.close())
		w.state = nil
	}
	return errors.Join(errs...)
}
