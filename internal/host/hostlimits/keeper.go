package hostlimits

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/base/keyhash"
	"github.com/headgate/headgate/internal/base/mmap"
)

// KeeperConfig is the size of a limits file.
type KeeperConfig struct {
	Processes int // seats, at most MaxProcesses; 0 means DefaultProcesses
	ExactKeys int // see Config; 0 means DefaultSharedKeys
	Sketch    countmin.Size
	Owners    []int // see Config
}

// Defaults of [KeeperConfig]: a file of 4.6 MiB.
const (
	DefaultProcesses  = 32
	DefaultSharedKeys = 1024
)

func (c KeeperConfig) shape() (shape, error) {
	g, err := NewGeometry(c.Sketch)
	if err != nil {
		return shape{}, err
	}
	if c.Processes == 0 {
		c.Processes = DefaultProcesses
	}
	if c.ExactKeys == 0 {
		c.ExactKeys = DefaultSharedKeys
	}
	if c.Processes < 1 || c.Processes > MaxProcesses {
		return shape{}, &ConfigError{"Processes", c.Processes, "must be 1 to 1024"}
	}
	if c.ExactKeys < 1 || c.ExactKeys > MaxExactKeys {
		return shape{}, &ConfigError{"ExactKeys", c.ExactKeys, "must be 1 to 65536"}
	}
	s := shape{g, exactSets(c.ExactKeys), uint(c.Processes)}
	if err := s.check(); err != nil {
		return shape{}, &ConfigError{"Sketch", c.Sketch,
			"with these exact keys and processes: " + err.Error()}
	}
	return s, nil
}

// Keeper owns the limits file of a host: it makes the file, frees the seats of dead processes,
// keeps exact counters for configured keys, and reports what is counted. It counts nothing itself.
// Processes count on without it. It is not safe for concurrent use.
type Keeper struct {
	path   string
	owners []int
	file   *hostFile
	board  *board
	damage error

	inspections uint64          // calls of audit
	suspects    map[uint]string // problems that the last inspection found, by seat
	// ledgers of free seats and counters without a key that were written to
	scrubbed uint64
	givenUp  uint64 // number of files
}

// filePermissions lets every process of the group count.
const filePermissions os.FileMode = 0o660

// OpenKeeper takes over the limits file at path with all that is counted in it. It makes a new one
// if there is none, if the file is damaged or of another format (it is kept as path + ".damaged"),
// or if its size is not the configured one. Processes find a new file by [Limiter.Current]. The
// error is one of the configuration or of the file system.
func OpenKeeper(path string, config KeeperConfig) (*Keeper, error) {
	s, err := config.shape()
	if err != nil {
		return nil, err
	}
	k := &Keeper{path: path, owners: config.Owners}
	switch err = k.open(); {
	case err == nil && k.board.shape == s:
		return k, nil
	case err == nil:
		k.Close()
	case errors.Is(err, fs.ErrNotExist):
	case !damaged(path, err):
		return nil, err
	default:
		k.damage = err
		if err := mmap.SetAside(path); err != nil {
			return nil, err
		}
	}
	if err := k.create(s); err != nil {
		return nil, err
	}
	if err := k.open(); err != nil {
		return nil, err
	}
	return k, nil
}

// damaged reports whether an error of open is about what is at path, and not about the system.
func damaged(path string, err error) bool {
	if format := new(FormatError); errors.As(err, &format) {
		return true
	}
	irregular, err := mmap.Irregular(path)
	return irregular && err == nil
}

// Damage returns what was wrong with the file that OpenKeeper found. It is nil if nothing was, or
// there was none.
func (k *Keeper) Damage() error { return k.damage }

func (k *Keeper) open() (err error) {
	if k.file, err = openHostFile(k.path, mmap.ReadWrite, k.owners); err != nil {
		return err
	}
	if k.board, err = k.file.board(); err != nil {
		k.Close()
		return err
	}
	k.board.seat = k.board.seats // above all seats: marks the locks of sets that the Keeper holds
	return nil
}

