package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/headgate/headgate/internal/mmap"
)

// ready gives the index of a data file that may be filled. It is where the writer reads what readers can write, and
// where it finds out that somebody has cut the registry short: then it makes a new set of files and goes on there.
func (w *Writer) ready() (x int, err error) {
	x = w.inactive()
	if !w.lost && mmap.Intact(func() { w.registry.touchEnd(); w.drain(x) }) {
		return x, nil
	}
	w.lost = true
	if err := w.rebuild(); err != nil {
		return 0, fmt.Errorf("mmapsync: the registry was truncated, and making the files anew failed: %w", err)
	}
	w.lost = false
	return w.inactive(), nil
}

// rebuild leaves the files in place to the readers that have them mapped, and makes new ones, at first without a
// publication. The old state file loses its name before anything else changes, so that nobody opens a mixture, and
// [Reader.Replaced] says so. The lock of the draft keeps other writers out meanwhile.
func (w *Writer) rebuild() error {
	draft := temporary(w.paths.state())
	if err := w.sys.remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := w.sys.create(draft, stateSize, statePermissions)
	if err != nil {
		return err
	}
	fresh := &Writer{sys: w.sys, paths: w.paths, generation: w.generation}
	if err = f.lock(stateLockByte); err == nil {
		fresh.state, err = mapState(f, mmap.ReadWrite)
	}
	if err != nil {
		f.close()
		return errors.Join(err, w.sys.remove(draft))
	}
	if err = w.sys.remove(w.paths.state()); err == nil || errors.Is(err, fs.ErrNotExist) {
		err = fresh.build(w.registry.slots)
	}
	w.generation = fresh.generation
	if err != nil {
		return errors.Join(err, w.sys.remove(draft), fresh.release())
	}
	w.release()
	w.state, w.registry, w.data = fresh.state, fresh.registry, fresh.data
	w.replace, w.version, w.stuck = [2]bool{}, 0, [2]uint32{}
	return nil
}
