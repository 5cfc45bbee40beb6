package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/dgryski/go-metro"
)

// A checkpoint is a header, the cells of each dimension in the aggregator's order, and a hash of all that comes
// before it. All integers are little endian.
//
//	0   u64 magic
//	8   u64 seed of the keys' hash
//	16  u64 hash of the features: their folds decide what a cell is
//	24  u32 number of dimensions, then for each dimension
//	    u32 words of a cell, u64 number of keys, then for each key
//	        u64 key, i64 time of the last event, the cell
//	end u64 hash
const (
	checkpointMagic  = 0x31544e5043474748 // "HGGCPNT1"
	checkpointHeader = 28
	checkpointSeed   = 0x636865636b // of its hash and of the features' hash
)

var le = binary.LittleEndian

// Checkpoint writes everything kept to path, under a temporary name first, so that path is always whole; what was
// there before becomes path+".old". seed is that of the keys.
func (a *Aggregator) Checkpoint(path string, seed uint64) error {
	temporary := path + ".new"
	if err := a.write(temporary, seed); err != nil {
		os.Remove(temporary)
		return err
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(temporary, path)
}

func (a *Aggregator) write(path string, seed uint64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := &hashingWriter{file: f, hash: checkpointSeed}
	w.buf = le.AppendUint64(w.buf, checkpointMagic)
	w.buf = le.AppendUint64(w.buf, seed)
	w.buf = le.AppendUint64(w.buf, a.layout())
	w.buf = le.AppendUint32(w.buf, uint32(len(a.dimensions)))
	for _, d := range a.dimensions {
		a.tables[d].write(w)
	}
	err = w.finish()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (t *table) write(w *hashingWriter) {
	w.buf = le.AppendUint32(w.buf, uint32(t.plan.words))
	w.buf = le.AppendUint64(w.buf, uint64(len(t.index)))
	for place, key := range t.keys {
		if key == 0 {
			continue
		}
		w.buf = le.AppendUint64(w.buf, key)
		w.buf = le.AppendUint64(w.buf, uint64(t.last[place]))
		for _, word := range t.cell(uint32(place)) {
			w.buf = le.AppendUint32(w.buf, word)
		}
		w.flushFull()
	}
}

// hashChunk is the run of bytes that is hashed at a time, each with the hash so far as seed.
const hashChunk = 1 << 16

// hashingWriter writes what is appended to buf, in chunks. The first error stays.
type hashingWriter struct {
	file *os.File
	buf  []byte
	hash uint64
	err  error
}

func (w *hashingWriter) flushFull() {
	for len(w.buf) >= hashChunk {
		w.flush(hashChunk)
	}
}

func (w *hashingWriter) flush(n int) {
	w.hash = metro.Hash64(w.buf[:n], w.hash)
	if w.err == nil {
		_, w.err = w.file.Write(w.buf[:n])
	}
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
}

func (w *hashingWriter) finish() error {
	w.flushFull()
	w.flush(len(w.buf))
	if w.err != nil {
		return w.err
	}
	_, err := w.file.Write(le.AppendUint64(nil, w.hash))
	return err
}

// layout tells checkpoints of other features apart: by their names and folds, not by what people read about them.
func (a *Aggregator) layout() uint64 {
	var text []byte
	for _, f := range a.features {
		text = fmt.Appendf(text, "%s %+v\n", f.FullName(), f.Fold)
	}
	return metro.Hash64(text, checkpointSeed)
}

// Restore takes up the checkpoint at path, or, where that is damaged, the one before it. The Aggregator must be
// empty, and stays so on an error. fs.ErrNotExist tells that there is none.
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
	b, err := a.read(path)
	if err != nil {
		return err
	}
	r := &checkpointReader{rest: b}
	if magic := r.uint64(); magic != checkpointMagic {
		return fmt.Errorf("%s: magic %#x, expected %#x: not a checkpoint", path, magic, uint64(checkpointMagic))
	}
	if !intact(b) {
		return fmt.Errorf("%s: damaged: its hash does not match", path)
	}
	r.rest = r.rest[:len(r.rest)-8]
	if r.uint64() != seed {
		return fmt.Errorf("%s: of another feature table: its keys have another seed", path)
	}
	if r.uint64() != a.layout() || r.uint32() != uint32(len(a.dimensions)) {
		return fmt.Errorf("%s: of another release: its features are others", path)
	}
	tables := make([]*table, len(a.dimensions))
	for i, d := range a.dimensions {
		tables[i] = newTable(a.tables[d].plan, a.tables[d].maxKeys)
		if !tables[i].read(r) {
			return fmt.Errorf("%s: dimension %s is damaged or has more keys than this configuration keeps", path, d)
		}
	}
	if len(r.rest) != 0 {
		return fmt.Errorf("%s: damaged: %d bytes after the last dimension", path, len(r.rest))
	}
	for i, d := range a.dimensions {
		a.tables[d] = tables[i]
	}
	return nil
}

// read gives the file's bytes, refusing what is larger than anything this configuration can have written.
func (a *Aggregator) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	limit := int64(checkpointHeader + 8)
	for _, d := range a.dimensions {
		limit += 12 + int64(a.tables[d].maxKeys)*int64(16+4*a.tables[d].plan.words)
	}
	if !info.Mode().IsRegular() || info.Size() < checkpointHeader+8 || info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes: not a checkpoint, or of a larger configuration", path, info.Size())
	}
	b := make([]byte, info.Size())
	_, err = io.ReadFull(f, b)
	return b, err
}

func intact(b []byte) bool {
	body, want := b[:len(b)-8], le.Uint64(b[len(b)-8:])
	hash := uint64(checkpointSeed)
	for chunk := range slices.Chunk(body, hashChunk) {
		hash = metro.Hash64(chunk, hash)
	}
	if len(body)%hashChunk == 0 { // the writer's last, empty chunk
		hash = metro.Hash64(nil, hash)
	}
	return hash == want
}

// read fills an empty table. A key of 0, one that stands twice, a cell that fold cannot have made, or bytes that run
// out are not ok.
func (t *table) read(r *checkpointReader) bool {
	words, keys := int(r.uint32()), r.uint64()
	if words != t.plan.words || keys > uint64(t.maxKeys) || keys > uint64(len(r.rest)/(16+4*words)) {
		return false
	}
	for range keys {
		key, last := r.uint64(), int64(r.uint64())
		if _, double := t.index[key]; key == 0 || double {
			return false
		}
		place := t.place()
		t.index[key], t.keys[place], t.last[place] = place, key, last
		for i := range t.cell(place) {
			t.cell(place)[i] = r.uint32()
		}
		if !t.plan.sound(t.cell(place)) {
			return false
		}
	}
	return true
}

// checkpointReader takes integers from the front of rest; 0 when there are not enough bytes.
type checkpointReader struct{ rest []byte }

func (r *checkpointReader) uint64() uint64 {
	if len(r.rest) < 8 {
		r.rest = nil
		return 0
	}
	v := le.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

func (r *checkpointReader) uint32() uint32 {
	if len(r.rest) < 4 {
		r.rest = nil
		return 0
	}
	v := le.Uint32(r.rest)
	r.rest = r.rest[4:]
	return v
}
