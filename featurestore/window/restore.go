package window

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
)

// Restored is the result of Restore.
type Restored struct {
	Path     string // the file that was restored; empty: none
	Seed     uint64 // of its keys' hash
	Unusable []UnusableError

	// State of keys, by dimension and name: what was missing from the checkpoint, and begins empty,
	// and what was dropped, since this Aggregator does not keep it.
	Missing, Dropped []string
}

// UnusableError is the error of a checkpoint that exists and was not restored.
type UnusableError struct {
	Path string
	Err  error
}

func (e UnusableError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e UnusableError) Unwrap() error { return e.Err }

// Restore reads the checkpoint at path or, if that is unusable, the older one beside it. It
// restores what both the checkpoint and this Aggregator keep of each dimension and feature. A
// feature is found by its fold, not by its name. If the checkpoint has more keys than
// Config.MaxKeys allows, the most recently active are kept and the others counted. The Aggregator
// must be empty, and stays empty after an error; fs.ErrNotExist means that there is no checkpoint.
//
// Observations that are added later must have keys with the checkpoint's seed.
func (a *Aggregator) Restore(path string) (r Restored, err error) {
	for _, file := range []string{path, path + olderSuffix} {
		err := a.restore(file, &r)
		if err == nil {
			r.Path = file
			return r, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			r.Unusable = append(r.Unusable, UnusableError{file, err})
		}
	}
	if len(r.Unusable) == 0 {
		return r, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return r, r.Unusable[0]
}

func (a *Aggregator) restore(path string, restored *Restored) error {
	r, err := openCheckpoint(path)
	if err != nil {
		return err
	}
	defer r.file.Close()
	if err := r.readHeader(); err != nil {
		return err
	}
	fresh, err := New(a.config)
	if err != nil {
		return err
	}
	fresh.resume(&r.header)
	kept := fresh.kept()
	var begun, lost []string
	for _, part := range r.header.parts {
		i := slices.IndexFunc(kept, func(k keptPart) bool { return k.name == part.name })
		if i < 0 {
			lost = append(lost, part.name)
			err = r.skipPart(&part)
		} else {
			p := restoredPart{keptPart: kept[i], words: int(part.words), latest: fresh.latest()}
			var l, b []string
			p.mapping, l, b = part.mappingTo(p.plan)
			lost, begun = append(lost, prefixed(part.name, l)...),
				append(begun, prefixed(part.name, b)...)
			p.exact = r.header.keys == uint64(a.config.MaxKeys) &&
				part.shards == uint64(len(p.shards))
			err = r.readPart(&p, part.shards)
			fresh.counts.unrestored += p.left
			kept = slices.Delete(kept, i, i+1) // a part that comes twice finds no room
		}
		if err != nil {
			return err
		}
	}
	if r.rest != 0 {
		return damaged("%d bytes after the last shard", r.rest)
	}
	for _, k := range kept {
		begun = append(begun, k.name)
	}
	restored.Seed, restored.Missing, restored.Dropped = r.header.seed, begun, lost
	a.take(fresh)
	return nil
}

func prefixed(part string, names []string) []string {
	for i, name := range names {
		names[i] = part + " " + name
	}
	return names
}

// resume sets the time to that of the Aggregator that wrote a checkpoint.
func (a *Aggregator) resume(h *checkpointHeader) {
	a.clock.offset = int64(h.offset)
	a.ticked, a.now = h.ticked == 1, int64(h.now)
	a.reference = reference{h.boot != 0, h.boot, int64(h.zero)}
}

// latest is the latest time that an event of a cell can have.
func (a *Aggregator) latest() int64 {
	if !a.ticked {
		return math.MaxInt64
	}
	return plus(a.now, maxAhead)
}

// take takes over what another Aggregator of the same configuration keeps.
func (a *Aggregator) take(other *Aggregator) {
	a.tables, a.intake, a.crew, a.clock, a.follower = other.tables, other.intake, other.crew,
		other.clock, nil
	a.ticked, a.now, a.reference = other.ticked, other.now, other.reference
	a.counts.unrestored += other.counts.unrestored
}

func damaged(format string, values ...any) error {
	return fmt.Errorf("damaged: "+format, values...)
}
