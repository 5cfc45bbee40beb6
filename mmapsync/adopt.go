package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/headgate/headgate/internal/base/mmap"
)

// lockAttempts bounds the races of several writers that start at once on a new path.
const lockAttempts = 16

// lockState takes the writer's lock, which is a byte of the state file. If there is no state file
// (fresh), it is a byte of the draft that will be renamed there. A lock belongs to a file and not
// to its name, so the name is looked up again: between open and lock it may have gone to another
// file.
func (w *Writer) lockState() (f file, fresh bool, err error) {
	for range lockAttempts {
		f, err = w.sys.open(w.paths.state(), mmap.ReadWrite)
		if err == nil {
			f, fresh, err = w.lockInPlace(f)
		} else if missing := errors.Is(err, fs.ErrNotExist); missing || w.mayReplace(nil) {
			f, err = w.createDraft(nil)
			fresh = true
		} else if w.repairs && notRegular(err) { // it was regular: another writer is repairing it
			err = nil
		}
		if f != nil || err != nil {
			return f, fresh, lockedError(w.paths, err)
		}
	}
	return nil, false, lockedError(w.paths, mmap.ErrLocked)
}

// notRegular reports whether a file could not be opened because it is not a regular file.
func notRegular(err error) bool {
	return errors.Is(err, mmap.ErrNotRegular) || errors.Is(err, syscall.ELOOP) ||
		errors.Is(err, syscall.EISDIR)
}

// lockInPlace locks f, the state file. If readers have locked it, as every process that may read it
// can, a Writer that repairs makes another one: only a writer's lock means that a writer lives.
func (w *Writer) lockInPlace(f file) (locked file, fresh bool, err error) {
	if err = f.lock(stateLockByte, 1); errors.Is(err, mmap.ErrLocked) && w.repairs &&
		f.readLocked(stateLockByte) {
		defer f.close()
		w.note(&FormatError{w.paths.state(), "somebody who only reads it has locked it"})
		locked, err = w.createDraft(f)
		return locked, true, err
	}
	locked, err = named(f, w.paths.state(), err)
	return locked, false, err
}

func lockedError(p paths, err error) error {
	if errors.Is(err, mmap.ErrLocked) {
		return fmt.Errorf("%w: %s (stop that writer, or give this one another path)", ErrLocked,
			p.state())
	}
	return err
}

// named returns f if it was locked without an error and name is still its name, and otherwise
// closes it. No file and no error means to look again.
func named(f file, name string, err error) (file, error) {
	if err == nil {
		var still bool
		if still, err = f.isAt(name); still {
			return f, nil
		}
	}
	f.close()
	return nil, err
}

// mayReplace reports whether what is at the state file's name, which is not locked, is to be
// replaced: it is not a regular file, or it is the very file that only readers have locked.
func (w *Writer) mayReplace(locked file) bool {
	if !w.repairs {
		return false
	}
	irregular, err := w.sys.irregular(w.paths.state())
	if err != nil || irregular || locked == nil {
		return irregular
	}
	still, err := locked.isAt(w.paths.state())
	return still && err == nil
}

// createDraft makes and locks the draft of a state file. A draft that exists and is not locked was
// left by a killed writer and is removed; if its maker lives and is only about to lock it, that one
// finds its name gone and starts again. With the draft locked no other writer can make a state
// file, so one last look is enough: there must be no state file, or one that is to be replaced.
func (w *Writer) createDraft(replaced file) (file, error) {
	draft := temporary(w.paths.state())
	f, err := w.sys.create(draft, stateSize, statePermissions)
	left := errors.Is(err, fs.ErrExist)
	if left {
		f, err = w.sys.open(draft, mmap.ReadWrite)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		if w.repairs && notRegular(err) {
			return nil, w.discardDraft(draft)
		}
		return nil, err
	}
	if f, err = named(f, draft, f.lock(stateLockByte, 1)); f == nil || err != nil {
		return nil, err
	}
	overtaken, err := w.sys.exists(w.paths.state())
	if overtaken = overtaken && !w.mayReplace(replaced); !left && !overtaken && err == nil {
		return f, nil
	}
	err = errors.Join(err, w.sys.remove(draft))
	f.close()
	return nil, err
}

// discardDraft removes what is at the draft's name if it is not a regular file. Another writer may
// be doing so, and may have made a draft since, which stays.
func (w *Writer) discardDraft(draft string) error {
	irregular, err := w.sys.irregular(draft)
	if irregular && err == nil {
		err = w.sys.discardIrregular(draft)
	}
	if still, looking := w.sys.irregular(draft); looking == nil && !still {
		return nil
	}
	return err
}

// bringIntoPlace renames the draft to the name of the state file.
func (w *Writer) bringIntoPlace() error {
	draft := temporary(w.paths.state())
	still, err := w.state.file.isAt(draft)
	if still && err == nil {
		if err = w.sys.rename(draft, w.paths.state()); err == nil {
			still, err = w.state.file.isAt(w.paths.state())
		}
	}
	if err == nil && !still {
		err = lockedError(w.paths, mmap.ErrLocked)
	}
	return err
}

