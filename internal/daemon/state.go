package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/internal/mmap"
)

// state is the directory that checkpoints are kept in: the headgate directory itself, or one on a disk, which this process
// holds a lock in.
type state struct {
	hostdir.Dir
	lock *os.File // nil: the headgate directory's lock does
}

// openState takes over the directory of config, or makes it. Where none is named, the state of a named headgate directory
// stays in that, so that two daemons never share a checkpoint, and that of the default one goes to hostdir.State, if that
// can be used.
func openState(config Config, shared hostdir.Dir) (*state, error) {
	owners, err := hostdir.NewOwners(config.DirOwner)
	if err != nil {
		return nil, err
	}
	if config.State != "" {
		return takeState(hostdir.Dir(config.State), shared, owners)
	}
	if config.Dir == "" {
		s, err := takeState(hostdir.State, shared, owners)
		if err == nil || !isUnusable(err) {
			return s, err
		}
		config.Log.Info("headgate: checkpoints are kept in the shared directory, which a reboot empties; name another with --state-dir", "why", err)
	}
	return &state{Dir: shared}, nil
}

// isUnusable reports whether a directory is not there, or not for this process to use.
func isUnusable(err error) bool {
	var untrusted *hostdir.UntrustedError
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS) || errors.As(err, &untrusted)
}

func takeState(dir, shared hostdir.Dir, owners hostdir.Owners) (*state, error) {
	err := os.Mkdir(string(dir), 0o700)
	if err == nil {
		err = os.Chmod(string(dir), 0o700) // whatever the umask
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("state: there is no directory %s to make %s in; name another with --state-dir: %w",
				filepath.Dir(string(dir)), filepath.Base(string(dir)), err)
		}
		return nil, fmt.Errorf("state: %w; name another directory with --state-dir", err)
	}
	info, err := os.Stat(string(dir))
	if err != nil {
		return nil, fmt.Errorf("state: %w; name another directory with --state-dir", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("state: %s is no directory; name another with --state-dir", dir)
	}
	if other, err := os.Stat(string(shared)); err == nil && os.SameFile(info, other) {
		return &state{Dir: dir}, nil
	}
	if err := dir.Check(owners); err != nil {
		return nil, fmt.Errorf("state: %w; name another directory with --state-dir", err)
	}
	s := &state{Dir: dir}
	if err := s.own(); err != nil {
		return nil, err
	}
	return s, nil
}

// own takes the lock.
func (s *state) own() error {
	f, err := os.OpenFile(s.StateLock(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		f, err = mmap.OpenRegular(s.StateLock(), mmap.ReadWrite)
	}
	if err != nil {
		return fmt.Errorf("state: %w; name another directory with --state-dir", err)
	}
	if err := mmap.LockByte(f, 0); err != nil {
		f.Close()
		if errors.Is(err, mmap.ErrLocked) {
			return fmt.Errorf("state: %s: another headgate run keeps its state in this directory; stop it or name another with --state-dir", s.Dir)
		}
		return fmt.Errorf("state: locking %s: %w", s.StateLock(), err)
	}
	s.lock = f
	return nil
}

func (s *state) close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// seed returns that of the keys' hash: the one that the last checkpoint has, whose keys are taken up, or a new one; 0: there is
// no checkpoint, and the table's own is kept.
func (d *Daemon) seed() (uint64, error) {
	if !d.config.NewSeed {
		return d.restore(), nil
	}
	for _, path := range []string{d.state.Checkpoint(), d.state.Checkpoint() + ".old"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("state: forgetting what was known under the seed before: %w", err)
		}
	}
	seed, err := featurestore.NewSeed()
	if err != nil {
		return 0, err
	}
	d.config.Log.Info("headgate: keys have another seed, and nothing is known of them")
	return seed, nil
}

// restore takes up the last checkpoint that can be used, and returns the seed of its keys; 0: there is none. Those that
// cannot be used are set aside, and what changed is logged.
func (d *Daemon) restore() (seed uint64) {
	r, err := d.aggregator.Restore(d.state.Checkpoint())
	var unusable, aside []string
	for _, u := range r.Unusable {
		to, err := window.SetAside(u.Path)
		if err != nil {
			to = err.Error()
		}
		unusable, aside = append(unusable, u.Error()), append(aside, to)
	}
	why := []any{"error", strings.Join(unusable, "; "), "set_aside", strings.Join(aside, "; ")}
	switch {
	case err == nil && unusable != nil:
		d.config.Log.Warn("headgate: checkpoint not usable, the older one is restored", why...)
	case unusable != nil:
		d.config.Log.Warn("headgate: checkpoint not usable, starting empty", why...)
	}
	if err != nil {
		return 0
	}
	d.config.Log.Info("headgate: checkpoint restored", "path", r.Path, "keys", d.aggregator.Stats().Keys[traffic.IP])
	if len(r.Begun)+len(r.Lost) > 0 {
		d.config.Log.Info("headgate: features have changed since the checkpoint, all others are kept", "begin_empty", few(r.Begun), "lost", few(r.Lost))
	}
	return r.Seed
}

// few joins the first of many names.
func few(names []string) string {
	const shown = 10
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}
