package hostlimits

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// ErrNoLedger is returned by [Join] where as many processes count as the file has room for.
var ErrNoLedger = errors.New("limits: as many processes count already as the file has room for")

// member is a process's part in a limits file.
type member struct {
	board *board
	file  *hostFile
	info  os.FileInfo
	lost  atomic.Bool // the file was truncated: nothing of it is touched any more

	origin *Limiter // whose file and mapping this is, where another limiter opened it
}

// Join makes a limiter that counts together with all other processes that join the file at path, which a [Keeper] has
// made. Of config, ExactKeys and Sketch are the file's; keys with a threshold of their own keep an exact counter only
// where the Keeper was told of them.
//
// The process has its ledger for as long as somebody refers to the limiter or to an open ticket of it. When it dies, by
// whatever signal at whatever instruction, all that it had in flight is taken out of the counts by the Keeper's next
// [Keeper.Reap] or the next Join, exactly.
//
// Errors: fs.ErrNotExist where there is no file, a *[FormatError] where it is not ours, [ErrNoLedger] where it is full.
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
	// From here on the memory is the limiter's: whoever uses it keeps a pointer to the limiter.
	runtime.AddCleanup(l, func(f *hostFile) { f.close() }, f)
	if err := l.configure(config); err != nil {
		return nil, err
	}
	return l, nil
}

// join takes a ledger. The others' are looked after by the way.
func (b *board) join(f *hostFile) error {
	if _, err := b.reap(f); err != nil {
		return err
	}
	for k := range b.processes {
		switch err := f.lock(ledgerAt(k)); {
		case errors.Is(err, mmap.ErrLocked):
			continue
		case err != nil:
			return err
		}
		if b.taken(k).Load() != 0 {
			b.free(k)
		}
		b.own = k
		b.earlier(k).Store(0)
		b.taken(k).Store(takenNow())
		b.raise(k)
		return nil
	}
	return fmt.Errorf("%w: %d", ErrNoLedger, b.processes)
}

// Current tells whether l counts in the very file that path names now, and that is whole. A limiter of one process is
// not.
func (l *Limiter) Current(path string) bool {
	if l.shared == nil || l.shared.lost.Load() {
		return false
	}
	info, err := os.Lstat(path)
	return err == nil && os.SameFile(info, l.shared.info) && info.Size() == l.shared.info.Size()
}

// GivenUp tells whether the Keeper has found that l's file was written to by somebody else, and has made another.
func (l *Limiter) GivenUp() (given bool) {
	if l.shared != nil {
		l.guard(func() { given = l.shared.board.word(givenUpAt).Load() != 0 })
	}
	return given
}

// Tell writes into the file what this process has counted, for the daemon's metrics. To be called about once a second.
func (l *Limiter) WriteTallies() {
	if l.shared == nil {
		return
	}
	s := l.Stats()
	l.guard(func() {
		told := l.shared.board.told(l.ledgers.own)
		atomic.StoreUint64(&told[0], s.Admitted)
		for r := OverThreshold; r < Reasons; r++ {
			atomic.StoreUint64(&told[r], s.Refused[r])
		}
		atomic.StoreUint64(&told[toldClipped], s.Clipped)
	})
}