// create writes a file under a temporary name and renames it into place.
func (k *Keeper) create(s shape) error {
	draft := k.path + ".tmp"
	if err := mmap.Discard(draft); err != nil {
		return err
	}
	f, err := mmap.CreateReserved(draft, s.offsets().end, filePermissions)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, fileHeader)
	header{s, uint64(time.Now().UnixNano()), keyhash.NewSecret()}.encode(b)
	if _, err = f.WriteAt(b, 0); err == nil {
		err = os.Rename(draft, k.path)
	}
	if err != nil {
		os.Remove(draft)
	}
	return err
}

// Reap frees the seats of dead processes and returns how many there were. It also inspects the
// counters and repairs what it can: a *[DamageError] says what was wrong, and has been repaired by
// then. After any other error the file is gone or damaged, and another Keeper has to be opened.
// Reap is to be called about once a second.
func (k *Keeper) Reap() (reaped int, err error) {
	err = k.guard(func() (err error) {
		reaped, err = k.board.reap(k.file)
		return err
	})
	if err == nil {
		err = k.audit()
	}
	return reaped, err
}

// Intact reports whether the file is still the one at its path, of its size and with its header. If
// not, open another Keeper.
func (k *Keeper) Intact() bool {
	info, err := os.Lstat(k.path)
	if k.file == nil || err != nil || !os.SameFile(info, k.file.info) ||
		info.Size() != k.file.info.Size() {
		return false
	}
	err = k.guard(func() error {
		h, err := decodeHeader(k.file.memory, info.Size())
		if err == nil && (h.shape != k.board.shape || h.generation != k.board.generation ||
			h.secret != k.board.secret) {
			err = errors.New("another header")
		}
		return err
	})
	return err == nil
}

// Created returns when the file was made, and with it the secret that its keys are hashed under.
func (k *Keeper) Created() (made time.Time, err error) {
	err = k.guard(func() error { made = time.Unix(0, int64(k.board.generation)); return nil })
	return made, err
}

// Renew makes another file of the same size with another secret. The processes move to it without
// forgetting what is in flight. While some still count in an older file, Renew does nothing and
// returns false.
func (k *Keeper) Renew() (renewed bool, err error) {
	moving := false
	err = k.guard(func() error { moving = k.board.moving(); return nil })
	if err != nil || moving {
		return false, err
	}
	return true, k.replace()
}

// replace makes another file at the path of this one, which it leaves to the processes.
func (k *Keeper) replace() error {
	s := k.board.shape
	if err := k.create(s); err != nil {
		return err
	}
	k.Close()
	return k.open()
}

// Pin pins the exact counters of these keys, as far as there is room, and unpins all others. It
// returns for how many there was no room.
func (k *Keeper) Pin(keys []string) (crowded int, err error) {
	err = k.guard(func() error {
		if err := k.file.lock(reaperLockAt); err != nil {
			return unlessLocked(err)
		}
		defer k.file.unlock(reaperLockAt)
		wanted := make(map[Where]bool, len(keys))
		all := make([]key, len(keys))
		for i := range keys {
			all[i] = k.board.key([]byte(keys[i]))
			if o, _ := k.board.find(all[i]); o.where != 0 {
				wanted[o.where] = true
			}
		}
		for counter := range uint(k.board.counters()) {
			if k.board.tag(counter).has(tagPinned) && !wanted[Where(counter+1)] {
				k.board.unpinCounter(counter)
			}
		}
		for i := range all {
			if !k.board.pin(all[i]) {
				crowded++
			}
		}
		return nil
	})
	return crowded, err
}

// guard runs f as the file's guard does, if the file is open.
func (k *Keeper) guard(f func() error) error {
	if k.file == nil {
		return fs.ErrClosed
	}
	return k.file.guard(f)
}

// Close closes the file, which stays for the processes and for the next Keeper.
func (k *Keeper) Close() error {
	if k.file == nil {
		return nil
	}
	f := k.file
	k.file, k.board = nil, nil
	return f.close()
}
