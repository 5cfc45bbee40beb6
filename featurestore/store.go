package featurestore

import (
	"fmt"

	"github.com/headgate/headgate/mmapsync"
)

// Store reads the tables that a [Publisher] publishes under one path. It is safe for concurrent use.
type Store struct {
	path   string
	reader *mmapsync.Reader
}

// Open opens the tables published under path. A path at which nobody has published yet is an error that wraps
// fs.ErrNotExist.
func Open(path string) (*Store, error) {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	return &Store{path: path, reader: r}, nil
}

// View calls fn with the current table, opened and its content checked against its hash, and releases it when fn
// returns: fn must not keep it. It is for tools, not for the request path.
func (s *Store) View(fn func(*Table) error) error {
	snap, err := s.reader.Acquire()
	if err != nil {
		return err
	}
	defer snap.Release()
	if err := snap.Verify(); err != nil {
		return err
	}
	t, err := OpenTable(snap.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return fn(t)
}

// Replaced tells whether the files under the store's path are no longer those it has open, as after somebody removed
// them: the store then serves what it has, for ever, and should be opened anew.
func (s *Store) Replaced() (bool, error) { return s.reader.Replaced() }

// Close ends the store. A Read or View that overlaps with it gets what it was to get or mmapsync.ErrClosed.
func (s *Store) Close() error { return s.reader.Close() }
