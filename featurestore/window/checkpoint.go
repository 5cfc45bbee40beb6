package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dgryski/go-metro"
	"github.com/tinylib/msgp/msgp"
)

// A checkpoint is
//
//	0   "HGCPNT04"
//	8   u32 length of the header, at most maxHeader; u32 0
//	16  the header: a msgp map, see checkpointHeader
//	    u64 hash
//
// then for each dimension in the header's order, for each of its shards
//
//	0   u32 places, u32 0, u64 state of the eviction's choice
//	16  u32 bytes of the admission sketch (0: none), u32 counts since it was halved
//	24  the cells of all places: words in the machine's byte order, which the header has; key 0 is a free place
//	    the sketch
//	    u64 hash
//
// Every hash is that of the pieces that follow the last one, each with the previous hash as its
// seed: the header with what is before it, a shard's head, its cells, as many to a piece as
// pieceWords holds, and its sketch, pieceBytes to a piece. The integers outside of cells are little
// endian. A file that ends early, or has anything behind the last hash, is damaged.
const (
	checkpointMagic   = "HGCPNT04"
	checkpointPreface = 16
	sectionHead       = 24
	hashBytes         = 8
	maxHeader         = 1 << 20
	checkpointSeed    = 0x636865636b // of the first hash
	pieceWords        = 1 << 18
	pieceBytes        = 4 * pieceWords
)

// olderSuffix is appended to the name of a checkpoint when another one takes its place.
const olderSuffix = ".old"

var le = binary.LittleEndian

// checkpointHeader describes the content of a checkpoint.
type checkpointHeader struct {
	order  uint64 // byteOrder as the writer's machine keeps it
	seed   uint64 // of the keys' hash
	keys   uint64 // Config.MaxKeys
	ticked uint64 // 1: there was a Tick
	now    uint64 // its time, steady, like all times in cells; signed, as the following
	offset uint64 // what the wall clock was set by until then
	boot   uint64 // of the last Clock; 0 where there was none
	zero   uint64 // see reference
	parts  []checkpointPart
}

// checkpointPart is one dimension, or what the intake keeps.
type checkpointPart struct {
	name          string
	words, shards uint64
	states        []state
}

// byteOrder returns a number that differs between byte orders.
func byteOrder() uint64 { return uint64(le.Uint32(wordBytes([]uint32{0x01020304}))) }

// loadsPart names the loads of hosts.
const loadsPart = "loads"

// part is what a checkpoint keeps of one dimension.
type keptPart struct {
	name   string
	plan   *plan
	shards []*shard
}

// kept returns everything that a checkpoint keeps.
func (a *Aggregator) kept() (parts []keptPart) {
	for _, t := range a.tables {
		parts = append(parts, keptPart{t.dimension.String(), t.plan, pointers(t.shards)})
	}
	return append(parts, a.intake.kept()...)
}

func pointers(shards []shard) []*shard {
	p := make([]*shard, len(shards))
	for i := range shards {
		p[i] = &shards[i]
	}
	return p
}

func (a *Aggregator) header(seed uint64) checkpointHeader {
	h := checkpointHeader{order: byteOrder(), seed: seed, keys: uint64(a.config.MaxKeys),
		offset: uint64(a.clock.offset)}
	if a.ticked {
		h.ticked, h.now = 1, uint64(a.now)
	}
	if a.reference.known {
		h.boot, h.zero = a.reference.boot, uint64(a.reference.zero)
	}
	for _, p := range a.kept() {
		h.parts = append(h.parts, checkpointPart{p.name, uint64(p.plan.words),
			uint64(len(p.shards)), p.plan.states()})
	}
	return h
}

// append returns the file's beginning, up to the first hash.
func (h *checkpointHeader) append(b []byte) []byte {
	b = append(b, checkpointMagic...)
	b = le.AppendUint64(b, 0)
	b = msgp.AppendMapHeader(b, uint32(len(h.fields())+1))
	for _, field := range h.fields() {
		b = msgp.AppendString(b, field.name)
		b = msgp.AppendUint64(b, *field.value)
	}
	b = msgp.AppendString(b, "parts")
	b = msgp.AppendArrayHeader(b, uint32(len(h.parts)))
	for _, p := range h.parts {
		b = p.append(b)
	}
	le.PutUint32(b[8:], uint32(len(b)-checkpointPreface))
	return b
}

func (p *checkpointPart) append(b []byte) []byte {
	b = msgp.AppendArrayHeader(b, 4)
	b = msgp.AppendString(b, p.name)
	b = msgp.AppendUint64(b, p.words)
	b = msgp.AppendUint64(b, p.shards)
	b = msgp.AppendArrayHeader(b, uint32(len(p.states)))
	for _, s := range p.states {
		b = msgp.AppendArrayHeader(b, uint32(1+2*len(s.runs)))
		b = msgp.AppendString(b, s.name)
		for _, r := range s.runs {
			b = msgp.AppendInt(msgp.AppendInt(b, r.at), r.words)
		}
	}
	return b
}

