package window

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/dgryski/go-metro"
)

// Restore takes up the checkpoint at path, or, where that is damaged, the one before it. Where it has more keys than
// Config.MaxKeys allows, the most recently active are kept and the others counted. The Aggregator must be empty, and
// stays so on an error. fs.ErrNotExist tells that there is none.
func (a *Aggregator) Restore(path string, seed uint64) error {
	err := a.restore(path, seed)
	if err == nil {
		return nil
	}
	older := a.restore(path+".old", seed)
	if older == nil || errors.Is(err, fs.ErrNotExist) {
		return older
	}
	return err
}

func (a *Aggregator) restore(path string, seed uint64) error {
	r, err := openCheckpoint(path)
	if err != nil {
		return err
	}
	defer r.file.Close()
	if err := r.readHeader(); err != nil {
		return err
	}
	want := a.header(seed)
	switch {
	case r.header.order != want.order:
		return fmt.Errorf("%s: of a machine with another byte order", path)
	case r.header.seed != seed:
		return fmt.Errorf("%s: of another feature table: its keys have another seed", path)
	case r.header.layout != want.layout || !sameParts(r.header.parts, want.parts):
		return fmt.Errorf("%s: of another release: its features are others", path)
	}
	fresh, err := New(a.config)
	if err != nil {
		return err
	}
	for i, p := range fresh.kept() {
		part := restoredPart{keptPart: p, same: r.header.keys == want.keys && r.header.parts[i].shards == want.parts[i].shards}
		if err := r.readPart(&part, r.header.parts[i].shards); err != nil {
			return err
		}
		fresh.counts.unrestored += part.left
	}
	if r.rest != 0 {
		return fmt.Errorf("%s: damaged: %d bytes after the last shard", path, r.rest)
	}
	a.take(fresh)
	return nil
}

// take takes over what another Aggregator of the same configuration keeps.
func (a *Aggregator) take(other *Aggregator) {
	a.tables, a.loads, a.crew, a.follower = other.tables, other.loads, other.crew, nil
	a.counts.unrestored += other.counts.unrestored
}

// sameParts compares but for the number of shards.
func sameParts(a, b []checkpointPart) bool {
	return slices.EqualFunc(a, b, func(x, y checkpointPart) bool { return x.name == y.name && x.words == y.words })
}

// checkpointReader reads a checkpoint from its front.
type checkpointReader struct {
	path   string
	file   *os.File
	buf    *bufio.Reader
	rest   int64 // bytes that were not read yet
	hash   uint64
	header checkpointHeader
}

func openCheckpoint(path string) (*checkpointReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &checkpointReader{path: path, file: f, buf: bufio.NewReaderSize(f, 1<<16), rest: info.Size(), hash: checkpointSeed}, nil
}

func (r *checkpointReader) damaged(what string) error {
	return fmt.Errorf("%s: damaged: %s", r.path, what)
}

// read fills b. No more is asked for than the file has.
func (r *checkpointReader) read(b []byte) error {
	if int64(len(b)) > r.rest {
		return r.damaged("it ends early")
	}
	r.rest -= int64(len(b))
	_, err := io.ReadFull(r.buf, b)
	return err
}

// checkHash reads a hash, which must be the one so far.
func (r *checkpointReader) checkHash() error {
	var b [hashBytes]byte
	if err := r.read(b[:]); err != nil {
		return err
	}
	if le.Uint64(b[:]) != r.hash {
		return r.damaged("its hash does not match")
	}
	return nil
}

func (r *checkpointReader) readHeader() error {
	b := make([]byte, checkpointPreface)
	if err := r.read(b); err != nil {
		return err
	}
	if string(b[:8]) != checkpointMagic {
		return fmt.Errorf("%s: begins with %q, expected %q: not a checkpoint of this release", r.path, b[:8], checkpointMagic)
	}
	n := le.Uint32(b[8:])
	if n > maxHeader {
		return r.damaged("its header is too long")
	}
	b = append(b, make([]byte, n)...)
	if err := r.read(b[checkpointPreface:]); err != nil {
		return err
	}
	r.hash = metro.Hash64(b, r.hash)
	if err := r.checkHash(); err != nil {
		return err
	}
	if err := r.header.decode(b[checkpointPreface:]); err != nil {
		return r.damaged(err.Error())
	}
	return nil
}

// restoredPart is a dimension that is being restored.
type restoredPart struct {
	keptPart
	same  bool       // the shards of the checkpoint are those of this configuration
	loose [][]uint32 // where they are not: the cells of the checkpoint's shards
	left  uint64     // keys that found no room
}

