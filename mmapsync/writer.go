package mmapsync

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/mmap"
)

// WriterOptions holds the settings of a Writer; the zero value is good for production.
type WriterOptions struct {
	// Grace is how long one Publish waits, all in all, for readers that still hold the file it wants to fill. Those that
	// have not let go by then keep what they hold, and the file is replaced. 0 means 100 ms; negative means not to wait.
	Grace time.Duration

	// Slots is the number of slots for readers, 1 to 65536; 0 means 2048. A Reader takes some for the goroutines that
	// it serves at a time (see ReaderOptions), and one more where the writer gives up on it. Of 64 slots or more the last
	// sixteenth is shared by all Readers that find no other. It takes effect when the files are made, and a writer that
	// adopts existing files keeps theirs.
	Slots int

	// Group is the number of the group that files are made for: whose members, besides the user that the writer runs as,
	// may read. 0 means the group that the system gives, mostly the user's own. Files in place keep theirs.
	Group int

	// Repair makes OpenWriter replace files that it cannot trust, where it would refuse them with a [*FormatError]: damaged
	// ones, those of another format or of another user, and what is no file at all. Of the publications that are in the
	// files the last one that is whole stays published, or that of a writer of mmap-sync 2.x where the version word is such a one's. State and registry are kept as P_state.damaged and P_readers.damaged,
	// only the last of each. Stats say what was wrong. What is left to refuse is a path at which a writer lives, and
	// trouble with the system.
	Repair bool
}

// DefaultGrace is the waiting time where WriterOptions gives none.
const DefaultGrace = 100 * time.Millisecond

// Writer publishes snapshots under a path. Its methods may be called from several goroutines; publications come one
// after the other.
type Writer struct {
	mu    sync.Mutex
	sys   system
	paths paths
	grace time.Duration

	repairs bool // WriterOptions.Repair

	state    *state // nil once closed
	registry *registry
	data     [2]*dataFile // nil where the file in place must not be written to
	replace  [2]bool      // the file must be replaced at its next publication: a retired slot may hold it

	version    Version   // what the state announces; kept here because nothing in a shared file is taken back as truth
	sequence   uint64    // of the last publication
	generation uint64    // the highest given to any data file
	stuck      [2]uint32 // foreign counts that a whole grace time did not bring to zero; not waited for again

	untouched bool // the set is new, and nothing was published in its inactive file: nobody holds that

	lost bool // readers cannot be served through the files in place any more

	overtaken error // a *ForeignVersionError once somebody else has stored a version

	stats Stats // but for what the files say

	lent Copy // what Update lends; here so that lending it allocates nothing
}

// OpenWriter opens path for publishing and makes its files where there are none. What a former writer left is
// adopted, and readers that have it open read on. A second writer is refused with [ErrLocked] while the first lives.
// Files that are there but cannot be trusted are a [*FormatError]. What goes wrong in the system (a full file system,
// permissions) is returned as it is.
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
		err = explain(w.paths, w.paths.state(), formatReason("a file of this path was truncated while it was opened"))
	}
	if err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// open adopts the files in place, or makes them.
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

// Publish makes data the current snapshot and returns its version; data is copied. It waits at most the grace time,
// and allocates nothing while data fits the file in place and no reader had to be given up. On an error the former
// snapshot stays current. Where another program has published at the path, that is a [*ForeignVersionError].
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

// accepts says whether a snapshot of size bytes can be published.
func (w *Writer) accepts(size int) error {
	if err := w.check(); err != nil {
		return err
	}
	if size < 0 || int64(size) > MaxSize {
		return fmt.Errorf("mmapsync: snapshot of %d bytes, want 0 to %d", size, int64(MaxSize))
	}
	return nil
}

// check returns an error where another program has published at the path.
func (w *Writer) check() error {
	if w.overtaken == nil && w.state.version.Load() != uint64(w.version) {
		return w.overtake()
	}
	return w.overtaken
}

// overtake stops the Writer for good: the other program takes no notice of slots, and may be writing to either file. A word of
// zero is no version: somebody has cut the state file and let it grow again.
func (w *Writer) overtake() error {
	if err := w.checkVersion(); err != nil {
		return err
	}
	w.overtaken = &ForeignVersionError{w.paths.state(), Version(w.state.version.Load()), w.version}
	return w.overtaken
}

// announce makes p, complete in data file x, the current snapshot. It exchanges the version word, so that no version
// that somebody else has stored meanwhile is lost under ours.
func (w *Writer) announce(x int, p publication) (Version, error) {
	next := newVersion(x, int64(p.size), p.hash)
	if !w.state.version.CompareAndSwap(uint64(w.version), uint64(next)) {
		return 0, w.overtake()
	}
	w.version, w.sequence = next, p.sequence
	w.stats.Publications++
	return next, nil
}

// inactive is the index of the data file that the next publication goes to.
func (w *Writer) inactive() int {
	if w.version == 0 {
		return 0 // as mmap-sync does
	}
	return 1 - w.version.Index()
}

// fill brings the content into data file x, which nobody may hold but retired slots and, where replace[x] is set,
// foreign readers.
func (w *Writer) fill(x int, content []byte, p publication) error {
	if d := w.inPlace(x, int64(len(content))); d != nil {
		d.write(content, p)
		return nil
	}
	return w.replaceFile(x, w.capacityFor(x, int64(len(content))), func(d *dataFile) error { d.write(content, p); return nil })
}

// inPlace is data file x where size bytes may be written to it as it is, and nil where it must be replaced.
func (w *Writer) inPlace(x int, size int64) *dataFile {
	if d := w.data[x]; d != nil && !w.replace[x] && size <= d.capacity && d.isMarked() {
		return d
	}
	return nil
}

// replaceFile puts a new file, which fill completes, in the place of data file x. A writer killed before the rename
// leaves a draft that the next one removes; killed between the rename and the store of the generation it leaves an
// inactive file of a generation that no reader asks for. A generation is never used twice, also not after an error.
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
	if w.registry != nil { // otherwise it is made with the generation
		w.registry.generations[x].Store(d.generation)
	}
	return nil
}

// capacityFor leaves a quarter of headroom, so that slowly growing snapshots seldom need a new file, and gives memory
// back only where a file is four times too large, so that sizes that vary do not lead to a replacement each.
func (w *Writer) capacityFor(x int, size int64) int64 {
	capacity := size + size/4
	if old := w.data[x]; old != nil && capacity < old.capacity && size > old.capacity/4 {
		return old.capacity
	}
	return capacity
}

// Close lets go of the path. The last snapshot stays readable, and another writer may open the path.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == nil {
		return ErrClosed
	}
	return w.release()
}

// release gives back whatever the Writer has so far; the lock goes last.
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
