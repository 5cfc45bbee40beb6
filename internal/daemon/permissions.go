package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/internal/mmap"
)

// permissions are those of the files in a directory that others than the daemon open. Each of them is made with these
// permissions, by the package that it is of; one that is in place may have another group, from before the directory was
// given to its present one.
var permissions = []struct {
	name string
	mode fs.FileMode
}{
	{"headgate.lock", lockMode},
	{"features_state", 0o640}, {"features_data_0", 0o640}, {"features_data_1", 0o640}, {"features_readers", 0o660},
	{"policy_state", 0o640}, {"policy_data_0", 0o640}, {"policy_data_1", 0o640}, {"policy_readers", 0o660},
	{"limits", 0o660},
}

// adopt gives what is in place to the directory's group, where the directory does so with what is made in it.
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

// adopt gives one of our files or directories to a group. Where that is none of this user's, and where the file is
// somebody else's, what opens the file says what is wrong.
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

// setMode sets the permissions of a directory of this user. The set-group-ID bit of one whose group he is not in would
// be lost, so that such a directory stays as it is.
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

// keepModes sets the permissions of the directories again where somebody has changed them, and says so once: meanwhile
// proxies could make no rings there, or others could.
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
		case errors.Is(err, fs.ErrNotExist): // whoever reads there says so
		case err != nil:
			errs = append(errs, err)
		case after != nil && after.Mode() != before.Mode():
			errs = append(errs, fmt.Errorf("somebody changed the permissions of %s to %v, they are %v again", path, before.Mode(), after.Mode()))
		}
	}
	return errors.Join(errs...)
}

// giveTo gives a directory to a named group, if any.
func giveTo(path, group string) error {
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
