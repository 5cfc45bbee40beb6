// Package opfile reads files that an operator names: policies, models, tables.
//
// What it promises:
//
//   - opening and reading never wait: a FIFO, a device, a socket or a directory is an error;
//   - at most a given number of bytes is read, whatever size the file reports;
//   - symbolic links are followed, since mounted configuration consists of them.
//
// Files that others could have put there are opened with package mmap, which follows no link.
package opfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Read returns the content of the regular file at path, which must have at most limit bytes. The
// error is one line and names the path.
func Read(path string, limit int64) ([]byte, error) {
	f, info, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > limit {
		return nil, tooLarge(path, info.Size(), limit)
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, reason(err))
	}
	if int64(len(content)) > limit { // the file has grown, or its size is unknown
		return nil, tooLarge(path, int64(len(content)), limit)
	}
	return content, nil
}

// Open opens the regular file at path for reading.
func Open(path string) (*os.File, fs.FileInfo, error) {
	// The type is checked before opening, because opening a device may have effects, and again
	// after it, because the file may have been replaced in between.
	info, err := os.Stat(path)
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return nil, nil, named(path, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, nil, named(path, err)
	}
	if info, err = f.Stat(); err == nil {
		err = regular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, nil, named(path, err)
	}
	return f, info, nil
}

// typeError reports that something other than a regular file is at a path.
type typeError struct {
	path string
	kind string
}

func (e *typeError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file; name a regular file", e.path, e.kind)
}

func regular(path string, info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return &typeError{path, "a directory"}
	case mode&fs.ModeNamedPipe != 0:
		return &typeError{path, "a named pipe"}
	case mode&fs.ModeSocket != 0:
		return &typeError{path, "a socket"}
	case mode&fs.ModeDevice != 0:
		return &typeError{path, "a device"}
	}
	return &typeError{path, "a special file"}
}

// named adds the path and what to do to the system's error.
func named(path string, err error) error {
	var kind *typeError
	switch {
	case errors.As(err, &kind):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w; make it or name another file", path, reason(err))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w; let this process's user read it, and enter the directories above it", path, reason(err))
	}
	return fmt.Errorf("%s: %w", path, reason(err))
}

// reason returns the system's error without operation and path, which the message already has.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func tooLarge(path string, size, limit int64) error {
	return fmt.Errorf("%s has %d bytes or more; at most %d are read", path, size, limit)
}
