package mmapsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// This file is about damaged files: what the writer finds in them when it starts, and what happens
// to them while it runs. If anything but the inactive data file is damaged, the writer abandons the
// set of files and makes another one, which begins with the last publication that is whole. Readers
// find it by [Reader.Replaced].

// guarded runs one publication, whose error is in err. If it reads a file that was truncated, the
// files are made again and it runs once more.
func (w *Writer) guarded(err *error, publish func()) error {
	if w.state == nil {
		return ErrClosed
	}
	if w.overtaken != nil { // whatever else is wrong: another program is writing
		return w.overtaken
	}
	for range 2 {
		if w.mustRebuild {
			if err := w.rebuildLost(); err != nil {
				return err
			}
		}
		if mmap.Intact(publish) && *err != errZeroed {
			return *err
		}
		if !w.inspect() {
			return errors.New("mmapsync: memory to be published is not backed by its file any more")
		}
	}
	return w.stats.Damage
}

// Check checks that all files exist and have the right length and header, and makes those again
// that do not. A publication notices what would keep it from being made; Check also notices what
// would keep readers from opening the path, such as a file that was deleted. It makes a few system
// calls. Stats say what was found.
//
// The error means that the damage could not be repaired, or that another program has published at
// the path ([*ForeignVersionError]), as the next Publish would say: Check is also for a Writer that
// seldom publishes.
func (w *Writer) Check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == nil {
		return ErrClosed
	}
	var err error
	if err := w.guarded(&err, func() { err = w.check() }); err != nil {
		return err
	}
	w.inspect()
	return w.rebuildLost()
}

// inspect reports whether there is damage. An inactive data file is replaced at the next
// publication; for everything else a new set of files is made.
func (w *Writer) inspect() (found bool) {
	if !w.intact(w.paths.registry(), w.registry.file, w.checkRegistry) ||
		!w.intact(w.paths.state(), w.state.file, w.checkVersion) {
		found, w.mustRebuild = true, true
	}
	for i, d := range w.data {
		if d == nil || w.intact(w.paths.data(i), d.file, d.checkIdentity) {
			continue
		}
		active := w.version != 0 && w.version.Index() == i
		if found, w.mustRebuild = true, w.mustRebuild || active; !w.mustRebuild {
			w.stats.Rebuilds++
			d.unmap()
			w.data[i] = nil
		}
	}
	return found
}

// intact reports whether a file is at its path, has its length, and passes check, and notes what is
// wrong. An error of the system about the path is ignored.
func (w *Writer) intact(path string, f file, check func() error) bool {
	whole, err := f.wholeAt(path)
	switch {
	case err != nil:
		err = nil
	case !whole:
		err = formatReason("the file was deleted, replaced or truncated while it was in use")
	}
	if err == nil {
		err = checked(check)
	}
	if err != nil {
		w.note(explain(w.paths, path, err))
	}
	return err == nil
}

func (w *Writer) checkVersion() error {
	if w.state.version.Load() == 0 && w.version != 0 {
		return errZeroed
	}
	return nil
}

const errZeroed formatReason = "the version word was zeroed while it was in use"

func (w *Writer) checkRegistry() error {
	slots, err := decodeRegistry(w.registry.memory)
	if err == nil && slots != w.registry.slots {
		err = formatReason(fmt.Sprintf("the registry has %d slots now, %d before", slots,
			w.registry.slots))
	}
	return err
}

// isMarked reports whether there is still a footer: a file that was truncated and has grown again
// has none.
func (d *dataFile) isMarked() bool {
	return binary.LittleEndian.Uint64(d.footer()[footerMagic:]) == dataMagic
}

// checkIdentity reports whether the footer is the one that was written when the file was made.
func (d *dataFile) checkIdentity() error {
	if footer := d.footer(); binary.LittleEndian.Uint64(footer[footerMagic:]) != dataMagic ||
		binary.LittleEndian.Uint64(footer[footerFormat:]) != dataFormat|uint64(d.index)<<32 ||
		binary.LittleEndian.Uint64(footer[footerGen:]) != d.generation ||
		binary.LittleEndian.Uint64(footer[footerCapacity:]) != uint64(d.capacity) {
		return errFooter
	}
	return nil
}

const errFooter formatReason = "the footer was changed while the file was in use"

