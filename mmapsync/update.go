package mmapsync

import "fmt"

// Copy is what [Writer.Update] passes to fill: the data file that becomes the next snapshot. It is
// valid until fill returns.
type Copy struct {
	// Bytes is the memory of the file, as long as the snapshot will be. What fill leaves in it is
	// published.
	Bytes []byte

	// Holds is the number of the publication that Bytes has, which fill brings up to date. 0 means
	// that Bytes has nothing of use, and fill has to write every byte.
	Holds uint64

	// Size is the length in bytes of the publication Holds. If it is less than len(Bytes), the
	// bytes after it are undefined; if it is more, the publication is cut.
	Size int

	// Current is the last publication, which readers see meanwhile; nil if there is none. It must
	// not be written to.
	Current []byte

	// Number is the number of this publication: one more than that of the last. Holds will have it
	// once this file is lent again. Publications are numbered from 1 on, also across writers of a
	// path.
	Number uint64

	// Hash may be set by fill, for example to a hash that the caller keeps up to date. It is stored
	// in the file, and its low 24 bits are announced in the Version, but it is never compared with
	// the content. If it is 0, Number is used instead, so that one Version differs from the next.
	Hash uint64
}

// Update makes the next snapshot, of size bytes, in the file that is not current: fill gets its
// content and changes what has to change. It is for snapshots so large that Publish, which copies
// and hashes all of them, takes too long.
//
// Most often the file has the publication before the last. If it cannot be written to, because a
// reader is stuck on it or it is too small, fill gets a new file with a copy of the last
// publication, which costs the time of copying it. So does the first Update after the writer has
// adopted a path, in the existing file. A new file has room for size bytes and no more: plan for
// the size that an updated snapshot may reach.
//
// If fill returns an error or panics, nothing is published, the previous snapshot stays current,
// and the content of the file is not used any more. fill must not call the Writer. If a file turns
// out to have been truncated, the call of fill ends half-way, and fill is called once more with
// another copy. Update waits as [Writer.Publish] does, and allocates nothing if it writes to the
// existing file.
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

// copyActive copies as much of the current snapshot as fits size into the other data file, and
// returns what it was. The active file is only read, and nothing writes to it, so holds on it do
// not matter.
func (w *Writer) copyActive(d *dataFile, size int) publication {
	current := w.current()
	if current == nil {
		return publication{}
	}
	copy(d.memory[:size], current)
	return w.data[w.version.Index()].content
}

// lend passes data file d, which has what before says, to fill, and completes it. The file is
// marked as without content already.
func (w *Writer) lend(d *dataFile, before publication, size int,
	fill func(copy *Copy) error) error {
	w.lending = Copy{Bytes: d.memory[:size:size], Current: w.current(), Number: w.sequence + 1}
	if before.sequence != 0 {
		w.lending.Holds, w.lending.Size = before.sequence, int(before.size)
	}
	defer func() { w.lending = Copy{} }()
	if err := fill(&w.lending); err != nil {
		return err
	}
	p := publication{sequence: w.sequence + 1, size: uint64(size), hash: w.lending.Hash,
		kind: hashOfCaller}
	if p.hash == 0 {
		p.hash = p.sequence
	}
	d.end(p)
	return nil
}
