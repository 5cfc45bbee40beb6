package outfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newUnnamed makes a file without a name in dir, which disappears when no process has it open.
func newUnnamed(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o666)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, errors.ErrUnsupported
	}
	return f, err
}

// nameIt links the file to a name, which must be unused.
func nameIt(f *os.File, path string) error {
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.PathError{Op: "link", Path: path, Err: err}
	}
	return nil
}
