package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// permissions are those of the files that other processes open. Each file is created with them by
// its own package; an existing file may have another group, from before the directory got its
// current one.
var permissions = []struct {
	name string
	mode fs.FileMode
}{
	{"headgate.lock", lockMode},
	{"features_state", 0o640}, {"features_data_0", 0o640}, {"features_data_1", 0o640}, {"features_readers", 0o660},
	{"policy_state", 0o640}, {"policy_data_0", 0o640}, {"policy_data_1", 0o640}, {"policy_readers", 0o660},
	{"limits", 0o660},
}

// adopt changes existing files to the directory's group, if new files inherit that group.
func (d *directory) adopt() error {
	dir, err := os.Stat(string(d.Dir))
	if err != nil || dir.Mode()&fs.ModeSetgid == 0 {
		return err
	}
	root, err := os.OpenRoot(string(d.Dir))
	if err != nil {
		return err
	}
	defer root.Close()
	if err := adopt(root, "events", mmap.Group(dir), 0); err != nil {
		return err
	}
	for _, file := range permissions {
		if err := adopt(root, file.name, mmap.Group(dir), file.mode); err != nil {
			return err
		}
	}
	return nil
}

// adopt changes the group of one of our files or directories. It ignores a group that this user is
// not in, and a file of another user: opening the file reports what is wrong.
func adopt(root *os.Root, name string, group int, mode fs.FileMode) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || mmap.Owner(info) != os.Geteuid() || info.Mode()&fs.ModeSymlink != 0 {
		return err
	}
	if mmap.Group(info) != group {
		if err := root.Lchown(name, -1, group); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if !info.Mode().IsRegular() || info.Mode() == mode {
		return nil
	}
	return root.Chmod(name, mode)
}

// setMode sets the permissions of a directory of this user. The set-group-ID bit would be lost if
// he is not in the directory's group, so such a directory stays unchanged.
func setMode(path string, mode fs.FileMode) error {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() && info.Mode()&fs.ModeSymlink == 0 {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a directory")}
	}
	if err != nil || info.Mode() == fs.ModeDir|mode || mmap.Owner(info) != os.Geteuid() {
		return err
	}
	if info.Mode()&fs.ModeSetgid != 0 && os.Geteuid() != 0 && !hostdir.InGroup(mmap.Group(info)) {
		return nil
	}
	return os.Chmod(path, mode)
}

// keepModes restores permissions of the directories that were changed, and reports that once:
// meanwhile proxies could not make rings there, or others could.
func (d *directory) keepModes() error {
	var errs []error
	for _, own := range []struct {
		path string
		mode fs.FileMode
	}{{string(d.Dir), dirMode}, {d.Events(), eventsMode}} {
		path := own.path
		before, err := os.Lstat(path)
		if err == nil {
			err = setMode(path, own.mode)
		}
		after, _ := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // reading there reports it
		case err != nil:
			errs = append(errs, err)
		case after != nil && after.Mode() != before.Mode():
			errs = append(errs, fmt.Errorf("the permissions of %s were changed to %v, they are %v again", path, before.Mode(), after.Mode()))
		}
	}
	return errors.Join(errs...)
}

// setGroup sets the group of a directory by name, if one is given.
func setGroup(path, group string) error {
	if group == "" {
		return nil
	}
	number, err := strconv.ParseUint(group, 10, 31)
	if err != nil {
		g, lookup := user.LookupGroup(group)
		if lookup != nil {
			return fmt.Errorf("directory group %q: no such group (give --dir-group a name or a number of this system)", group)
		}
		if number, err = strconv.ParseUint(g.Gid, 10, 31); err != nil {
			return fmt.Errorf("directory group %q: its number is %q, want a group of a Unix system", group, g.Gid)
		}
	}
	if err := os.Lchown(path, -1, int(number)); err != nil {
		return fmt.Errorf("giving the directory to group %s: %w (run the daemon as a member of it, or as root)", group, err)
	}
	return nil
}
