package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/internal/mmap"
)

// marker is the content of the lock file, by which a headgate directory is known.
const marker = "headgate directory, format 1\n"

// directory is a headgate directory that this process owns.
type directory struct {
	hostdir.Dir
	lock *os.File
}

// openDirectory takes a headgate directory over, or makes one in a place that does not exist or is empty.
func openDirectory(path string) (*directory, error) {
	d := &directory{Dir: hostdir.Dir(path)}
	if err := d.prepare(path); err != nil {
		return nil, err
	}
	lock, err := mmap.OpenRegular(d.Lock(), mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	if err := d.own(lock); err != nil {
		lock.Close()
		return nil, err
	}
	d.lock = lock
	return d, os.MkdirAll(d.Events(), 0o770)
}

// prepare makes sure that path is a directory and, by its marker, ours.
func (d *directory) prepare(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = os.Mkdir(path, 0o750)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: there is no directory %s to make it in; name another with --dir", path, filepath.Dir(path))
		}
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is no directory; name another with --dir", path)
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(d.Lock()); err == nil {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == filepath.Base(d.Lock()) }) {
		return nil // another daemon has marked it meanwhile, and may have made more since
	}
	for _, entry := range entries {
		if !d.isDraft(entry.Name()) {
			return fmt.Errorf("%s is not empty and no headgate directory; name an empty or a new one with --dir", path)
		}
	}
	return d.mark()
}

// A draft is a marker in the making. One that is left was left by a daemon that was killed, or belongs to one that is
// starting now.
func (d *directory) draftPrefix() string { return filepath.Base(d.Lock()) + "." }

func (d *directory) isDraft(name string) bool { return strings.HasPrefix(name, d.draftPrefix()) }

// mark makes the marker whole or not at all. One that another daemon made meanwhile stays: the lock decides whose
// directory it is.
func (d *directory) mark() error {
	draft, err := os.CreateTemp(string(d.Dir), d.draftPrefix()+"*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(marker)
	if err == nil {
		err = draft.Chmod(0o640)
	}
	if cerr := draft.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(draft.Name(), d.Lock())
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// own checks the marker and takes the lock.
func (d *directory) own(lock *os.File) error {
	found := make([]byte, len(marker)+1)
	n, _ := lock.ReadAt(found, 0)
	if !bytes.Equal(found[:n], []byte(marker)) {
		return fmt.Errorf("%s is not of this headgate: its content is %.40q; name another directory with --dir", lock.Name(), found[:n])
	}
	err := mmap.LockByte(lock, 0)
	if errors.Is(err, mmap.ErrLocked) {
		return fmt.Errorf("%s: another headgate run owns this directory; stop it or name another with --dir", d.Dir)
	}
	return err
}

func (d *directory) close() error { return d.lock.Close() }
