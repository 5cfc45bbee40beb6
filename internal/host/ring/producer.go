package ring

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// Names of the files in a directory of rings: a fixed prefix, 16 hex digits and one of the two
// suffixes. A file has the second suffix until it is complete and locked.
const (
	namePrefix = "ring-"
	nameSuffix = ".ring"
	tempSuffix = ".tmp"
	nameDigits = 16
)

// Bytes of the file that are locked, each while the process lives, or until Close.
const (
	producerByte = 0
	consumerByte = 1
)

// claimAttempts bounds the search for a free cell. Each failed attempt means that another goroutine
// made progress; only damaged memory makes this many fail in a row.
const claimAttempts = 256

// Producer is one process's end of a ring. All methods may be called from any number of goroutines.
// [Producer.Claim], [Claim.Commit] and [Producer.Put] access mapped memory directly: if other
// processes may truncate the file, the request path has to run them under debug.SetPanicOnFault, as
// for every mapping; the other methods guard themselves.
type Producer struct {
	q      queue
	closed atomic.Bool

	path string
	file *os.File    // open while the lock is held
	info os.FileInfo // identity of the file, and its size
}

// Create makes a ring in dir and holds its lock. The file has its name when it is complete and
// locked, with all its blocks reserved, mode 0660.
func Create(dir string, cfg Config) (*Producer, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	// A consumer that takes the unfinished file for an orphan costs a second attempt.
	for range 3 {
		var p *Producer
		p, err = create(dir, cfg)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, mmap.ErrLocked) && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, err
}

