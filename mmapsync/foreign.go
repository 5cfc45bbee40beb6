package mmapsync

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// foreign reads what any writer publishes, also one of mmap-sync 2.x, and of two writers what is
// whole. The crate's writer does not know our registry, and overwrites a file after its grace time
// even if it is being read. So nothing is read in the file: each publication is copied once, and
// the copy counts only if it is proved to be what the version word announces (see verifyCopy).
// Readers of the crate count themselves in the state file; a copy needs no count, so nothing is
// written, and a reader that dies leaves nothing behind.
type foreign struct {
	sys    system
	paths  paths
	state  *state // unmapped by the garbage collector: a goroutine may be about to load the version
	latest atomic.Pointer[foreignCopy]
	fence  atomic.Uint32

	mu     sync.Mutex // held while copying
	data   [2]foreignData
	closed bool
}

// foreignCopy is a publication on the heap. Guards count in its slot, which no other process sees.
type foreignCopy struct {
	version Version
	data    mapping
	slot    slot
}

// foreignData is a data file as long as it was when it was mapped. mmap-sync makes files longer and
// never shorter; our writer replaces them.
type foreignData struct {
	file   file
	memory []byte
}

// newForeign takes over state.
func newForeign(sys system, p paths, state *state) *foreign {
	f := &foreign{sys: sys, paths: p, state: state}
	runtime.AddCleanup(f, func(s sharedMemory) { s.state.unmap() }, sharedMemory{state: state})
	return f
}

// foreignAttempts bounds how often a publication is copied again because a later one has come
// meanwhile. For each attempt a writer has to write two publications in the time of one copy.
const foreignAttempts = 32

func (f *foreign) acquire() (Snapshot, error) {
	v := f.version()
	if v == 0 {
		return Snapshot{}, ErrNotPublished
	}
	if c := f.latest.Load(); c != nil && c.version == v {
		return c.guard(), nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return Snapshot{}, ErrClosed
	}
	for range foreignAttempts {
		c, err := f.attempt(f.version())
		if err != nil {
			return Snapshot{}, err
		}
		if c != nil {
			f.latest.Store(c)
			return c.guard(), nil
		}
	}
	return Snapshot{}, fmt.Errorf("mmapsync: %s: published anew during each of %d attempts to copy",
		f.paths.state(), foreignAttempts)
}

func (f *foreign) version() Version {
	v := Version(f.state.version.Load())
	runtime.KeepAlive(f)
	return v
}

// attempt returns the publication v as it is in the files. It returns neither copy nor error if
// another one has come meanwhile, and an error if the publication is damaged or two writers have
// mixed it. The file that is mapped may have lost its name to another one, so if it does not have
// the publication, the file that has the name now is tried.
func (f *foreign) attempt(v Version) (*foreignCopy, error) {
	if c := f.latest.Load(); c != nil && c.version == v {
		return c, nil // another goroutine was faster
	}
	var failed error
	for _, fresh := range [...]bool{false, true} {
		content, p, err := f.copy(v, fresh)
		if f.version() != v {
			return nil, nil
		}
		if err == nil {
			err = verifyCopy(content, p, v)
		}
		if err == nil {
			return f.newForeignCopy(v, content, p), nil
		}
		if failed != errTruncated {
			failed = err
		}
	}
	return nil, f.explain(f.paths.data(v.Index()), failed)
}

// newForeignCopy returns a mapping for content, of which a footer said what p is.
func (f *foreign) newForeignCopy(v Version, content []byte, p publication) *foreignCopy {
	id := identity{index: v.Index(), capacity: int64(len(content))}
	c := &foreignCopy{version: v}
	c.data.dataFile = &dataFile{identity: id, memory: content, paths: f.paths, onHeap: true,
		content: p}
	c.data.hold, c.data.content = oneHold(v.Index()), content
	c.data.size.Store(v.Size())
	c.data.announced.Store(uint64(v))
	c.slot.word = new(atomic.Uint64)
	c.slot.guards = newGuards(&c.slot)
	return c
}

func (c *foreignCopy) guard() Snapshot {
	c.slot.hold(c.version.Index())
	return c.slot.snapshot(&c.data)
}

// copy returns the bytes that v names, as they are by now, and what the file's footer says, from
// the file that has the name now if fresh is set. The addition keeps the processor from loading the
// version before the content.
func (f *foreign) copy(v Version, fresh bool) (content []byte, p publication, err error) {
	if d := &f.data[v.Index()]; fresh || int64(len(d.memory)) < v.Size() {
		return f.copyFrom(v, f.state.file.owner())
	}
	return f.copyMapped(v)
}

// copyFrom is copy from the file that has the name now, which must belong to owner.
func (f *foreign) copyFrom(v Version, owner int) (content []byte, p publication, err error) {
	if err := f.remap(&f.data[v.Index()], v, owner); err != nil {
		return nil, p, err
	}
	return f.copyMapped(v)
}

func (f *foreign) copyMapped(v Version) (content []byte, p publication, err error) {
	d := &f.data[v.Index()]
	err = checked(func() error {
		content, p = append([]byte{}, d.memory[:v.Size()]...), d.publication()
		return nil
	})
	f.fence.Add(1)
	return content, p, err
}

// publication returns what the footer says if the file has one; if content reaches into it, the
// result is arbitrary, and verifyCopy refuses it.
func (d *foreignData) publication() publication {
	if len(d.memory) < footerSize {
		return publication{}
	}
	return (&dataFile{identity: identity{capacity: int64(len(d.memory) - footerSize)},
		memory: d.memory}).publication()
}

// remap maps the data file again.
func (f *foreign) remap(d *foreignData, v Version, owner int) error {
	file, err := f.sys.open(f.paths.data(v.Index()), mmap.ReadOnly)
	if err != nil {
		return err
	}
	defer file.close()
	if err := belongs(file, owner); err != nil {
		return err
	}
	if file.size() < v.Size() {
		return tooLarge(v, file.size())
	}
	memory, err := file.mapAll(mmap.ReadOnly)
	if err != nil {
		return err
	}
	d.unmap()
	*d = foreignData{file, memory}
	return nil
}

func (d *foreignData) unmap() {
	if d.memory != nil {
		d.file.unmap(d.memory)
	}
	*d = foreignData{}
}

// verifyCopy reports whether content, of which the footer says what p is, is what a writer has
// published as v. Our writer's publications are recognised by the footer, and proved by the 64 bits
// of their hash. Every other publication is the crate's, proved by the 24 bits in the version word.
// One of [Writer.Update] has no hash, and so could be a mixture.
func verifyCopy(content []byte, p publication, v Version) error {
	ours := p.announcedBy(v)
	if ours == nil {
		ours = p.verify(content)
	}
	if ours == nil || uint32(foreignHash(content)&(1<<checksumBits-1)) == v.Checksum() {
		return nil
	}
	if errors.Is(ours, ErrNotHashed) {
		return ours
	}
	return formatReason(fmt.Sprintf("the content's checksum is not the %#06x of the version word: "+
		"the file was damaged, two writers publish at a time, "+
		"or one of mmap-sync 2.x does not use the crate's own hash", v.Checksum()))
}

// explain names only the file: how it can be made again depends on the program that wrote it.
func (f *foreign) explain(path string, err error) error {
	if reason, ok := refusal(err); ok {
		return &FormatError{Path: path, Reason: string(reason)}
	}
	if errors.Is(err, ErrNotHashed) {
		return fmt.Errorf("%w: %s cannot be read with ReaderOptions.Foreign", err, path)
	}
	return err
}

func (f *foreign) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for i := range f.data {
		f.data[i].unmap()
	}
	return nil
}
