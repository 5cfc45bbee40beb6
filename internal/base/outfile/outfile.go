// Package outfile writes result files: a file appears under its name only when it is complete.
//
// What it promises:
//
//   - when a process is killed, its incomplete file disappears (on Linux, on file systems with
//     unnamed files; elsewhere a hidden file may remain beside the result);
//   - a file can be read by no more users than its source and the file that it replaces;
//   - a FIFO or a device is written to and not replaced; a symbolic link is kept, and its target is
//     replaced.
package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is an incomplete file. It must be ended by Commit or Discard.
type File struct {
	*os.File
	name    string // final name; empty: a FIFO or device, written directly
	unnamed bool   // whether the file has no name yet
}

// Create starts a file that appears as name. source describes the file that it is made from, or is
// nil; name must not be that file. Opening a FIFO waits for its reader until ctx is done.
func Create(ctx context.Context, name string, source fs.FileInfo) (*File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(name, maxPerm(source))
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory; name a file in it", name)
	case source != nil && os.SameFile(info, source):
		return nil, fmt.Errorf("%s is the file that is read; name another", name)
	case !info.Mode().IsRegular():
		return open(ctx, name)
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, err
	}
	return create(target, maxPerm(source)&info.Mode().Perm())
}

// maxPerm returns the most permissions that a file may have.
func maxPerm(source fs.FileInfo) fs.FileMode {
	if source == nil || !source.Mode().IsRegular() {
		return 0o666
	}
	return source.Mode().Perm() & 0o666
}

// create makes a file with at most the permissions perm, reduced by the umask.
func create(name string, perm fs.FileMode) (*File, error) {
	f, err := newUnnamed(filepath.Dir(name))
	unnamed := err == nil
	if errors.Is(err, errors.ErrUnsupported) {
		f, err = os.OpenFile(hidden(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no directory %s; make it, or name another", filepath.Dir(name))
	}
	if err != nil {
		return nil, err
	}
	file := &File{f, name, unnamed}
	info, err := f.Stat()
	if err == nil {
		err = f.Chmod(info.Mode().Perm() & perm)
	}
	if err != nil {
		file.Discard()
		return nil, err
	}
	return file, nil
}

// hidden returns an unused name in the same directory.
func hidden(name string) string {
	dir, base := filepath.Split(name)
	for n := os.Getpid(); ; n++ {
		path := filepath.Join(dir, fmt.Sprintf(".%s.%d", base, n))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
}

// open opens a FIFO or device.
func open(ctx context.Context, name string) (*File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	result := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		result <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-result:
		return &File{File: r.f}, r.err
	}
}

// Commit completes the file. After an error nothing is left of it.
func (f *File) Commit() error {
	if f.name == "" {
		return f.Close()
	}
	path := f.Name()
	if f.unnamed {
		path = hidden(f.name)
		if err := nameIt(f.File, path); err != nil {
			f.Discard()
			return err
		}
	}
	err := f.Close()
	if err == nil {
		err = os.Rename(path, f.name)
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

// Discard removes the file. Data written to a FIFO or device stays written.
func (f *File) Discard() {
	f.Close()
	if f.name != "" && !f.unnamed {
		os.Remove(f.Name())
	}
}