// build makes all files of a path, with last in them unless it is nil; state is the locked draft of
// the state file. That is renamed last, so that a process that finds it finds all files; a writer
// killed before that leaves nothing that the next one would use. Generations continue from those of
// an earlier set, so that no reader can take a new file for one that it knows.
//
// build replaces what is at the names of the files; readers keep what they have mapped. A state
// file loses its name before anything else changes, so that no reader opens a mixture, and
// [Reader.Replaced] reports it. The file that will hold nothing is made first, since the memory of
// its predecessor may be needed for the other one.
func (w *Writer) build(state file, slots int, last *lastPublication) (err error) {
	if w.state, err = mapState(state, mmap.ReadWrite); err != nil {
		return errors.Join(err, state.close())
	}
	highest, err := w.makeWay()
	if err != nil {
		return err
	}
	w.generation = max(w.generation, highest)
	x := 1
	if last != nil {
		x = last.data.index
	}
	empty := func(d *dataFile) error { d.end(publication{}); return nil }
	if err := w.replaceFile(1-x, 0, empty); err != nil {
		return err
	}
	if last != nil {
		err = w.replaceFile(x, int64(last.size), last.copyTo)
	}
	if errors.Is(err, syscall.ENOSPC) { // better without the last publication than not at all
		last = nil
	}
	if last == nil {
		err = w.replaceFile(x, 0, empty)
	}
	if err != nil {
		return err
	}
	if last != nil {
		w.version, w.sequence = last.version(), last.sequence
		w.state.version.Store(uint64(w.version))
	}
	if err = w.buildRegistry(slots); err != nil {
		return err
	}
	return w.bringIntoPlace()
}

// buildRegistry makes a registry for the data files. It is complete before it has its name: after
// that readers can write to it.
func (w *Writer) buildRegistry(slots int) error {
	f, memory, err := install(w.sys, w.paths.registry(), registrySize(slots), registryPermissions,
		func(memory []byte) error {
			encodeRegistry(memory, slots)
			r := newRegistry(nil, memory, slots)
			for i := range r.generations {
				r.generations[i].Store(w.data[i].generation)
			}
			return nil
		})
	if err == nil {
		w.registry = newRegistry(f, memory, slots)
	}
	return err
}

// makeWay renames what a new set of files cannot be renamed over, and what an operator may want to
// look at, and returns the highest generation that was in use.
func (w *Writer) makeWay() (highest uint64, err error) {
	if !w.repairs {
		if err := w.sys.remove(w.paths.state()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		return highestGeneration(w.sys, w.paths)
	}
	if err := w.sys.setAside(w.paths.state()); err != nil {
		return 0, err
	}
	for _, path := range []string{w.paths.data(0), w.paths.data(1), w.paths.registry()} {
		irregular, err := w.sys.irregular(path)
		if irregular && err == nil {
			err = w.sys.setAside(path)
		}
		if err != nil {
			return 0, err
		}
	}
	if highest, err = highestGeneration(w.sys, w.paths); err != nil {
		return 0, err
	}
	return highest, w.sys.setAside(w.paths.registry())
}

// adopt takes over what the previous writer left, at whichever instruction it ended; f is the state
// file. The active data file must be sound. The inactive one may be half-written; if it is not a
// data file, it is replaced before it is used.
//
// Both files stay in use unless a slot is retired: only then can a reader have a hold that drain
// does not see. Then both are replaced, as the previous writer was about to do, or did.
//
// The generations are the files' own. The previous writer may have been killed between renaming a
// file, which is inactive then, and storing its generation; once this writer has filled it and made
// it active, readers must find it.
func (w *Writer) adopt(f file) (err error) {
	if err = belongs(f, w.sys.user()); err == nil {
		w.state, err = mapState(f, mmap.ReadWrite)
	}
	if err != nil {
		return explain(w.paths, w.paths.state(), err)
	}
	w.registry, err = openRegistry(w.sys, w.paths.registry(), w.sys.user())
	if err != nil {
		return explain(w.paths, w.paths.registry(), err)
	}
	if w.generation, err = highestGeneration(w.sys, w.paths); err != nil {
		return err
	}
	err = checked(func() error { w.version = Version(w.state.version.Load()); return nil })
	if err != nil {
		return explain(w.paths, w.paths.state(), err)
	}
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
		if err = checked(func() error { return d.verify(w.version) }); errors.Is(err,
			ErrNotHashed) {
			// the version announces only complete files; hashing takes seconds for each GiB
			err = nil
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

// abandoned reports whether the previous writer gave up on a reader that lives. It clears slots of
// dead readers on the way, as many as maxProbes allows.
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

// maxRegistryGeneration is the highest generation that is believed of a registry, which readers can
// write to: far above what replacements can reach, far below the end of the range.
const maxRegistryGeneration = 1 << 48

// highestGeneration returns the highest generation in the files of the path, 0 if there are none.
// Damaged files are ignored, but one that the system does not let us read is an error: if a
// generation were used twice, a reader could take a new file for one that it has mapped.
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
	mmap.Intact(func() { // a file that is truncated now is ignored, too
		for i := range r.generations {
			if g := r.generations[i].Load(); g <= maxRegistryGeneration {
				highest = max(highest, g)
			}
		}
	})
	return highest, r.close()
}
