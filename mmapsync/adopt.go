package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/headgate/headgate/internal/mmap"
)

// lockAttempts bounds the races of several writers that start at once on a new path.
const lockAttempts = 16

// lockState takes the writer's lock, which is a byte of the state file in place or, on a new path (fresh), of the
// draft that will be renamed there. A lock belongs to a file and not to its name, hence the second look at the name:
// between open and lock it may have gone to another file.
func lockState(sys system, p paths) (f file, fresh bool, err error) {
	for range lockAttempts {
		f, err = sys.open(p.state(), mmap.ReadWrite)
		if fresh = errors.Is(err, fs.ErrNotExist); fresh {
			f, err = createDraft(sys, p)
		} else if err == nil {
			f, err = lockNamed(f, p.state())
		}
		if f != nil || err != nil {
			return f, fresh, lockedError(p, err)
		}
	}
	return nil, false, lockedError(p, mmap.ErrLocked)
}

func lockedError(p paths, err error) error {
	if errors.Is(err, mmap.ErrLocked) {
		return fmt.Errorf("%w: %s (stop that writer, or give this one another path)", ErrLocked, p.state())
	}
	return err
}

// lockNamed locks f if name still means it, and otherwise closes it. No file and no error means to look again.
func lockNamed(f file, name string) (file, error) {
	err := f.lock(stateLockByte)
	if err == nil {
		var still bool
		if still, err = f.isAt(name); still {
			return f, nil
		}
	}
	f.close()
	return nil, err
}

// createDraft makes and locks the draft of a state file. A draft that is there already and not locked was left by a
// killed writer and is removed; should its maker be alive and only about to lock it, that one finds its name gone and
// starts again. With the draft locked nobody else can bring a state file into place, so the last look settles it.
func createDraft(sys system, p paths) (file, error) {
	draft := temporary(p.state())
	f, err := sys.create(draft, stateSize, statePermissions)
	left := errors.Is(err, fs.ErrExist)
	if left {
		f, err = sys.open(draft, mmap.ReadWrite)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if f, err = lockNamed(f, draft); f == nil || err != nil {
		return nil, err
	}
	overtaken, err := sys.exists(p.state())
	if !left && !overtaken && err == nil {
		return f, nil
	}
	err = errors.Join(err, sys.remove(draft))
	f.close()
	return nil, err
}

// build makes the files of a new path. The state file gets its name last, so that whoever finds it finds all of them;
// a writer killed before that leaves nothing that the next one would use. Generations go on from what an earlier set
// left, so that no reader can take a new file for one that it knows.
func (w *Writer) build(slots int) (err error) {
	highest, err := highestGeneration(w.sys, w.paths)
	if err != nil {
		return err
	}
	w.generation = max(w.generation, highest)
	first := w.generation + 1
	f, memory, err := install(w.sys, w.paths.registry(), registrySize(slots), registryPermissions, func(memory []byte) error {
		return checked(func() error { // readers can write to it even now
			encodeRegistry(memory, slots)
			r := newRegistry(nil, memory, slots)
			r.generations[0].Store(first)
			r.generations[1].Store(first + 1)
			return nil
		})
	})
	if err != nil {
		return err
	}
	w.registry = newRegistry(f, memory, slots)
	for i := range w.data {
		if err := w.replaceFile(i, 0, func(d *dataFile) error { d.end(publication{}); return nil }); err != nil {
			return err
		}
	}
	return w.sys.rename(temporary(w.paths.state()), w.paths.state())
}

// adopt takes over what a former writer left, at whatever instruction it ended. The active data file must be sound.
// The inactive one may be anything, half-written above all; where it is no data file it is replaced before it is used.
//
// Both files stay in use unless a slot is retired, which is the only way in which a reader can have a hold that drain does not
// see. Then both are replaced, as the former writer was about to do, or did: that is not known.
//
// The generations are the files' own. The former writer may have been killed between renaming a file, which is inactive
// then, and storing its generation; once this writer has filled it and made it active, readers must find it.
func (w *Writer) adopt() (err error) {
	w.registry, err = openRegistry(w.sys, w.paths.registry(), w.sys.user())
	if err != nil {
		return explain(w.paths, w.paths.registry(), err)
	}
	if w.generation, err = highestGeneration(w.sys, w.paths); err != nil {
		return err
	}
	w.version = Version(w.state.version.Load())
	for i := range w.data {
		if err := w.adoptData(i); err != nil {
			return explain(w.paths, w.paths.data(i), err)
		}
	}
	abandoned := false
	if err := checked(func() error { abandoned = w.abandoned(); return nil }); err != nil {
		return explain(w.paths, w.paths.registry(), err)
	}
	w.replace = [2]bool{abandoned, abandoned}
	return nil
}

// adoptData takes over data file i. One that is not active may be damaged or missing.
func (w *Writer) adoptData(i int) error {
	active := w.version != 0 && w.version.Index() == i
	d, err := openData(w.sys, w.paths.data(i), i, w.sys.user(), mmap.ReadWrite)
	if err == nil && active {
		if err = checked(func() error { return d.verify(w.version) }); errors.Is(err, ErrNotHashed) {
			err = nil // it was complete, or the version would not announce it; hashing would take seconds for each GiB
		}
		if err != nil {
			d.unmap()
		}
	}
	if err != nil {
		if _, damaged := refusal(err); damaged && !active {
			return nil
		}
		return err
	}
	w.data[i] = d
	if active {
		d.content = d.publication()
		w.sequence = d.content.sequence
	}
	d.unknown = !active
	return checked(func() error { w.registry.generations[i].Store(d.generation); return nil })
}

// abandoned says whether the former writer gave up on a reader that lives. Slots of dead readers are cleared on the way, as
// many as one look may.
func (w *Writer) abandoned() bool {
	probes := 0
	for k := range w.registry.scanned() {
		if !slotWord(w.registry.word(k).Load()).retired() {
			continue
		}
		if probes++; probes > maxProbes || !w.registry.clearIfDead(k) {
			return true
		}
	}
	return false
}

// maxRegistryGeneration is the highest generation believed of a registry, which readers can write to: far above what
// replacements can reach, far below the end of the range.
const maxRegistryGeneration = 1 << 48

// highestGeneration is the highest generation that the files in place know of, 0 where there are none. Files that are
// damaged count for nothing, but one that the system does not let us read is an error: a generation used twice would
// let a reader take a new file for one that it has mapped.
func highestGeneration(sys system, p paths) (highest uint64, err error) {
	for i := range 2 {
		d, err := openData(sys, p.data(i), i, sys.user(), mmap.ReadOnly)
		if err == nil {
			highest = max(highest, d.generation)
			d.unmap()
		} else if _, damaged := refusal(err); !damaged {
			return 0, err
		}
	}
	r, err := openRegistry(sys, p.registry(), sys.user())
	if err != nil {
		if _, damaged := refusal(err); damaged {
			err = nil
		}
		return highest, err
	}
	mmap.Intact(func() { // one that is cut short now counts for nothing, like one that was cut short before
		for i := range r.generations {
			if g := r.generations[i].Load(); g <= maxRegistryGeneration {
				highest = max(highest, g)
			}
		}
	})
	return highest, r.close()
}
