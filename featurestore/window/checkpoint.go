package window

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgryski/go-metro"
	"github.com/tinylib/msgp/msgp"
)

// A checkpoint is
//
//	0   "HGCPNT03"
//	8   u32 length of the header, at most maxHeader; u32 0
//	16  the header: a msgp map, see checkpointHeader
//	    u64 hash
//
// then for each dimension in the header's order, for each of its shards
//
//	0   u32 places, u32 0, u64 state of the eviction's choice
//	16  u32 bytes of the admission sketch (0: none), u32 counts since it was halved
//	24  the cells of all places: words in the machine's byte order, which the header tells; key 0 is a free place
//	    the sketch
//	    u64 hash
//
// Every hash is that of what follows the last one, with the last one as its seed; the integers outside of cells are
// little endian. A file that ends early, or has anything behind the last hash, is damaged.
const (
	checkpointMagic   = "HGCPNT03"
	checkpointPreface = 16
	sectionHead       = 24
	hashBytes         = 8
	maxHeader         = 1 << 16
	checkpointSeed    = 0x636865636b // of the first hash and of the features' hash
)

var le = binary.LittleEndian

// checkpointHeader tells what a checkpoint is of.
type checkpointHeader struct {
	order  uint64 // byteOrder as the writer's machine keeps it
	seed   uint64 // of the keys' hash
	layout uint64 // hash of the features: their folds decide what a cell is
	keys   uint64 // Config.MaxKeys
	parts  []checkpointPart
}

// checkpointPart is one dimension, or the loads of hosts.
type checkpointPart struct {
	name          string
	words, shards uint64
}

// byteOrder gives a number that tells byte orders apart.
func byteOrder() uint64 { return uint64(le.Uint32(bytesOf([]uint32{0x01020304}))) }

// loadsPart names the part that no dimension is.
const loadsPart = "loads"

// part is what a checkpoint keeps of one dimension.
type keptPart struct {
	name   string
	plan   *plan
	shards []*shard
}

// kept gives everything that a checkpoint keeps.
func (a *Aggregator) kept() (parts []keptPart) {
	for _, t := range a.tables {
		parts = append(parts, keptPart{t.dimension.String(), t.plan, pointers(t.shards)})
	}
	if a.loads != nil {
		parts = append(parts, keptPart{loadsPart, a.loads.shard.plan, []*shard{&a.loads.shard}})
	}
	return parts
}

func pointers(shards []shard) []*shard {
	p := make([]*shard, len(shards))
	for i := range shards {
		p[i] = &shards[i]
	}
	return p
}

func (a *Aggregator) header(seed uint64) checkpointHeader {
	h := checkpointHeader{order: byteOrder(), seed: seed, layout: a.layout(), keys: uint64(a.config.MaxKeys)}
	for _, p := range a.kept() {
		h.parts = append(h.parts, checkpointPart{p.name, uint64(p.plan.words), uint64(len(p.shards))})
	}
	return h
}

// layout tells checkpoints of other features apart: by their names and folds, not by what people read about them.
func (a *Aggregator) layout() uint64 {
	var text []byte
	for _, f := range a.config.Features {
		text = fmt.Appendf(text, "%s %+v\n", f.FullName(), f.Fold)
	}
	return metro.Hash64(text, checkpointSeed)
}

// append gives the file's beginning, up to the first hash.
func (h *checkpointHeader) append(b []byte) []byte {
	b = append(b, checkpointMagic...)
	b = le.AppendUint64(b, 0)
	b = msgp.AppendMapHeader(b, 5)
	for _, field := range h.fields() {
		b = msgp.AppendString(b, field.name)
		b = msgp.AppendUint64(b, *field.value)
	}
	b = msgp.AppendString(b, "parts")
	b = msgp.AppendArrayHeader(b, uint32(len(h.parts)))
	for _, p := range h.parts {
		b = msgp.AppendArrayHeader(b, 3)
		b = msgp.AppendString(b, p.name)
		b = msgp.AppendUint64(b, p.words)
		b = msgp.AppendUint64(b, p.shards)
	}
	le.PutUint32(b[8:], uint32(len(b)-checkpointPreface))
	return b
}

type headerField struct {
	name  string
	value *uint64
}

func (h *checkpointHeader) fields() []headerField {
	return []headerField{{"order", &h.order}, {"seed", &h.seed}, {"layout", &h.layout}, {"keys", &h.keys}}
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
	if err == nil && fields != 3 {
		err = fmt.Errorf("%d fields of a part, expected 3", fields)
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
	return b, err
}

// section is what a checkpoint keeps of a shard.
type section struct {
	head   []byte
	cells  []uint32
	sketch []byte
}

// take copies a shard.
func (c *section) take(s *shard) {
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
	last = metro.Hash64(c.head, last)
	last = metro.Hash64(bytesOf(c.cells), last)
	return metro.Hash64(c.sketch, last)
}