type headerField struct {
	name  string
	value *uint64
}

func (h *checkpointHeader) fields() []headerField {
	return []headerField{{"order", &h.order}, {"seed", &h.seed}, {"keys", &h.keys},
		{"ticked", &h.ticked}, {"now", &h.now},
		{"offset", &h.offset}, {"boot", &h.boot}, {"zero", &h.zero}}
}

// decode reads the msgp map. Fields that it does not know are skipped.
func (h *checkpointHeader) decode(b []byte) (err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; err == nil && n > 0; n-- {
		var name []byte
		if name, b, err = msgp.ReadMapKeyZC(b); err == nil {
			b, err = h.decodeField(string(name), b)
		}
	}
	if err == nil && len(b) != 0 {
		err = errors.New("bytes after the header's map")
	}
	return err
}

func (h *checkpointHeader) decodeField(name string, b []byte) (rest []byte, err error) {
	for _, field := range h.fields() {
		if field.name == name {
			*field.value, rest, err = msgp.ReadUint64Bytes(b)
			return rest, err
		}
	}
	if name == "parts" {
		return h.decodeParts(b)
	}
	return msgp.Skip(b)
}

func (h *checkpointHeader) decodeParts(b []byte) (rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	h.parts = nil
	for ; err == nil && n > 0; n-- {
		var p checkpointPart
		if b, err = p.decode(b); err == nil {
			h.parts = append(h.parts, p)
		}
	}
	return b, err
}

func (p *checkpointPart) decode(b []byte) (rest []byte, err error) {
	fields, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && fields != 4 {
		err = fmt.Errorf("%d fields of a part, expected 4", fields)
	}
	if err == nil {
		p.name, b, err = msgp.ReadStringBytes(b)
	}
	if err == nil {
		p.words, b, err = msgp.ReadUint64Bytes(b)
	}
	if err == nil {
		p.shards, b, err = msgp.ReadUint64Bytes(b)
	}
	if err == nil && (p.words < headWords || p.words > maxWords) {
		err = fmt.Errorf("cells of %d words", p.words)
	}
	if err == nil {
		b, err = p.decodeStates(b)
	}
	return b, err
}

func (p *checkpointPart) decodeStates(b []byte) (rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	for ; err == nil && n > 0; n-- {
		var s state
		if b, err = s.decode(b, int(p.words)); err == nil {
			p.states = append(p.states, s)
		}
	}
	return b, err
}

// decode reads a state of cells of the given size. It refuses what does not lie in them.
func (s *state) decode(b []byte, words int) (rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && (n < 3 || n%2 == 0) {
		err = fmt.Errorf("%d fields of a state", n)
	}
	if err == nil {
		s.name, b, err = msgp.ReadStringBytes(b)
	}
	for n /= 2; err == nil && n > 0; n-- {
		var r run
		if r.at, b, err = msgp.ReadIntBytes(b); err == nil {
			r.words, b, err = msgp.ReadIntBytes(b)
		}
		if err == nil && (r.at < headWords || r.words < 1 || r.words > words ||
			r.at > words-r.words) {
			err = fmt.Errorf("state %q lies at %d to %d of %d words", s.name, r.at, r.at+r.words,
				words)
		}
		s.runs = append(s.runs, r)
	}
	return b, err
}

// section is what a checkpoint keeps of a shard.
type section struct {
	words  int // of a cell
	head   []byte
	cells  []uint32
	sketch []byte
}

// take copies a shard.
func (c *section) take(s *shard) {
	c.words = s.plan.words
	c.head = le.AppendUint32(c.head[:0], uint32(len(s.minutes)))
	c.head = le.AppendUint32(c.head, 0)
	c.head = le.AppendUint64(c.head, s.random)
	c.head = le.AppendUint32(c.head, uint32(len(s.admission.counts)))
	c.head = le.AppendUint32(c.head, uint32(s.admission.added))
	c.cells = append(c.cells[:0], s.cells...)
	c.sketch = append(c.sketch[:0], s.admission.counts...)
}

// hash continues the file's hash.
func (c *section) hash(last uint64) uint64 {
	last = hashPieces(last, c.head, pieceBytes)
	last = hashPieces(last, wordBytes(c.cells), cellsBytes(c.words))
	return hashPieces(last, c.sketch, pieceBytes)
}

// hashPieces continues a hash by pieces of the given size.
func hashPieces(last uint64, b []byte, size int) uint64 {
	for piece := range slices.Chunk(b, size) {
		last = metro.Hash64(piece, last)
	}
	return last
}

// cellsBytes is the size of a piece of cells.
func cellsBytes(words int) int { return 4 * (pieceWords / words * words) }
