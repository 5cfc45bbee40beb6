package hostlimits

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// ErrNoSeat is returned if all seats of the file are taken.
var ErrNoSeat = errors.New("limits: as many processes count already as the file has room for")

// member is a process's part in a limits file.
type member struct {
	board     *board
	file      *hostFile
	info      os.FileInfo
	truncated atomic.Bool // the file was truncated, and is not used any more

	parent *Limiter // the limiter that opened the file, if it is another one
}

// Join returns a limiter that counts together with all other processes that join the file at path,
// which a [Keeper] has made. The file's size holds in place of ExactKeys and Sketch; keys with a
// threshold of their own keep an exact counter only if the Keeper pins them.
//
// The process has its seat for as long as the limiter or an open ticket of it is reachable. When
// the process dies, by any signal at any instruction, the Keeper's next [Keeper.Reap] or the next
// Join takes all that it had in flight out of the counts, exactly.
//
// Errors: fs.ErrNotExist if there is no file, a *[FormatError] if it is not a limits file,
// [ErrNoSeat] if it is full.
func Join(path string, config Config) (*Limiter, error) {
	f, err := openHostFile(path, mmap.ReadWrite, config.Owners)
	if err != nil {
		return nil, err
	}
	b, err := f.board()
	if err == nil {
		err = f.guard(func() error { return b.join(f) })
	}
	if err != nil {
		f.close()
		return nil, err
	}
	l := &Limiter{ledgers: b.ledgers, shared: &member{board: b, file: f, info: f.info}}
	// From here on the memory is the limiter's: users of the memory keep a pointer to the limiter.
	runtime.AddCleanup(l, func(f *hostFile) { f.close() }, f)
	if err := l.configure(config); err != nil {
		return nil, err
	}
	return l, nil
}

// join frees the seats of dead processes and takes one.
func (b *board) join(f *hostFile) error {
	if _, err := b.reap(f); err != nil {
		return err
	}
	for k := range b.seats {
		switch err := f.lock(seatOffset(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return err
		}
		if b.seatWord(k).Load() != 0 {
			b.free(k)
		}
		b.seat = k
		b.earlierWord(k).Store(0)
		b.seatWord(k).Store(takenNow())
		b.raise(k)
		return nil
	}
	return fmt.Errorf("%w: %d", ErrNoSeat, b.seats)
}

// Current reports whether l counts in the very file that is at path now, and that file has its
// size. It is false for a limiter of one process.
func (l *Limiter) Current(path string) bool {
	if l.shared == nil || l.shared.truncated.Load() {
		return false
	}
	info, err := os.Lstat(path)
	return err == nil && os.SameFile(info, l.shared.info) && info.Size() == l.shared.info.Size()
}

// GivenUp reports whether the Keeper has given l's file up, since an unknown process wrote to it,
// and has made another.
func (l *Limiter) GivenUp() (given bool) {
	if l.shared != nil {
		l.guard(func() { given = l.shared.board.word(givenUpAt).Load() != 0 })
	}
	return given
}

// WriteTallies writes what this process has counted into the file, for the daemon's metrics. It is
// to be called about once a second.
func (l *Limiter) WriteTallies() {
	if l.shared == nil {
		return
	}
	s := l.Stats()
	l.guard(func() {
		tallies := l.shared.board.tallyWords(l.ledgers.seat)
		atomic.StoreUint64(&tallies[0], s.Admitted)
		for r := OverThreshold; r < Reasons; r++ {
			atomic.StoreUint64(&tallies[r], s.Refused[r])
		}
		atomic.StoreUint64(&tallies[tallyClipped], s.Clipped)
	})
}
