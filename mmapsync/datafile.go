package mmapsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/headgate/headgate/internal/base/mmap"
)

// A data file holds the content at offset 0, where mmap-sync 2.x readers expect it, and a footer in
// its last 64 bytes. The capacity is everything before the footer. The length is a multiple of 4096
// and never changes. Numbers are little endian. The first five fields are written before the file
// has its name and never again; the other four describe the content and change with it. The
// publication number is 0 from before the first byte of the content changes until all of it, and
// the other three fields, are written: a writer that is killed in between leaves a file that says
// so.
//
//	offset  size  content (offsets from the start of the footer)
//	0       8     magic "hgdatamm"
//	8       4     format version, 1
//	12      4     index of the data file, 0 or 1
//	16      8     generation, 1 to 2^62: higher than that of any file the path had before
//	24      8     capacity in bytes, the length of the file less 64
//	32      8     publication number of the content, from 1; 0 while there is none
//	40      8     size of the content in bytes
//	48      8     64-bit hash of the content
//	56      8     kind of that hash. 0: metro hash (seed: hashSeed); 1: the caller's of Update
const (
	dataMagic      = 0x6d6d617461646768
	dataFormat     = 1
	footerSize     = 64
	footerMagic    = 0
	footerFormat   = 8
	footerIndex    = 12
	footerGen      = 16
	footerCapacity = 24
	footerSequence = 32
	footerContent  = 40
	footerHash     = 48
	footerKind     = 56

	dataAlignment = 4096
	maxGeneration = 1 << 62
)

const dataPermissions os.FileMode = 0o640

// identity is the part of a footer that never changes.
type identity struct {
	index      int
	generation uint64
	capacity   int64
}

// publication is the part of a footer that describes the content.
type publication struct {
	sequence uint64
	size     uint64
	hash     uint64
	kind     uint64
}

// The kinds of hash in a footer. A snapshot made by Update is not hashed: that would cost the time
// that Update saves.
const (
	hashOfContent = 0
	hashOfCaller  = 1
)

// dataFile is a mapped data file: read-write in the writer, read-only in readers.
type dataFile struct {
	identity
	file   file // closed; for unmap
	memory []byte
	paths  paths // in readers, for the errors of Verify

	// content is what the writer knows of the content, whatever the footer says; zero while the
	// content is of no use.
	content publication

	// unknown is set in a file that a writer found inactive and has not filled yet: its content was
	// not checked.
	unknown bool

	// onHeap is set if this is not a file but a copy on the heap of what a writer has published.
	// content is then what the file's footer said.
	onHeap bool

	// unmapped is separate from memory, which guards read: words in mapped memory order that no
	// guard reads it any more, and the race detector does not see them.
	unmapped bool
}

// dataLength returns the length of a file with room for capacity bytes, and the capacity that this
// length has.
func dataLength(capacity int64) (length, real int64) {
	length = (capacity + footerSize + dataAlignment - 1) &^ (dataAlignment - 1)
	return length, length - footerSize
}

func encodeIdentity(footer []byte, id identity) {
	binary.LittleEndian.PutUint64(footer[footerMagic:], dataMagic)
	binary.LittleEndian.PutUint32(footer[footerFormat:], dataFormat)
	binary.LittleEndian.PutUint32(footer[footerIndex:], uint32(id.index))
	binary.LittleEndian.PutUint64(footer[footerGen:], id.generation)
	binary.LittleEndian.PutUint64(footer[footerCapacity:], uint64(id.capacity))
}

// decodeIdentity checks a footer of 64 bytes from a file of the given length. It reads only what
// never changes, because a reader whose slot is retired may be looking at a file that is being
// written.
func decodeIdentity(footer []byte, length int64) (identity, error) {
	if magic := binary.LittleEndian.Uint64(footer[footerMagic:]); magic != dataMagic {
		return identity{}, formatReason(
			fmt.Sprintf("not a data file: footer magic %#016x, want %#016x",
				magic, uint64(dataMagic)))
	}
	if format := binary.LittleEndian.Uint32(footer[footerFormat:]); format != dataFormat {
		return identity{}, formatReason(fmt.Sprintf("data format %d, this program knows %d", format,
			dataFormat))
	}
	index := binary.LittleEndian.Uint32(footer[footerIndex:])
	if index > 1 {
		return identity{}, formatReason(fmt.Sprintf("data file index %d, want 0 or 1", index))
	}
	generation := binary.LittleEndian.Uint64(footer[footerGen:])
	if generation < 1 || generation > maxGeneration {
		return identity{}, formatReason(fmt.Sprintf("generation %d, want 1 to 2^62", generation))
	}
	capacity := binary.LittleEndian.Uint64(footer[footerCapacity:])
	if want := uint64(length - footerSize); capacity != want {
		return identity{}, formatReason(
			fmt.Sprintf("footer says capacity %d, the file has room for %d", capacity, want))
	}
	return identity{index: int(index), generation: generation, capacity: int64(capacity)}, nil
}

