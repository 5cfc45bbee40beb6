package ring

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Bounds of a Set. What exceeds them is left alone and counted as refused.
const (
	maxRings   = 1024
	maxBad     = 1024  // bad files remembered; more are parsed again at each Scan
	maxEntries = 16384 // directory entries read by one Scan
)

// turnLength is the number of events one ring delivers before the next ring has its turn.
const turnLength = 32

// orphanAge is how old an unfinished file must be, or for how long a file that is not a ring must
// have been seen, before its lock is tried: a Create takes a few milliseconds, and one that loses
// this race begins again.
const orphanAge = 10 * time.Second

// Set consumes all rings of a directory. Its methods may be called from any goroutine; they wait
// for each other.
type Set struct {
	dir   string
	limit int // rings attached at the same time

	mu    sync.Mutex
	rings map[string]*Consumer // by file name
	order []*Consumer          // the same, in the order of their turns
	next  int                  // ring of the next turn, modulo len(order)
	bad   map[string]badFile   // by file name
	scans uint64               // number of the running Scan
	buf   []byte               // the event being delivered
	past  Counts               // of rings no longer attached
	files Stats                // only what Scan counts itself: Removed to Refused
}

// badFile is a file that need not be parsed again while it is the same file of the same size.
type badFile struct {
	info  fs.FileInfo
	scan  uint64    // the last one that saw it
	tried time.Time // when it was first seen, or its lock was last tried
}

// Stats is what a Set has counted since it was opened, and a few present values.
type Stats struct {
	Counts
	Rings   int    // attached now
	Backlog uint64 // cells waiting in them
	Removed uint64 // files of dead producers removed
	Orphans uint64 // unfinished files of dead producers removed
	Spoiled uint64 // unreadable files of dead producers removed, with an unknown number of events
	// files under a ring's name that are not rings, or were truncated while attached
	BadFiles uint64
	Unlinked uint64 // rings of living producers whose files were removed; they are still read
	Refused  int    // files that the last Scan left out because a bound of the Set was reached
}

// OpenSet returns a Set for dir, which must exist. It has no rings before the first [Set.Scan].
func OpenSet(dir string) (*Set, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a directory")}
	}
	return &Set{
		dir:   dir,
		limit: maxRings,
		rings: make(map[string]*Consumer),
		bad:   make(map[string]badFile),
		buf:   make([]byte, 0, maxCellSize),
	}, nil
}

// Scan attaches to new rings, closes those that were truncated, and removes the files of dead
// producers once all their events have been delivered, or after a while if they cannot be read.
// Files that are not rings are counted, and left alone if they are not regular or their lock is
// held. The error is the first file that could not be opened for another reason (permissions,
// another consumer, no descriptors left), or a directory that cannot be read; the other rings are
// served all the same, and the next Scan tries again.
func (s *Set) Scan() error { return s.scan(time.Now()) }

func (s *Set) scan(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	s.files.Refused = 0
	s.retire()
	entries, err := s.list()
	listed := make(map[string]bool, len(s.rings))
	for _, entry := range entries {
		name := entry.Name()
		listed[name] = true
		switch {
		case isName(name, nameSuffix):
			if e := s.attach(entry); err == nil {
				err = e
			}
		case isName(name, tempSuffix):
			s.reap(entry, now)
		}
	}
	if len(entries) < maxEntries {
		s.noteUnlinked(listed)
	}
	for name, b := range s.bad {
		if b.scan != s.scans {
			delete(s.bad, name)
		} else {
			s.removeSpoiled(name, b, now)
		}
	}
	return err
}

// retire closes broken and finished rings.
func (s *Set) retire() {
	kept := s.order[:0]
	for _, c := range s.order {
		drained := c.Drained()
		if !drained && !c.Broken() {
			kept = append(kept, c)
			continue
		}
		if c.Broken() {
			s.remember(c.path)
		} else if removeSame(c.path, c.info) {
			s.files.Removed++
		}
		s.past.add(c.Counts())
		delete(s.rings, filepath.Base(c.path))
		c.Close()
	}
	clear(s.order[len(kept):])
	s.order = kept
}

// noteUnlinked counts rings whose files are not in the directory any more, each once. The producers
// will notice and make others; what they put into these meanwhile is delivered.
func (s *Set) noteUnlinked(listed map[string]bool) {
	for name, c := range s.rings {
		if !listed[name] && !c.unlinked {
			c.unlinked = true
			s.files.Unlinked++
		}
	}
}

// list reads the directory up to the bound.
func (s *Set) list() ([]fs.DirEntry, error) {
	d, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(maxEntries)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if len(entries) == maxEntries {
		more, _ := d.ReadDir(1)
		s.files.Refused += len(more)
	}
	return entries, err
}

