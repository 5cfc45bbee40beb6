package mmapsync

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// foreign reads what a writer of mmap-sync 2.x publishes. That writer knows nothing of our registry, and overwrites a file
// after its grace time whoever reads it. So nothing is read in place: each publication is copied once, and the copy
// counts only if the version word was the same before and after, and its checksum is that of the copy. Readers of
// the crate count themselves in, in the state file; a copy needs no count, so nothing is written, and a
// reader that dies leaves nothing behind.
type foreign struct {
	sys    system
	paths  paths
	state  *state // unmapped by the collector, since a goroutine may be about to load the version
	latest atomic.Pointer[foreignCopy]
	fence  atomic.Uint32

	mu     sync.Mutex // held while copying
	data   [2]foreignData
	closed bool
}

// foreignCopy is a publication on the heap. Its slot is there for guards to count in, and nobody looks at it.
type foreignCopy struct {
	version Version
	data    mapping
	slot    slot
}

// foreignData is a data file as long as it was when it was mapped; mmap-sync makes files longer and never shorter.
type foreignData struct {
	file   file
	memory []byte
}

// newForeign takes over state.
func newForeign(sys system, p paths, state *state) *foreign {
	f := &foreign{sys: sys, paths: p, state: state}
	runtime.AddCleanup(f, func(s ground) { s.state.unmap() }, ground{state: state})
	return f
}

// foreignAttempts bounds how often a publication is copied anew because the next one, or the one after, has come meanwhile.
// A writer has to write two publications in the time of one copy for that.
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
	var err error
	for range foreignAttempts {
		var c *foreignCopy
		if c, err = f.attempt(f.version()); c != nil {
			f.latest.Store(c)
			return c.guard(), nil
		}
	}
	if err == nil {
		err = fmt.Errorf("mmapsync: %s: published anew during each of %d attempts to copy", f.paths.state(), foreignAttempts)
	}
	return Snapshot{}, err
}

func (f *foreign) version() Version {
	v := Version(f.state.version.Load())
	runtime.KeepAlive(f)
	return v
}

// attempt gives the publication v as it is in the files, neither copy nor error where another one came meanwhile, and an
// error where it is damaged. The addition keeps the processor from loading the version before the content.
func (f *foreign) attempt(v Version) (*foreignCopy, error) {
	if c := f.latest.Load(); c != nil && c.version == v {
		return c, nil // another goroutine was faster
	}
	content, err := f.copy(v)
	f.fence.Add(1)
	if f.version() != v {
		return nil, nil
	}
	if err == nil {
		err = verifyForeign(content, v)
	}
	if err != nil {
		return nil, f.explain(f.paths.data(v.Index()), err)
	}
	id := identity{index: v.Index(), capacity: int64(len(content))}
	c := &foreignCopy{version: v}
	c.data.dataFile = &dataFile{identity: id, memory: content, paths: f.paths, copied: true}
	c.data.hold, c.data.content = oneHold(v.Index()), content
	c.data.size.Store(v.Size())
	c.data.announced.Store(uint64(v))
	c.slot.word = new(atomic.Uint64)
	c.slot.places = newPlaces(&c.slot)
	return c, nil
}

func (c *foreignCopy) guard() Snapshot {
	c.slot.hold(c.version.Index())
	return c.slot.snapshot(&c.data)
}

// copy gives the bytes that v names, whatever they are by now.
func (f *foreign) copy(v Version) (content []byte, err error) {
	if v.Size() == 0 {
		return []byte{}, nil
	}
	d := &f.data[v.Index()]
	if int64(len(d.memory)) < v.Size() {
		if err := f.remap(d, v); err != nil {
			return nil, err
		}
	}
	err = checked(func() error { content = bytes.Clone(d.memory[:v.Size()]); return nil })
	return content, err
}

// remap maps the data file anew, which must belong to the owner of the state file.
func (f *foreign) remap(d *foreignData, v Version) error {
	file, err := f.sys.open(f.paths.data(v.Index()), mmap.ReadOnly)
	if err != nil {
		return err
	}
	defer file.close()
	if err := belongs(file, f.state.file.owner()); err != nil {
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

// verifyForeign says whether content is what mmap-sync has published as v.
func verifyForeign(content []byte, v Version) error {
	if got := uint32(foreignHash(content) & (1<<checksumBits - 1)); got != v.Checksum() {
		return formatReason(fmt.Sprintf("content checksum %#06x, the version word says %#06x: the file was damaged, or "+
			"is from a writer that does not use mmap-sync's own hash", got, v.Checksum()))
	}
	return nil
}

// explain names the file only: how it can be made anew is up to the program that wrote it.
func (f *foreign) explain(path string, err error) error {
	if reason, ok := refusal(err); ok {
		return &FormatError{Path: path, Reason: string(reason)}
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
