package window

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
)

// Restored is what Restore has taken up.
type Restored struct {
	Path     string // the file; empty: none
	Seed     uint64 // of its keys' hash
	Unusable []UnusableError

	// What is kept of keys, by dimension and name: what the checkpoint lacked and begins empty, and what it had beyond that.
	Begun, Lost []string
}

// UnusableError is a checkpoint that is there and was not taken up.
type UnusableError struct {
	Path string
	Err  error
}

func (e UnusableError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e UnusableError) Unwrap() error { return e.Err }

// Restore takes up the checkpoint at path, or, where that cannot be used, the older one beside it. Of each dimension and of each
// feature it takes what both the checkpoint and this Aggregator keep: a feature is found again by its fold, whatever its
// name is. Where the checkpoint has more keys than Config.MaxKeys allows, the most recently active are kept and the
// others counted. The Aggregator must be empty, and stays so on an error; fs.ErrNotExist means that there is no
// checkpoint.
//
// Observations that are added from then on must have keys of the checkpoint's seed.
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
			lost, begun = append(lost, prefixed(part.name, l)...), append(begun, prefixed(part.name, b)...)
			p.exact = r.header.keys == uint64(a.config.MaxKeys) && part.shards == uint64(len(p.shards))
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
	restored.Seed, restored.Begun, restored.Lost = r.header.seed, begun, lost
	a.take(fresh)
	return nil
}

func prefixed(part string, names []string) []string {
	for i, name := range names {
		names[i] = part + " " + name
	}
	return names
}

// resume takes up the time of the Aggregator that wrote a checkpoint.
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
	a.tables, a.intake, a.crew, a.clock, a.follower = other.tables, other.intake, other.crew, other.clock, nil
	a.ticked, a.now, a.reference = other.ticked, other.now, other.reference
	a.counts.unrestored += other.counts.unrestored
}

func damaged(format string, values ...any) error {
	return fmt.Errorf("damaged: "+format, values...)
}