func (r *checkpointReader) readPart(p *restoredPart, shards uint64) error {
	for i := range shards {
		var err error
		if p.same {
			err = r.readShard(p.shards[i])
		} else {
			err = r.readLoose(p)
		}
		if err != nil {
			return err
		}
	}
	if !p.same && !p.rehome() {
		return r.damaged("a key stands twice or a cell is none, in " + p.name)
	}
	return nil
}

// readSection reads a shard's bytes.
func (r *checkpointReader) readSection(words int) (c section, places int, err error) {
	c.head = make([]byte, sectionHead)
	if err := r.read(c.head); err != nil {
		return c, 0, err
	}
	places, sketch := int(le.Uint32(c.head)), int64(le.Uint32(c.head[16:]))
	if int64(places)*int64(4*words)+sketch > r.rest {
		return c, 0, r.damaged("it ends early")
	}
	c.cells, c.sketch = make([]uint32, places*words), make([]byte, sketch)
	adviseHuge(wholePages(c.cells))
	if err := r.read(bytesOf(c.cells)); err != nil {
		return c, 0, err
	}
	if err := r.read(c.sketch); err != nil {
		return c, 0, err
	}
	r.hash = c.hash(r.hash)
	return c, places, r.checkHash()
}

// readShard makes a shard what it was.
func (r *checkpointReader) readShard(s *shard) error {
	c, places, err := r.readSection(s.plan.words)
	if err != nil {
		return err
	}
	random, added := le.Uint64(c.head[8:]), le.Uint32(c.head[20:])
	width := 2 * widthFor(s.capacity)
	if places > s.capacity || random == 0 || len(c.sketch) != 0 && len(c.sketch) != width || int64(added) > int64(width) {
		return r.damaged("a shard that this release does not make")
	}
	s.random = random
	if len(c.sketch) > 0 {
		s.admission = admission{counts: c.sketch, added: int(added)}
	}
	if !s.adopt(c.cells, places) {
		return r.damaged("a key stands twice or a cell is none")
	}
	return nil
}

// adopt makes cells those of an empty shard.
func (s *shard) adopt(cells []uint32, places int) bool {
	s.cells, s.minutes = cells, make([]int32, places)
	s.free, s.dirty, s.known = s.free.grown(places), s.dirty.grown(places), s.known.grown(places)
	s.index.reserve(places)
	for place := range uint32(places) {
		cell := s.cell(place)
		key := keyOf(cell)
		if key == 0 {
			s.free.set(place)
			s.spare++
			continue
		}
		if !s.enter(key, place) {
			return false
		}
	}
	return true
}

// enter takes up the cell at a place that is not in the index yet.
func (s *shard) enter(key uint64, place uint32) bool {
	h, cell := mix(key), s.cell(place)
	if s.find(key, h) != none || !s.plan.sound(cell) {
		return false
	}
	s.index.insert(uint32(h), place)
	s.minutes[place] = minuteOf(lastOf(cell))
	s.dirty.set(place)
	return true
}

func (r *checkpointReader) readLoose(p *restoredPart) error {
	c, _, err := r.readSection(p.plan.words)
	p.loose = append(p.loose, c.cells)
	return err
}

// rehome puts the cells of another configuration's shards into this one's: of each shard's keys the most recently
// active.
func (p *restoredPart) rehome() bool {
	for i, cells := range p.deal() {
		s := p.shards[i]
		slices.SortFunc(cells, func(a, b []uint32) int {
			return cmp.Or(cmp.Compare(lastOf(b), lastOf(a)), cmp.Compare(keyOf(a), keyOf(b)))
		})
		if len(cells) > s.capacity {
			p.left += uint64(len(cells) - s.capacity)
			cells = cells[:s.capacity]
		}
		s.reserve(len(cells))
		s.index.reserve(len(cells))
		for _, cell := range cells {
			place := s.append()
			copy(s.cell(place), cell)
			if !s.enter(keyOf(cell), place) {
				return false
			}
		}
	}
	return true
}

// deal gives the cells that are in use by the shard that their key falls to.
func (p *restoredPart) deal() [][][]uint32 {
	shift, hands := shiftFor(len(p.shards)), make([][][]uint32, len(p.shards))
	for _, all := range p.loose {
		for cell := range slices.Chunk(all, p.plan.words) {
			if key := keyOf(cell); key != 0 {
				shard := mix(key) >> shift
				hands[shard] = append(hands[shard], cell)
			}
		}
	}
	return hands
}