// rebuildLost makes a new set of files if the current one was abandoned. Readers keep what they
// have mapped. The lock of the draft keeps other writers out meanwhile.
func (w *Writer) rebuildLost() error {
	if !w.mustRebuild {
		return nil
	}
	draft, err := w.replacementDraft()
	if err != nil {
		return rebuildError(err)
	}
	fresh := &Writer{sys: w.sys, paths: w.paths, repairs: true, generation: w.generation}
	if !mmap.Intact(func() { err = fresh.build(draft, w.registry.slots, newest(&w.data)) }) {
		err = explain(w.paths, w.paths.registry(), errTruncated)
	}
	w.generation = fresh.generation
	if err != nil {
		return rebuildError(errors.Join(err, w.sys.remove(temporary(w.paths.state())),
			fresh.release()))
	}
	w.release()
	w.state, w.registry, w.data = fresh.state, fresh.registry, fresh.data
	w.version, w.sequence = fresh.version, max(w.sequence, fresh.sequence)
	w.replace, w.stuck, w.mustRebuild, w.untouched = [2]bool{}, [2]uint32{}, false, true
	w.stats.Rebuilds++
	w.stats.Replacements += fresh.stats.Replacements
	return nil
}

func rebuildError(err error) error {
	return fmt.Errorf("mmapsync: the files were damaged, and making them anew failed: %w", err)
}

// ready waits until the inactive data file may be filled, and returns its index.
func (w *Writer) ready() (x int) {
	x = w.inactive()
	if !w.untouched {
		w.registry.touchEnd()
		w.drain(x)
	}
	w.untouched = false
	return x
}

// lastPublication is what a new set of files begins with.
type lastPublication struct {
	publication
	data *dataFile
}

func (k *lastPublication) version() Version {
	return newVersion(k.data.index, int64(k.size),
		k.hash)
}

func (k *lastPublication) copyTo(d *dataFile) error {
	copy(d.memory, k.data.memory[:k.size])
	d.end(k.publication)
	return nil
}

// newest returns the last publication that is whole in one of the files, nil if there is none. It
// unmaps the others, whose memory the new set may need.
func newest(data *[2]*dataFile) *lastPublication {
	last := newestWhole(*data)
	for i, d := range data {
		if d != nil && (last == nil || d != last.data) {
			d.unmap()
			data[i] = nil
		}
	}
	return last
}

func newestWhole(data [2]*dataFile) (last *lastPublication) {
	for _, d := range data {
		if d == nil || checked(d.sound) != nil {
			continue
		}
		if p := d.publication(); last == nil || p.sequence > last.sequence {
			last = &lastPublication{p, d}
		}
	}
	return last
}

// lastForeign returns the publication that v announces if a writer of mmap-sync has made it, and
// nil otherwise. Earlier publications of our writer cannot be trusted then, since the crate's
// writer does not change footers. The copy that is returned proves it, since that writer may live.
func (w *Writer) lastForeign(v Version, ours [2]*dataFile) *lastPublication {
	before := newestWhole(ours)
	if d := ours[v.Index()]; v == 0 || d != nil && d.publication().announcedBy(v) == nil {
		return nil
	}
	f := foreign{sys: w.sys, paths: w.paths}
	defer f.close()
	content, _, err := f.copyFrom(v, w.sys.user())
	if err != nil || uint32(foreignHash(content)&(1<<checksumBits-1)) != v.Checksum() {
		return nil
	}
	p := publication{sequence: 1, size: uint64(len(content)), hash: contentHash(content)}
	if before != nil {
		p.sequence += before.sequence
	}
	return &lastPublication{p, &dataFile{identity: identity{index: v.Index()}, memory: content}}
}

// sound returns what is wrong with a data file of which only the footer says what it holds. If the
// hash is the caller's of Update, the footer is believed.
func (d *dataFile) sound() error {
	if err := d.checkIdentity(); err != nil {
		return err
	}
	p := d.publication()
	if p.sequence == 0 || p.size > uint64(d.capacity) {
		return formatReason("the file holds no publication")
	}
	err := d.verify(newVersion(d.index, int64(p.size), p.hash))
	if errors.Is(err, ErrNotHashed) {
		return nil
	}
	return err
}