// isName reports whether name is the prefix, 16 lower-case hex digits and suffix. Other files are
// not ours.
func isName(name, suffix string) bool {
	if len(name) != len(namePrefix)+nameDigits+len(suffix) ||
		name[:len(namePrefix)] != namePrefix || name[len(name)-len(suffix):] != suffix {
		return false
	}
	for _, c := range []byte(name[len(namePrefix) : len(name)-len(suffix)]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// attach opens the ring of a directory entry unless it is attached already, or was found to be bad.
func (s *Set) attach(entry fs.DirEntry) error {
	name := entry.Name()
	if s.rings[name] != nil || s.knownBad(entry) {
		return nil
	}
	if len(s.rings) >= s.limit {
		s.files.Refused++
		return nil
	}
	path := filepath.Join(s.dir, name)
	if !entry.Type().IsRegular() {
		s.remember(path)
		return nil
	}
	c, err := OpenConsumer(path)
	var format *FormatError
	switch {
	case err == nil:
		s.rings[name] = c
		s.order = append(s.order, c)
	case errors.As(err, &format):
		s.remember(path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func (s *Set) knownBad(entry fs.DirEntry) bool {
	known, ok := s.bad[entry.Name()]
	if !ok {
		return false
	}
	info, err := entry.Info()
	if err != nil || !os.SameFile(info, known.info) || info.Size() != known.info.Size() {
		delete(s.bad, entry.Name())
		return false
	}
	known.scan = s.scans
	s.bad[entry.Name()] = known
	return true
}

// remember counts a bad file and notes its identity and size, so that it is neither parsed nor
// counted again at every Scan.
func (s *Set) remember(path string) {
	info, err := os.Lstat(path)
	switch {
	case err == nil && len(s.bad) >= maxBad:
		s.files.Refused++
	case err == nil:
		s.bad[filepath.Base(path)] = badFile{info: info, scan: s.scans}
		fallthrough
	default:
		s.files.BadFiles++
	}
}

// removeSpoiled removes a ring that cannot be read and whose producer is dead, since it will never
// be emptied. It waits some time before, since a producer may be writing what is to be a ring.
func (s *Set) removeSpoiled(name string, b badFile, now time.Time) {
	if b.tried.IsZero() {
		b.tried = now
		s.bad[name] = b
	}
	if !b.info.Mode().IsRegular() || now.Sub(b.tried) < orphanAge {
		return
	}
	b.tried = now
	s.bad[name] = b
	if removeUnlocked(filepath.Join(s.dir, name)) {
		s.files.Removed++
		s.files.Spoiled++
		delete(s.bad, name)
	}
}

// reap removes a file whose producer died before it was complete.
func (s *Set) reap(entry fs.DirEntry, now time.Time) {
	info, err := entry.Info()
	if err != nil || now.Sub(info.ModTime()).Abs() < orphanAge {
		// the clock may have been set back since
		return
	}
	if removeUnlocked(filepath.Join(s.dir, entry.Name())) {
		s.files.Orphans++
	}
}

// Poll delivers up to max events, in turns that are fair to all rings, and returns how many it
// delivered; if there are fewer than max, no ring has more now. The payload is valid until fn
// returns and is untrusted. fn must not call the Set. An event counts as delivered when fn returns,
// or panics: a panic goes on, and the event is not repeated.
func (s *Set) Poll(max int, fn func(payload []byte)) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivered, idle := 0, 0
	for delivered < max && idle < len(s.order) {
		c := s.order[s.next%len(s.order)]
		s.next = (s.next + 1) % len(s.order)
		n := s.turn(c, min(turnLength, max-delivered), fn)
		delivered += n
		idle++
		if n > 0 {
			idle = 0
		}
	}
	return delivered
}

func (s *Set) turn(c *Consumer, max int, fn func(payload []byte)) int {
	defer c.Release()
	for n := range max {
		payload, ok := c.Next(s.buf)
		if !ok {
			return n
		}
		fn(payload)
	}
	return max
}

// Stats returns the sums of the rings attached now and of the past ones.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.files
	stats.Counts = s.past
	stats.Rings = len(s.order)
	for _, c := range s.order {
		stats.Counts.add(c.Counts())
		stats.Backlog += c.Backlog()
	}
	return stats
}

// Close closes all rings and leaves their files to the next consumer.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, c := range s.order {
		s.past.add(c.Counts())
		errs = append(errs, c.Close())
	}
	s.order = nil
	clear(s.rings)
	return errors.Join(errs...)
}
