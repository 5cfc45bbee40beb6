package hostdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/base/mmap"
)

// UntrustedError reports that a user who is not trusted owns a headgate directory, or could
// exchange it.
type UntrustedError struct {
	Path   string // of what that user owns or can write to
	Reason string
}

func (e *UntrustedError) Error() string { return e.Path + " " + e.Reason }

// Check returns an [*UntrustedError] if d must not be used, and an error that wraps fs.ErrNotExist
// if there is no d.
//
// Every directory from the root to d, every symbolic link on the way, and the files of d that
// proxies read must belong to one of the owners. In no directory may other users be able to
// exchange things: one that all users may write to, or the members of a group that is neither
// root's nor one of this process, must have the sticky bit, unless no other user can get to it. In
// d itself a group may write: the files there are checked one by one, and the proxies' group is
// trusted for availability.
func (d Dir) Check(owners Owners) error {
	if err := d.CheckParent(owners); err != nil {
		return err
	}
	path, real, err := d.resolve()
	if err != nil {
		return err
	}
	for _, p := range []string{path, real} {
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		if !owners.trust(info) {
			return ownerError(p, info)
		}
		if info.IsDir() && worldWritable(info) && !closed(real, owners) {
			return &UntrustedError{p, "can be written to by every user of this system (chmod o-w)"}
		}
	}
	return d.checkFiles(owners)
}

// CheckParent is Check for what is above d, which need not exist itself.
func (d Dir) CheckParent(owners Owners) error {
	path, err := filepath.Abs(string(d))
	if err != nil {
		return err
	}
	for _, above := range []string{filepath.Dir(path), resolved(filepath.Dir(path)),
		filepath.Dir(resolved(path))} {
		if err := walk(above, owners); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns d as an absolute path, and the same without symbolic links.
func (d Dir) resolve() (path, real string, err error) {
	if path, err = filepath.Abs(string(d)); err != nil {
		return "", "", err
	}
	real, err = filepath.EvalSymlinks(path)
	return path, real, err
}

// resolved returns path without symbolic links, or path if that is unknown, so that its check
// fails.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// walk checks a directory and all above it, from the root on.
func walk(path string, owners Owners) error {
	reachable := true
	for _, p := range ancestors(path) {
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		if !owners.trust(info) && !unmapped(info) {
			return ownerError(p, info)
		}
		if !info.IsDir() {
			continue // a link: what it leads to is checked as part of the resolved path
		}
		if who := canExchange(info); reachable && who != "" {
			return &UntrustedError{p, "can be written to by " + who +
				", who could exchange what is in it (chmod +t, or take the permission away)"}
		}
		reachable = reachable && enterable(info)
	}
	return nil
}

// ancestors returns an absolute path and all above it, the root first.
func ancestors(path string) []string {
	all := []string{path}
	for parent := filepath.Dir(path); parent != path; path, parent = parent, filepath.Dir(parent) {
		all = append(all, parent)
	}
	slices.Reverse(all)
	return all
}

// canExchange returns which users besides the owner can rename and remove other users' files in a
// directory; "" if none.
func canExchange(info os.FileInfo) string {
	switch group := mmap.Group(info); {
	case worldWritable(info):
		return "every user of this system"
	case info.Mode()&fs.ModeSticky == 0 && info.Mode()&0o030 == 0o030 && !ownGroup(group):
		return fmt.Sprintf("the members of group %d", group)
	}
	return ""
}

// worldWritable reports whether all users may exchange what is in a directory. A system without
// owners has no such bits.
func worldWritable(info os.FileInfo) bool {
	return mmap.Owner(info) >= 0 && info.Mode()&fs.ModeSticky == 0 && info.Mode()&0o003 == 0o003
}

// enterable reports whether users other than the owner and the peers of this process can enter a
// directory.
func enterable(info os.FileInfo) bool {
	return info.Mode()&0o001 != 0 || info.Mode()&0o010 != 0 && !ownGroup(mmap.Group(info))
}

// ownGroup reports whether a group is root's or one of this process: its members are peers.
func ownGroup(group int) bool { return group <= 0 || InGroup(group) }

// InGroup reports whether this process is in a group.
func InGroup(group int) bool {
	groups, err := os.Getgroups()
	return group == os.Getegid() || err == nil && slices.Contains(groups, group)
}

// closed reports whether no other user can get to a directory, because of one above it.
func closed(path string, owners Owners) bool {
	return slices.ContainsFunc(ancestors(filepath.Dir(path)), func(p string) bool {
		info, err := os.Lstat(p)
		return err == nil && owners.trust(info) && !enterable(info)
	})
}

// checkFiles checks the owners of what proxies read and the daemon takes over. Missing files are
// skipped.
func (d Dir) checkFiles(owners Owners) error {
	for _, path := range []string{d.Lock(), d.Features() + "_state", d.Policy() + "_state",
		d.Limits(), d.Events()} {
		info, err := os.Lstat(path)
		if err == nil && !owners.trust(info) {
			return ownerError(path, info)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func ownerError(path string, info os.FileInfo) error {
	return &UntrustedError{path,
		fmt.Sprintf("belongs to user %s, "+
			"who is neither root nor the user of this process (%s) nor named as its owner",
			describe(mmap.Owner(info)), describe(os.Geteuid()))}
}

// overflow is the id that the system shows for a user who does not exist in a process's user
// namespace.
const overflow = 65534

// unmapped reports whether a directory belongs to a user from outside of this process's user
// namespace, as the root directory of an unprivileged container may: no process inside can act as
// that user.
func unmapped(info os.FileInfo) bool {
	if mmap.Owner(info) != overflow {
		return false
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var inside, outside, count int64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err != nil ||
			overflow >= inside && overflow-inside < count {
			return false
		}
	}
	return true
}
