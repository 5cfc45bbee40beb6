package hostlimits

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/internal/countmin"
	"github.com/headgate/headgate/internal/keyhash"
	"github.com/headgate/headgate/internal/mmap"
)

// KeeperConfig is the size of a limits file.
type KeeperConfig struct {
	Processes int // that can count together, up to MaxProcesses; 0 means DefaultProcesses
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
	g, err := geometry(c.Sketch)
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
		return shape{}, &ConfigError{"Sketch", c.Sketch, "with these exact keys and processes: " + err.Error()}
	}
	return s, nil
}

// Keeper owns the limits file of a host: it makes the file, frees what dead processes have left in it, keeps exact
// counters for configured keys, and tells what is counted. It counts nothing itself. Processes go on without it, and
// with what it does next time. Not safe for concurrent use.
type Keeper struct {
	path   string
	owners []int
	file   *hostFile
	board  *board
	damage error

	looks    uint64          // by audit
	suspects map[uint]string // ledgers that the last look found a problem in
	scrubbed uint64          // ledgers and slots of nobody that were written to
	givenUp  uint64          // files
}

// filePermissions: every process that counts writes.
const filePermissions os.FileMode = 0o660

// OpenKeeper takes over the limits file at path with all that is counted in it, or makes one: where there is none, where
// it is damaged or of another format, which is kept as path + ".damaged", and where its size is not the configured one.
// Processes find a new file by [Limiter.Current]. An error is one of the configuration or of the file system.
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

// Damage returns what was wrong with the file that OpenKeeper found; nil: nothing, or there was none.
func (k *Keeper) Damage() error { return k.damage }

func (k *Keeper) open() (err error) {
	if k.file, err = openHostFile(k.path, mmap.ReadWrite, k.owners); err != nil {
		return err
	}
	if k.board, err = k.file.board(); err != nil {
		k.Close()
		return err
	}
	k.board.own = k.board.processes // the lock of a set bears a number above all ledgers'
	return nil
}

// create makes a file whole under a temporary name and renames it into place.
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

// Reap frees what dead processes have left and tells how many there were. It also looks whether the counters can be what
// processes have counted, and repairs what it can; a *[DamageError] says what was wrong, and has been mended by then. To
// be called about once a second. Another error says that the file is gone or damaged, and another Keeper has to be opened.
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

// Whole tells whether the file is still the one at its path, of its size and with its header. One that is not is given up: open
// another Keeper.
func (k *Keeper) Whole() bool {
	info, err := os.Lstat(k.path)
	if k.file == nil || err != nil || !os.SameFile(info, k.file.info) || info.Size() != k.file.info.Size() {
		return false
	}
	err = k.guard(func() error {
		h, err := decodeHeader(k.file.memory, info.Size())
		if err == nil && (h.shape != k.board.shape || h.generation != k.board.generation || h.secret != k.board.secret) {
			err = errors.New("another header")
		}
		return err
	})
	return err == nil
}

// Made returns when the file was made, and with it the secret that its keys are hashed under.
func (k *Keeper) Made() (made time.Time, err error) {
	err = k.guard(func() error { made = time.Unix(0, int64(k.board.generation)); return nil })
	return made, err
}

// Renew makes another file of the same size, with another secret, to which the processes move without forgetting what is
// in flight. While some still count in a file before this one nothing is done, and renewed is false.
func (k *Keeper) Renew() (renewed bool, err error) {
	moving := false
	err = k.guard(func() error { moving = k.board.moving(); return nil })
	if err != nil || moving {
		return false, err
	}
	return true, k.replace()
}

// replace makes another file in the place of this one, which it leaves to the processes.
func (k *Keeper) replace() error {
	s := k.board.shape
	if err := k.create(s); err != nil {
		return err
	}
	k.Close()
	return k.open()
}

// Pin keeps exact counters for these keys and for no others, as far as there is room. It returns for how many there was
// none.
func (k *Keeper) Pin(keys []string) (crowded int, err error) {
	err = k.guard(func() error {
		if err := k.file.lock(reaperLockAt); err != nil {
			return unlessLocked(err)
		}
		defer k.file.unlock(reaperLockAt)
		wanted := make(map[Place]bool, len(keys))
		all := make([]key, len(keys))
		for i := range keys {
			all[i] = k.board.keyOf([]byte(keys[i]))
			if o, _ := k.board.find(all[i]); o.place != 0 {
				wanted[o.place] = true
			}
		}
		for slot := range uint(k.board.slots()) {
			if k.board.tag(slot).has(tagPinned) && !wanted[Place(slot+1)] {
				k.board.unpinSlot(slot)
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

// guard is the file's, where it is open.
func (k *Keeper) guard(f func() error) error {
	if k.file == nil {
		return fs.ErrClosed
	}
	return k.file.guard(f)
}

// Close lets go of the file and leaves it to the processes and to the next Keeper.
func (k *Keeper) Close() error {
	if k.file == nil {
		return nil
	}
	f := k.file
	k.file, k.board = nil, nil
	return f.close()
}

func folderOf(path string) string { return filepath.Dir(path) }
