// Package outfile writes files of results: one appears under its name when it is complete, and not before.
//
// What it promises:
//
//   - where a process is killed, what it has written so far is gone with it (on Linux, on file systems that have unnamed
//     files; elsewhere a hidden file beside the result may be left);
//   - a file is for no more readers than what it was made from, and than the file that it replaces;
//   - a FIFO or a device is written to and stays what it is; a symbolic link stays, and the file behind it is replaced.
package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file in the making. It must be ended by Commit or Discard.
type File struct {
	*os.File
	name    string // under which it appears; empty: it has its name
	unnamed bool   // the file has no name yet
}

// Create begins a file that appears as name. source describes what it is made from, nil where that is not a file: it must not
// be the same file. Opening a FIFO waits for its reader, until ctx is done.
func Create(ctx context.Context, name string, source fs.FileInfo) (*File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(name, permOf(source))
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
	return create(target, permOf(source)&info.Mode().Perm())
}

// permOf are the permissions that a file may have at most.
func permOf(source fs.FileInfo) fs.FileMode {
	if source == nil || !source.Mode().IsRegular() {
		return 0o666
	}
	return source.Mode().Perm() & 0o666
}

// create makes a file with at most the permissions perm, and the umask taken off.
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

// hidden is a name beside another one that is not in use.
func hidden(name string) string {
	dir, base := filepath.Split(name)
	for n := os.Getpid(); ; n++ {
		path := filepath.Join(dir, fmt.Sprintf(".%s.%d", base, n))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
}

// open opens what is not a regular file.
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

// Discard gives up the file. What was written to a FIFO or device stays written.
func (f *File) Discard() {
	f.Close()
	if f.name != "" && !f.unnamed {
		os.Remove(f.Name())
	}
}
