package mmapsync

import "fmt"

// Copy is what [Writer.Update] lends to its fill: the data file that becomes the next snapshot. It is valid until fill
// returns.
type Copy struct {
	// Bytes is the copy itself, as long as the snapshot will be. What fill leaves in it is published.
	Bytes []byte

	// Holds is the number of the publication that Bytes holds, for fill to bring forward by what has changed since. 0
	// means that there is nothing of use in it, and fill has to write every byte.
	Holds uint64

	// Size is the length in bytes of the publication Holds. Where it is less than len(Bytes) the bytes beyond it have no
	// defined content; where it is more, the publication is cut.
	Size int

	// Current is the last publication, which is what readers see meanwhile; nil where there is none. It is not to be
	// written to.
	Current []byte

	// Number is the number that this publication gets: one more than that of the last. It is what Holds will say once
	// this copy is lent again. Publications are numbered from 1 on, also across writers of a path.
	Number uint64

	// Hash may be set by fill to what it knows of the new content, such as a hash that it keeps up to date. It is kept
	// in the file, and the low 24 bits are announced in the Version, but nothing here compares it with the content.
	// While it is 0 Number stands in for it, so that one Version differs from the next.
	Hash uint64
}

// Update makes the next snapshot, of size bytes, out of the copy that is not current: fill gets it as it is and changes
// what has to change. It is for snapshots so large that Publish, which copies and hashes all of them, takes too long.
//
// The copy holds, as a rule, the publication before the last. Where its file cannot be written to, because a reader is
// stuck on it or it is too small, fill gets a new file that holds a copy of the last publication, made at the cost of
// copying it. The first one after the writer has adopted a path gets such a copy as well, in the file in place. A new
// file has room for size bytes and no more: what is updated in place is planned for the size that it may reach.
//
// On an error from fill, and if it panics, nothing is published, the former snapshot stays current, and what a copy
// changed in place holds counts as nothing. fill must not call the Writer. Where a file turns out to have been truncated, a
// call of fill ends half-way, and fill is called once more with another copy. Update waits as [Writer.Publish] does, and
// allocates nothing where it writes in place.
func (w *Writer) Update(size int, fill func(copy *Copy) error) (v Version, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err = w.guarded(&err, func() { v, err = w.update(size, fill) })
	return v, err
}

func (w *Writer) update(size int, fill func(copy *Copy) error) (_ Version, err error) {
	if err := w.accepts(size); err != nil {
		return 0, err
	}
	x := w.ready()
	if d := w.inPlace(x, int64(size)); d != nil {
		before := d.begin()
		if d.unknown {
			before = w.copyActive(d, size)
		}
		err = w.lend(d, before, size, fill)
	} else {
		err = w.replaceFile(x, int64(size), func(d *dataFile) error {
			return w.lend(d, w.copyActive(d, size), size, fill)
		})
	}
	if err != nil {
		return 0, fmt.Errorf("mmapsync: updating to %d bytes: %w", size, err)
	}
	return w.announce(x, w.data[x].content)
}

// copyActive copies as much of the current snapshot as fits size into the other data file, and says what it was. The
// active file is only read, and by nobody written, so whoever holds it does not matter.
func (w *Writer) copyActive(d *dataFile, size int) publication {
	current := w.current()
	if current == nil {
		return publication{}
	}
	copy(d.memory[:size], current)
	return w.data[w.version.Index()].content
}

// lend gives data file d, which holds what before says, to fill, and completes it. The file says already that it holds
// nothing.
func (w *Writer) lend(d *dataFile, before publication, size int, fill func(copy *Copy) error) error {
	w.lent = Copy{Bytes: d.memory[:size:size], Current: w.current(), Number: w.sequence + 1}
	if before.sequence != 0 {
		w.lent.Holds, w.lent.Size = before.sequence, int(before.size)
	}
	defer func() { w.lent = Copy{} }()
	if err := fill(&w.lent); err != nil {
		return err
	}
	p := publication{sequence: w.sequence + 1, size: uint64(size), hash: w.lent.Hash, kind: hashOfCaller}
	if p.hash == 0 {
		p.hash = p.sequence
	}
	d.end(p)
	return nil
}
