package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// marker is the content of the lock file, which identifies a headgate directory.
const marker = "headgate directory, format 1\n"

// directory is a headgate directory that this process owns.
type directory struct {
	hostdir.Dir
	lock *os.File
	info fs.FileInfo // of the directory when it was taken over

	repaired []repair // damaged parts that were made again at the takeover
}

// repair is a damaged part of the directory and what was wrong with it.
type repair struct {
	set  fileSet
	path string
	why  error
}

// Modes of the directories. New files in them inherit their group, so that a proxy can read the
// daemon's files, and the daemon can read the rings of proxies of another main group. No proxy can
// remove another's ring.
const (
	lockMode   = 0o600 // a reader could lock it
	dirMode    = 0o750 | fs.ModeSetgid
	eventsMode = 0o770 | fs.ModeSetgid | fs.ModeSticky
)

// openDirectory takes over a headgate directory, or makes one at a path that does not exist or is
// empty. known is the directory that this daemon owned until its marker was lost, or nil: it needs
// no marker.
func openDirectory(config Config, known fs.FileInfo) (*directory, error) {
	dir, err := findDirectory(config)
	if err != nil {
		return nil, err
	}
	d := &directory{Dir: dir, info: known}
	if err := d.prepare(string(dir)); err != nil {
		return nil, err
	}
	lock, err := mmap.OpenRegular(d.Lock(), mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	if err = d.own(lock); err == nil {
		lock.Chmod(lockMode) // earlier releases let the group read it
		err = d.open(config.DirGroup)
	}
	if err == nil {
		d.info, err = os.Stat(string(dir))
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	d.lock = lock
	return d, nil
}

// findDirectory returns the directory to take over or to make. It rejects a directory that another
// user owns or could replace: its files decide what every proxy of the host refuses.
func findDirectory(config Config) (hostdir.Dir, error) {
	owners, err := hostdir.NewOwners(config.DirOwner)
	if err != nil {
		return "", err
	}
	dir, err := hostdir.Place{Path: config.Dir, Owners: owners}.Find()
	if errors.Is(err, fs.ErrNotExist) {
		err = dir.CheckParent(owners)
	}
	var untrusted *hostdir.UntrustedError
	switch {
	case errors.As(err, &untrusted):
		return "", fmt.Errorf("%s: not used, since %w; remove it, name another directory with --dir, or trust its owner with --dir-owner", dir, err)
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return dir, nil // prepare returns what is wrong
	}
	return dir, err
}

// open sets group and permissions of the directory and its content, independent of the umask.
func (d *directory) open(group string) error {
	if err := setGroup(string(d.Dir), group); err != nil {
		return err
	}
	if err := setMode(string(d.Dir), dirMode); err != nil {
		return err
	}
	if err := d.makeEvents(); err != nil {
		return err
	}
	if err := d.adopt(); err != nil {
		return err
	}
	return setMode(d.Events(), eventsMode)
}

// prepare makes sure that path is a directory with our marker.
func (d *directory) prepare(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = os.Mkdir(path, 0o700)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: there is no directory %s to make it in; name another with --dir", path, filepath.Dir(path))
		}
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is not a directory; name another with --dir", path)
	}
	if err != nil {
		return err
	}
	wrong := d.checkMarker()
	if wrong == nil {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	missing := errors.Is(wrong, fs.ErrNotExist)
	var damaged *markerError
	if missing && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == filepath.Base(d.Lock()) }) {
		return nil // another daemon has marked it meanwhile, and may have made more files
	}
	ours := d.info != nil && os.SameFile(info, d.info) || isOurs(entries)
	switch {
	case missing && !ours && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !d.isDraft(e.Name()) }):
		return fmt.Errorf("%s is not empty and not a headgate directory; name an empty or a new one with --dir", path)
	case missing && len(entries) == 0:
	case missing:
		d.repaired = append(d.repaired, repair{markerFile, d.Lock(), errors.New("it was missing")})
	case !ours || !errors.As(wrong, &damaged):
		return wrong
	default:
		d.repaired = append(d.repaired, repair{markerFile, d.Lock(), errors.New(damaged.reason)})
		if err := mmap.SetAside(d.Lock()); err != nil {
			return err
		}
	}
	return d.mark()
}

// draftPrefix returns the prefix of drafts: incomplete markers. An old one was left by a killed
// daemon, or belongs to one that is starting now.
func (d *directory) draftPrefix() string { return filepath.Base(d.Lock()) + "." }

func (d *directory) isDraft(name string) bool { return strings.HasPrefix(name, d.draftPrefix()) }

// mark makes the marker atomically. It keeps a marker that another daemon made meanwhile: the lock
// decides who owns the directory.
func (d *directory) mark() error {
	draft, err := os.CreateTemp(string(d.Dir), d.draftPrefix()+"*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(marker)
	if err == nil {
		err = draft.Chmod(lockMode)
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

// own takes the lock.
func (d *directory) own(lock *os.File) error {
	err := mmap.LockByte(lock, 0)
	if errors.Is(err, mmap.ErrLocked) {
		return fmt.Errorf("%s: another headgate run owns this directory; stop it or name another with --dir", d.Dir)
	}
	return err
}

// keep restores parts of the directory that were removed since the takeover, by the rules of a
// start, and returns them. An error means that the directory does not belong to this daemon now:
// nothing may be written there by name.
func (d *directory) keep(config Config) (remade []fileSet, err error) {
	if !d.marked() {
		again, err := openDirectory(config, d.info)
		if err != nil {
			return nil, err
		}
		if os.SameFile(again.info, d.info) {
			remade = append(remade, markerFile)
		} else {
			remade = append(remade, wholeDirectory)
		}
		d.lock.Close()
		d.lock, d.info = again.lock, again.info
		return remade, nil
	}
	if info, err := os.Stat(d.Events()); err == nil && info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil // other damage is reported as trouble of the rings
	}
	if err := d.open(config.DirGroup); err != nil {
		return nil, err
	}
	return []fileSet{eventsDirectory}, nil
}

// marked reports whether the marker is still the file that this daemon has locked.
func (d *directory) marked() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(d.Lock())
	return err == nil && os.SameFile(named, held)
}

func (d *directory) close() error { return d.lock.Close() }
