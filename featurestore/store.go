package featurestore

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/mmapsync"
)

// Store reads the tables that a [Publisher] publishes under one path. It is safe for concurrent
// use.
type Store struct {
	path   string
	reader *mmapsync.Reader
	warmed atomic.Uint64 // version that Warm saw last
	sum    atomic.Uint32
}

// Open opens the tables published under path. If nothing was published there yet, the error wraps
// fs.ErrNotExist. owners restricts the users, by number, whose files are accepted: files of others
// are an *mmapsync.FormatError. Without owners there is no restriction.
func Open(path string, owners ...int) (*Store, error) {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{Owners: owners})
	if err != nil {
		return nil, err
	}
	return &Store{path: path, reader: r}, nil
}

// View calls fn with the current table and releases it when fn returns: fn must not keep it. View
// checks a snapshot that was published whole against its hash. A snapshot that was updated in
// place, as by a [Publisher], has no hash: fn can check it with [Table.Verify], which takes up to
// about a second. If the files are truncated meanwhile, View returns a [*FormatError]. View is for
// tools and for a publisher that starts, not for the request path.
func (s *Store) View(fn func(*Table) error) (err error) {
	if !mmap.Intact(func() { err = s.view(fn) }) {
		return fmt.Errorf("%s: %w", s.path, formatErrorf("the files were cut short while they were being read"))
	}
	return err
}

func (s *Store) view(fn func(*Table) error) error {
	snap, err := s.reader.Acquire()
	if err != nil {
		return err
	}
	defer snap.Release()
	if err := snap.Verify(); err != nil && !errors.Is(err, mmapsync.ErrNotHashed) {
		return err
	}
	t, err := OpenTable(snap.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return fn(t)
}

// maxWarm bounds the memory that Warm touches.
const maxWarm = 64 << 20

// Warm prepares the current publication for reads: it maps a new file and touches its pages, up to
// the first 64 MiB, so that no request waits for either. Call it often, from a goroutine beside the
// request path; while nothing new is published it costs a few loads. It returns the time of the
// publication, nanoseconds since 1970 UTC, and whether there is one.
func (s *Store) Warm() (published int64, ok bool) {
	snap, err := s.reader.Acquire()
	if err != nil {
		return 0, false
	}
	defer snap.Release()
	b := snap.Bytes()
	if len(b) < headerSize {
		return 0, false
	}
	published = publishedAt(b)
	if s.warmed.Swap(uint64(snap.Version())) == uint64(snap.Version()) {
		return published, true
	}
	sum := byte(0)
	for at := 0; at < min(len(b), maxWarm); at += os.Getpagesize() {
		sum += b[at]
	}
	s.sum.Store(uint32(sum)) // keeps the compiler from removing the loads
	return published, true
}

// Replaced reports whether the files under the store's path are no longer the ones it has open, for
// instance because they were removed. The store then keeps serving the old files; open it anew.
func (s *Store) Replaced() (bool, error) { return s.reader.Replaced() }

// Close closes the store. A concurrent Read or View succeeds or returns mmapsync.ErrClosed.
func (s *Store) Close() error { return s.reader.Close() }