// openData maps the data file of the given index, which must belong to owner.
func openData(sys system, path string, index, owner int, access mmap.Access) (*dataFile, error) {
	f, err := sys.open(path, access)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := belongs(f, owner); err != nil {
		return nil, err
	}
	if f.size() < dataAlignment || f.size()%dataAlignment != 0 {
		return nil, formatReason(fmt.Sprintf("the data file has %d bytes, want a multiple of %d",
			f.size(), dataAlignment))
	}
	memory, err := f.mapAll(access)
	if err != nil {
		return nil, err
	}
	var id identity
	err = checked(func() (err error) {
		id, err = decodeIdentity(memory[len(memory)-footerSize:],
			f.size())
		return err
	})
	if err == nil && id.index != index {
		err = formatReason(fmt.Sprintf("this is data file %d, want %d: were the files exchanged?",
			id.index, index))
	}
	if err != nil {
		f.unmap(memory)
		return nil, err
	}
	return &dataFile{identity: id, file: f, memory: memory}, nil
}

// installData makes a new data file, which fill completes before the file has its name.
func installData(sys system, path string, id identity, fill func(d *dataFile) error) (*dataFile,
	error) {
	length, capacity := dataLength(id.capacity)
	d := &dataFile{identity: id}
	d.capacity = capacity
	f, memory, err := install(sys, path, length, dataPermissions, func(memory []byte) error {
		d.memory = memory
		encodeIdentity(d.footer(), d.identity)
		return fill(d)
	})
	if err != nil {
		return nil, err
	}
	d.file, d.memory = f, memory
	f.close() // nothing is written back, so close cannot fail
	return d, nil
}

func (d *dataFile) footer() []byte { return d.memory[d.capacity:] }

// write replaces the content, which must fit. No reader may hold the file meanwhile.
func (d *dataFile) write(content []byte, p publication) {
	d.begin()
	copy(d.memory[:d.capacity], content)
	d.end(p)
}

// begin marks the file as without content before any of the content changes, and returns what the
// content was. The store is atomic so that the compiler keeps it before the others; processors need
// no more, since a kill comes between instructions.
func (d *dataFile) begin() (before publication) {
	before, d.content = d.content, publication{}
	mmap.Word64(d.footer(), footerSequence).Store(0)
	return before
}

// end writes what the content is, once it is complete.
func (d *dataFile) end(p publication) {
	footer := d.footer()
	binary.LittleEndian.PutUint64(footer[footerContent:], p.size)
	binary.LittleEndian.PutUint64(footer[footerHash:], p.hash)
	binary.LittleEndian.PutUint64(footer[footerKind:], p.kind)
	binary.LittleEndian.PutUint64(footer[footerSequence:], p.sequence)
	d.content, d.unknown = p, false
}

// publication returns what the footer says about the content; the caller holds the file.
func (d *dataFile) publication() publication {
	footer := d.footer()
	return publication{
		sequence: binary.LittleEndian.Uint64(footer[footerSequence:]),
		size:     binary.LittleEndian.Uint64(footer[footerContent:]),
		hash:     binary.LittleEndian.Uint64(footer[footerHash:]),
		kind:     binary.LittleEndian.Uint64(footer[footerKind:]),
	}
}

// verify recomputes the hash of the content that v announces; the caller holds the file. It returns
// ErrNotHashed if the hash is the caller's of Update and everything else is right.
func (d *dataFile) verify(v Version) error {
	if v.Size() > d.capacity {
		return tooLarge(v, d.capacity)
	}
	if d.onHeap {
		return verifyCopy(d.memory, d.content, v)
	}
	p := d.publication()
	if err := p.announcedBy(v); err != nil {
		return err
	}
	return p.verify(d.memory[:v.Size()])
}

// announcedBy reports whether v is the version word of p, and so of our writer: a writer of
// mmap-sync writes no footer.
func (p publication) announcedBy(v Version) error {
	if p.sequence == 0 || p.size != uint64(v.Size()) {
		return formatReason(fmt.Sprintf(
			"footer says publication %d of %d bytes, the version word says %d bytes",
			p.sequence, p.size, v.Size()))
	}
	if want := newVersion(v.Index(), v.Size(), p.hash); want != v {
		return formatReason(fmt.Sprintf("content checksum %#06x, the version word says %#06x",
			want.Checksum(), v.Checksum()))
	}
	return nil
}

// verify reports whether content has the hash that the footer names.
func (p publication) verify(content []byte) error {
	switch p.kind {
	case hashOfContent:
		if hash := contentHash(content); hash != p.hash {
			return formatReason(fmt.Sprintf("content hash %#016x, the footer says %#016x", hash,
				p.hash))
		}
		return nil
	case hashOfCaller:
		return ErrNotHashed
	}
	return formatReason(fmt.Sprintf("footer says hash of kind %d, this program knows 0 and 1",
		p.kind))
}

func tooLarge(v Version, capacity int64) error {
	return formatReason(fmt.Sprintf("the version word says %d bytes, the data file has room for %d",
		v.Size(), capacity))
}

func (d *dataFile) unmap() error {
	if d.unmapped {
		return errors.New("mmapsync: data file unmapped twice")
	}
	d.unmapped = true
	return d.file.unmap(d.memory)
}
