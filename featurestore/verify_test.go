package featurestore_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/mmapsync"
)

// usedImage returns a table with a history: rows were put, deleted and evicted.
func usedImage(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "features")
	p, err := featurestore.OpenPublisher(path, smallSchema(), featurestore.PublisherConfig{Capacity: []int{40, 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := range uint64(35) {
		if err := errors.Join(p.Put(0, hashKey(n), noon, []float32{1, 2}), p.Put(1, hashKey(n), noon, []float32{3})); err != nil {
			t.Fatal(err)
		}
	}
	for n := range uint64(10) {
		p.Delete(0, hashKey(3*n))
		p.Delete(1, hashKey(34-n))
	}
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	snap, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	return slices.Clone(snap.Bytes())
}

// Verify notices a change of any byte with a meaning. Bytes without one are the padding after the
// directory records, the schema and the parts, up to their cache line, and rows without a key.
func TestVerifySeesEveryByte(t *testing.T) {
	image := usedImage(t)
	table, err := featurestore.OpenTable(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(); err != nil {
		t.Fatal(err)
	}
	meaningless := make([]bool, len(image))
	mark := func(from, to uint64) {
		for at := from; at < to; at++ {
			meaningless[at] = true
		}
	}
	word := binary.LittleEndian.Uint64
	mark(word(image[64:])+uint64(image[72]), word(image[128+16:])) // after the schema, of less than 256 bytes
	for d := range uint64(2) {
		e, stride := image[128+128*d:], 4*uint64(3+2-d)
		rows, end := word(e[24:]), uint64(len(image))
		if d == 0 {
			end = word(image[256+16:])
		}
		mark(rows+stride*word(e[64+8:]), end)
		for n := range word(e[64+8:]) {
			if row := rows + stride*n; word(image[row:]) == 0 {
				mark(row+12, row+stride)
			}
		}
	}
	for at := range image {
		for _, bit := range []byte{1, 0x80} {
			image[at] ^= bit
			table, err := featurestore.OpenTable(image)
			if err == nil {
				err = table.Verify()
			}
			if (err == nil) != meaningless[at] {
				t.Errorf("byte %d changed: %v, and it means nothing: %v", at, err, meaningless[at])
			}
			image[at] ^= bit
		}
	}
}

// Damage with correct hashes, as by an attacker, is found by its structure.
func TestVerifyFollowsEveryPlace(t *testing.T) {
	image := usedImage(t)
	word := binary.LittleEndian.Uint64
	index, rows := int(word(image[128+16:])), int(word(image[128+24:]))
	free := int(word(image[128+80:])) - 1
	entry := func(n int) int { // returns the offset of the row of the n-th used entry
		for bucket := index; bucket < rows; bucket += 64 {
			for p := range 10 {
				if binary.LittleEndian.Uint16(image[bucket+2*p:]) != 0 {
					if n--; n < 0 {
						return bucket + 24 + 4*p
					}
				}
			}
		}
		t.Fatal("too few entries")
		return 0
	}
	for name, damage := range map[string]func(b []byte){
		"two entries for a row":  func(b []byte) { copy(b[entry(0):][:4], b[entry(1):][:4]) },
		"a row out of range":     func(b []byte) { binary.LittleEndian.PutUint32(b[entry(0):], 1<<31) },
		"no row":                 func(b []byte) { binary.LittleEndian.PutUint32(b[entry(0):], 0) },
		"a cycle of free rows":   func(b []byte) { binary.LittleEndian.PutUint32(b[rows+20*free+8:], uint32(free+1)) },
		"free rows cut short":    func(b []byte) { binary.LittleEndian.PutUint32(b[rows+20*free+8:], 0) },
		"a free row of a key":    func(b []byte) { binary.LittleEndian.PutUint64(b[128+80:], 3) },
		"more keys than rows":    func(b []byte) { binary.LittleEndian.PutUint64(b[128+64:], 1<<40) },
		"more rows than entries": func(b []byte) { binary.LittleEndian.PutUint64(b[128+72:], 1<<40) },
		"keys spilled":           func(b []byte) { binary.LittleEndian.PutUint32(b[index+20:], 9) },
	} {
		b := slices.Clone(image)
		damage(b)
		sign(b)
		table, err := featurestore.OpenTable(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var format *featurestore.FormatError
		if err := table.Verify(); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
		visit(table)
	}
}

// adopt lets a publisher take over a published image, change it, and publish: the outcome is sound.
// It reports whether the table was continued.
func adopt(t *testing.T, image []byte) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "features")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Publish(image); err != nil {
		t.Fatal(err)
	}
	w.Close()
	p, err := featurestore.OpenPublisher(path, smallSchema(), featurestore.PublisherConfig{Capacity: []int{40, 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	store := openStore(t, path)
	for round := range 3 {
		for n := range uint64(60) {
			if err := errors.Join(p.Put(0, hashKey(n), noon, []float32{1, 2}), p.Put(1, hashKey(n/2), noon, []float32{3})); err != nil {
				t.Fatal(err)
			}
			p.Delete(0, hashKey(n/3))
		}
		if err := p.Publish(noon + int64(round)); err != nil {
			t.Fatal(err)
		}
		if err := store.View((*featurestore.Table).Verify); err != nil {
			t.Fatal(err)
		}
	}
	return p.Stats().Adopted
}

// FuzzAdopt lets a publisher continue any bytes, also with the hashes of header and directory
// corrected.
func FuzzAdopt(f *testing.F) {
	f.Add(usedImage(f))
	f.Add(smallImage(f))
	f.Fuzz(func(t *testing.T, image []byte) {
		adopt(t, image)
		signed := slices.Clone(image)
		sign(signed)
		adopt(t, signed)
	})
}

// The same with random damage to a table that would otherwise be continued.
func TestAdoptDamagedTables(t *testing.T) {
	image := usedImage(t)
	if !adopt(t, image) {
		t.Error("a sound table is not continued")
	}
	rng := rand.New(rand.NewPCG(30, 30))
	for range 100 {
		damaged := slices.Clone(image)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(damaged))
			if rng.IntN(2) == 0 {
				at = 128 + rng.IntN(256) // the directory
			}
			damaged[at] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(2) == 0 {
			sign(damaged)
		}
		adopt(t, damaged)
	}
}