// note keeps what was wrong for Stats, without the remedy, which is under way.
func (w *Writer) note(err error) {
	if damaged := new(FormatError); errors.As(err, &damaged) {
		reason, _, _ := strings.Cut(damaged.Reason, remedy)
		err = &FormatError{damaged.Path, reason}
	}
	w.stats.Damage = err
}

// repairable reports whether an error of adopt is about the files, and not about the system.
func (w *Writer) repairable(err error) bool {
	if damaged := new(FormatError); errors.As(err, &damaged) {
		return true
	}
	for _, path := range w.paths.all() {
		if irregular, err := w.sys.irregular(path); irregular && err == nil {
			return true
		}
	}
	return false
}

// forgotten reports that the state file announces nothing although there was more than one
// publication: it was zeroed. After the first publication the writer may have been killed before it
// announced it.
func (w *Writer) forgotten() error {
	if w.version != 0 {
		return nil
	}
	if last := newestWhole(w.data); last != nil && last.sequence > 1 {
		return explain(w.paths, w.paths.state(),
			formatReason(fmt.Sprintf("it announces nothing, after %d publications", last.sequence)))
	}
	return nil
}

// make makes the files of a path whose state file is missing or cannot be used. If the path had
// files before, the last publication stays.
func (w *Writer) make(draft file, slots int) error {
	var data [2]*dataFile
	if w.repairs {
		data = w.leftBehind()
	}
	defer unmapAll(&data)
	if data != [2]*dataFile{} && w.stats.Damage == nil {
		w.note(&FormatError{w.paths.state(), "the file is missing, and others of its set are not"})
	}
	return w.makeWith(draft, slots, newest(&data))
}

// makeAnew replaces the damaged files. f is the state file: its lock keeps other writers away until
// that of the new one does.
func (w *Writer) makeAnew(f file, slots int, damage error) error {
	w.note(damage)
	unmapAll(&w.data)
	data := w.leftBehind()
	defer unmapAll(&data)
	var last *lastPublication
	if w.state != nil {
		last = w.lastForeign(Version(w.state.version.Load()), data)
	}
	if last != nil {
		w.note(&FormatError{w.paths.state(), "a writer of mmap-sync 2.x has published here"})
		unmapAll(&data)
	} else {
		last = newest(&data)
	}
	locked := &Writer{state: w.state, registry: w.registry}
	defer locked.release()
	if w.state == nil {
		defer f.close()
	}
	w.state, w.registry, w.version, w.sequence = nil, nil, 0, 0
	draft, err := w.replacementDraft()
	if err != nil {
		return err
	}
	return w.makeWith(draft, slots, last)
}

// makeWith builds the files, and removes the draft if that fails.
func (w *Writer) makeWith(draft file, slots int, last *lastPublication) error {
	if w.stats.Damage != nil {
		w.stats.Rebuilds++
		w.generation = max(w.generation, generationFloor())
	}
	err := w.build(draft, slots, last)
	if err != nil && !errors.Is(err, ErrLocked) { // if so, the draft is another writer's
		w.sys.remove(temporary(w.paths.state()))
	}
	return err
}

// replacementDraft makes and locks the draft of another state file, under the lock of the current
// one.
func (w *Writer) replacementDraft() (file, error) {
	draft := temporary(w.paths.state())
	if err := w.sys.discard(draft); err != nil {
		return nil, err
	}
	f, err := w.sys.create(draft, stateSize, statePermissions)
	if err != nil {
		return nil, err
	}
	if err := f.lock(stateLockByte, 1); err != nil {
		f.close()
		return nil, errors.Join(err, w.sys.remove(draft))
	}
	return f, nil
}

// generationFloor returns a generation above any that was in use on a path whose files do not tell:
// it follows from the time, since a second has no room for 65,536 replacements.
func generationFloor() uint64 {
	return uint64(time.Now().Unix()) << 16 & (maxRegistryGeneration - 1)
}

// leftBehind maps the data files that exist, to read.
func (w *Writer) leftBehind() (data [2]*dataFile) {
	for i := range data {
		data[i], _ = openData(w.sys, w.paths.data(i), i, w.sys.user(), mmap.ReadOnly)
	}
	return data
}

func unmapAll(data *[2]*dataFile) {
	for i, d := range data {
		if d != nil {
			d.unmap()
			data[i] = nil
		}
	}
}