func create(dir string, cfg Config) (_ *Producer, err error) {
	var random [nameDigits / 2]byte
	rand.Read(random[:])
	stem := filepath.Join(dir, namePrefix+hex.EncodeToString(random[:]))
	f, err := mmap.CreateReserved(stem+tempSuffix, cfg.fileSize(), 0o660)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(stem + tempSuffix)
		}
	}()
	if err := mmap.LockByte(f, producerByte); err != nil {
		return nil, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	mem, err := mmap.Map(f, cfg.fileSize(), mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	p := &Producer{q: format(mem, cfg), path: stem + nameSuffix, file: f, info: info}
	if err := os.Rename(stem+tempSuffix, p.path); err != nil {
		mmap.Unmap(mem)
		return nil, err
	}
	// The mapping lives while the Producer is reachable, so that a claim made before Close can
	// still be committed.
	runtime.AddCleanup(p, func(mem []byte) { mmap.Unmap(mem) }, mem)
	return p, nil
}

// Claim is a claimed cell, to be filled and committed by one goroutine. The zero Claim has no bytes
// and its Commit does nothing.
type Claim struct {
	p    *Producer
	cell cell
	pos  uint64
}

// Claim claims the next free cell. It returns false if the event is dropped, which has been
// counted: the ring is full, or closed. A claim must be committed, also if encoding failed or
// panicked: the consumer cannot go past it while this process lives.
func (p *Producer) Claim() (Claim, bool) {
	if !p.closed.Load() {
		for range claimAttempts {
			pos := p.q.tail.Load()
			cell := p.q.cell(pos)
			ahead := int64(cell.seq().Load() - pos)
			if ahead == 0 && p.q.tail.CompareAndSwap(pos, pos+1) {
				return Claim{p, cell, pos}, true
			}
			if ahead < 0 {
				break // The consumer has not freed the position one lap before.
			}
		}
	}
	p.q.dropped.Add(1)
	runtime.KeepAlive(p)
	return Claim{}, false
}

// Bytes returns where to encode the event: a slice of length 0 with the capacity of the cell. It
// must not be used after Commit.
func (s Claim) Bytes() []byte {
	if s.p == nil {
		return nil
	}
	return s.cell.payload()[:0]
}

// Commit passes the event to the consumer. Usually b is what was appended to [Claim.Bytes]; if the
// encoder moved to other memory because it expected to need more than it did, b is copied into the
// cell. If b is empty or larger than the cell, the event is abandoned: the consumer skips the cell
// and counts it. Only the first Commit of a claim has an effect.
func (s Claim) Commit(b []byte) {
	if s.p == nil || s.cell.seq().Load() != s.pos {
		return
	}
	payload := s.cell.payload()
	if len(b) > len(payload) {
		b = nil
	}
	if len(b) > 0 && &b[0] != &payload[0] {
		copy(payload, b)
	}
	s.cell.length().Store(uint32(len(b)))
	// Not a plain store: a consumer that took a closed ring for finished may have freed the cell.
	s.cell.seq().CompareAndSwap(s.pos, s.pos+1)
	runtime.KeepAlive(s.p)
}

// Put claims a cell, lets encode append to its bytes and commits the result. It reports whether the
// event is in the ring: it returns false if the event was dropped, or if encode failed, panicked
// (the panic goes on) or appended more than the cell holds. Put allocates nothing; a function
// literal passed to it does not escape.
func (p *Producer) Put(encode func(dst []byte) ([]byte, error)) bool {
	claim, ok := p.Claim()
	if !ok {
		return false
	}
	var done []byte
	defer func() { claim.Commit(done) }()
	b, err := encode(claim.Bytes())
	if err != nil || len(b) == 0 || len(b) > len(claim.cell.payload()) {
		return false
	}
	done = b
	return true
}

// Claimed returns the number of events that got a cell.
func (p *Producer) Claimed() uint64 { return p.load(p.q.tail) }

// Dropped returns the number of events that got none.
func (p *Producer) Dropped() uint64 { return p.load(p.q.dropped) }

func (p *Producer) load(word *atomic.Uint64) (n uint64) {
	mmap.Intact(func() { n = word.Load() })
	runtime.KeepAlive(p)
	return n
}

// Path returns the name that the file was created under.
func (p *Producer) Path() string { return p.path }

// Linked reports whether a consumer can still find and serve the ring: the path is this very
// file's, of its full size, with its header. If not, no consumer gets the events, and the ring is
// to be replaced by a new one. It makes one system call, and is not for the request path.
func (p *Producer) Linked() bool {
	info, err := os.Lstat(p.path)
	if err != nil || !os.SameFile(info, p.info) || info.Size() != p.info.Size() {
		return false
	}
	good := false
	mmap.Intact(func() {
		_, err := parse(p.q.mem)
		good = err == nil
	})
	runtime.KeepAlive(p)
	return good
}

// Heard reports whether a consumer has the ring open: it goes on reading a file that was removed.
// It makes a system call, and is not for the request path.
func (p *Producer) Heard() bool {
	if p.file == nil {
		return false
	}
	err := mmap.LockByte(p.file, consumerByte)
	if err == nil {
		mmap.UnlockByte(p.file, consumerByte)
	}
	return errors.Is(err, mmap.ErrLocked)
}

// Unread returns the number of events in the ring if no consumer has it open, and 0 if one has.
func (p *Producer) Unread() (n uint64) {
	if p.Heard() {
		return 0
	}
	mmap.Intact(func() { n = min(p.q.tail.Load()-p.q.head.Load(), p.q.cells()) })
	runtime.KeepAlive(p)
	return n
}

// Close releases the lock and leaves the file to the consumer, which delivers what is in it and
// removes it. Claims are refused from now on. A claim that is still open may be committed safely,
// but its event may be lost; an event whose Claim runs at the same time as Close may be lost
// without being counted. The memory is unmapped when the garbage collector finds that the Producer
// is unreachable.
func (p *Producer) Close() error {
	if p.closed.Swap(true) || p.file == nil {
		return nil
	}
	// The mapping holds a reference to the open file, so closing the descriptor alone would not end
	// the lock.
	err := mmap.UnlockByte(p.file, producerByte)
	return errors.Join(err, p.file.Close())
}
