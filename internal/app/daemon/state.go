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
	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// state is the directory of the checkpoints: the headgate directory itself, or one on a disk, in
// which this process holds a lock.
type state struct {
	hostdir.Dir
	lock *os.File // nil: the headgate directory's lock suffices
}

// openState takes over the configured directory, or makes it. By default the state of a named
// headgate directory is in that directory, so that two daemons never share a checkpoint, and the
// state of the default one is in hostdir.State, if that can be used.
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

// isUnusable reports whether a directory is missing or may not be used by this process.
func isUnusable(err error) bool {
	var untrusted *hostdir.UntrustedError
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS) || errors.As(err, &untrusted)
}

func takeState(dir, shared hostdir.Dir, owners hostdir.Owners) (*state, error) {
	err := os.Mkdir(string(dir), 0o700)
	if err == nil {
		err = os.Chmod(string(dir), 0o700) // independent of the umask
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
		return nil, fmt.Errorf("state: %s is not a directory; name another with --state-dir", dir)
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

// seed returns the seed of the keys' hash: that of the last checkpoint, whose keys it restores, or
// a new one. 0 means that there is no checkpoint, and the table's seed is kept.
func (d *Daemon) seed() (uint64, error) {
	if !d.config.NewSeed {
		return d.restore(), nil
	}
	for _, path := range []string{d.state.Checkpoint(), d.state.Checkpoint() + ".old"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("state: dropping the history of the previous seed: %w", err)
		}
	}
	seed, err := featurestore.NewSeed()
	if err != nil {
		return 0, err
	}
	d.config.Log.Info("headgate: keys got a new seed; all history was dropped")
	return seed, nil
}

// restore restores the last usable checkpoint, and returns the seed of its keys, or 0. It sets
// unusable ones aside, and logs what changed.
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
	d.config.Log.Info("headgate: checkpoint restored", "path", r.Path, "keys", d.aggregator.Stats().Keys[traffic.DimIP])
	if len(r.Missing)+len(r.Dropped) > 0 {
		d.config.Log.Info("headgate: features have changed since the checkpoint, all others are kept", "begin_empty", few(r.Missing), "lost", few(r.Dropped))
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
