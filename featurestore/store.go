package featurestore

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
	"github.com/headgate/headgate/mmapsync"
)

// Store reads the tables that a [Publisher] publishes under one path. It is safe for concurrent use.
type Store struct {
	path    string
	reader  *mmapsync.Reader
	warm    atomic.Uint64 // version that Warm saw last
	touched atomic.Uint32
}

// Open opens the tables published under path. A path at which nobody has published yet is an error that wraps
// fs.ErrNotExist. Where owners are given, the numbers of users, files of anybody else are an *mmapsync.FormatError.
func Open(path string, owners ...int) (*Store, error) {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{Owners: owners})
	if err != nil {
		return nil, err
	}
	return &Store{path: path, reader: r}, nil
}

// View calls fn with the current table, opened, and releases it when fn returns: fn must not keep it. A snapshot that
// was published whole is checked against its hash before that. One that was updated in place, as a [Publisher]'s, has
// none: fn checks it with [Table.Verify] where the second that this takes is worth it. Where somebody cuts the files short
// meanwhile, that is a [*FormatError]. View is for tools and for a publisher that starts, not for the request path.
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

// warmed bounds what Warm touches.
const warmed = 64 << 20

// Warm makes the current publication ready to be read: where it lies in a new file, that is mapped here and its pages
// are touched, up to the first 64 MiB, so that no request has to wait for either. It is for a goroutine beside the
// request path, often; while nothing was published since the last time it costs a few loads. It returns the time of the
// publication, nanoseconds since 1970 UTC; not ok where there is none.
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
	if s.warm.Swap(uint64(snap.Version())) == uint64(snap.Version()) {
		return published, true
	}
	sum := byte(0)
	for at := 0; at < min(len(b), warmed); at += os.Getpagesize() {
		sum += b[at]
	}
	s.touched.Store(uint32(sum)) // so that the compiler does not leave the loads out
	return published, true
}

// Replaced tells whether the files under the store's path are no longer those it has open, as after somebody removed
// them: the store then serves what it has, for ever, and should be opened anew.
func (s *Store) Replaced() (bool, error) { return s.reader.Replaced() }

// Close ends the store. A Read or View that overlaps with it gets what it was to get or mmapsync.ErrClosed.
func (s *Store) Close() error { return s.reader.Close() }
