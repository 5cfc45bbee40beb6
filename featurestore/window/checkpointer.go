package window

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgryski/go-metro"
)

// Checkpointer writes a checkpoint beside the aggregation: Step copies a shard, which takes
// milliseconds at most, and a goroutine of its own hashes and writes it. Each shard is consistent,
// but later ones may have events that earlier ones do not have. Its methods are for the
// Aggregator's goroutine.
type Checkpointer struct {
	aggregator *Aggregator
	path       string
	shards     []*shard // not copied yet
	free       chan *section
	full       chan *section
	done       chan error
}

// Checkpoint writes all state to path, first under a temporary name, so that path is always
// complete; the previous file becomes path+".old". seed is that of the keys.
func (a *Aggregator) Checkpoint(path string, seed uint64) error {
	return a.BeginCheckpoint(path, seed).Finish()
}

// BeginCheckpoint begins a checkpoint; Step continues and Finish ends it. There may be one at a
// time for a path.
func (a *Aggregator) BeginCheckpoint(path string, seed uint64) *Checkpointer {
	c := &Checkpointer{aggregator: a, path: path, free: make(chan *section, 2),
		full: make(chan *section, 2), done: make(chan error, 1)}
	for _, p := range a.kept() {
		c.shards = append(c.shards, p.shards...)
	}
	for range cap(c.free) {
		c.free <- &section{}
	}
	header := a.header(seed)
	go func() {
		err := c.write(header.append(nil))
		for s := range c.full { // after an error
			c.free <- s
		}
		c.done <- err
	}()
	return c
}

// Step copies the next shard unless the writer is behind; it never waits. It reports whether all
// shards are written, so that Finish does not wait.
func (c *Checkpointer) Step() (written bool) {
	if len(c.shards) == 0 {
		return len(c.done) > 0
	}
	select {
	case s := <-c.free:
		c.copyTo(s)
	default:
	}
	return false
}

func (c *Checkpointer) copyTo(s *section) {
	c.aggregator.crew.settle()
	s.take(c.shards[0])
	c.full <- s
	if c.shards = c.shards[1:]; len(c.shards) == 0 {
		close(c.full)
	}
}

// Finish copies the rest, waits until all is written, and returns the first error. Call it once.
func (c *Checkpointer) Finish() error {
	for len(c.shards) > 0 {
		c.copyTo(<-c.free)
	}
	return <-c.done
}

func (c *Checkpointer) write(header []byte) error {
	temporary := c.path + ".new"
	if err := c.writeTo(temporary, header); err != nil {
		os.Remove(temporary)
		return err
	}
	if err := os.Rename(c.path, c.path+olderSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temporary, c.path); err != nil {
		return err
	}
	syncDirectory(filepath.Dir(c.path))
	return nil
}

// syncDirectory makes the new names last. Where directories cannot be synced, a crash of the
// machine may bring the old names back, which are those of an older checkpoint.
func syncDirectory(path string) {
	if d, err := os.Open(path); err == nil {
		d.Sync()
		d.Close()
	}
}

func (c *Checkpointer) writeTo(path string, header []byte) error {
	f, err := createNew(path)
	if err != nil {
		return err
	}
	w := &hashingWriter{file: f}
	w.hash = metro.Hash64(header, checkpointSeed)
	w.write(header)
	w.writeHash()
	for s := range c.full {
		w.hash = s.hash(w.hash)
		w.write(s.head)
		w.write(wordBytes(s.cells))
		w.write(s.sketch)
		w.writeHash()
		c.free <- s
		if w.err != nil {
			break
		}
	}
	if w.err == nil {
		w.err = f.Sync()
	}
	if err := f.Close(); w.err == nil {
		w.err = err
	}
	return w.err
}

// createNew makes a file for this user alone, whatever the umask, in the place of what a writer
// that was killed left. It follows no link: what somebody puts there instead is removed, or an
// error.
func createNew(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// hashingWriter writes to a file. The first error stays.
type hashingWriter struct {
	file *os.File
	hash uint64
	err  error
}

func (w *hashingWriter) write(b []byte) {
	if w.err == nil && len(b) > 0 {
		_, w.err = w.file.Write(b)
	}
}

func (w *hashingWriter) writeHash() { w.write(le.AppendUint64(nil, w.hash)) }
