package featurestore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dgryski/go-metro"

	"github.com/headgate/headgate/featurestore"
)

// probe reads images that may be damaged: as a table and through a selection.
type probe struct {
	publish   func([]byte)
	selection *featurestore.Selection
}

func newProbe(t testing.TB) *probe {
	t.Helper()
	store, publish := publishBytes(t)
	return &probe{publish, store.Select([]string{"ip", "host"}, []string{"ip/requests", "host/rate", "ip/share", "host/none"})}
}

// look fails unless each way to read ends in values or a *FormatError. It reports whether both
// returned values.
func (p *probe) look(t testing.TB, image []byte) bool {
	t.Helper()
	var format *featurestore.FormatError
	table, err := featurestore.OpenTable(image)
	if err != nil && !errors.As(err, &format) {
		t.Fatalf("OpenTable: %v is no *FormatError", err)
	}
	if err == nil {
		visit(table)
	}
	dst := []float32{0, 0, 0, 0}
	p.publish(image)
	p.selection.Prefetch([]uint64{42, 42})
	_, rerr := p.selection.Read(dst, []uint64{42, 42}, noon)
	if rerr == nil {
		return err == nil
	}
	if !errors.As(rerr, &format) || format.Error() == "" {
		t.Fatalf("Read: %v is no *FormatError", rerr)
	}
	if slices.ContainsFunc(dst, func(v float32) bool { return v == v }) {
		t.Fatalf("Read: values %v with the error %v", dst, rerr)
	}
	return false
}

// visit looks up and lists everything.
func visit(table *featurestore.Table) {
	row := make([]float32, featurestore.MaxColumns)
	for d := range table.Schema.Dimensions {
		for _, key := range []uint64{0, 1, 42, 1 << 63, math.MaxUint64} {
			table.Row(d, key, row)
		}
		n := 0
		table.Each(d, func(uint64, int64, []float32) { n++ })
		_ = table.Evicted(d)
		if n < 0 || table.Keys(d) < 0 || table.Keys(d) > table.Size() {
			panic("counts out of range")
		}
	}
	table.Verify()
}

var wild = []uint64{0, 1, 2, 3, 7, 63, 64, 65, 127, 128, 1 << 10, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 56, 1 << 58,
	1<<61 - 1, 1 << 61, 1<<63 - 1, 1 << 63, 1<<64 - 64, 1<<64 - 1}

// No value of a field of header or directory causes a fault.
func TestWildFields(t *testing.T) {
	p, sound := newProbe(t), smallImage(t)
	if !p.look(t, sound) {
		t.Fatal("the image is not sound to begin with")
	}
	header := []int{0, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80}
	entry := []int{0, 8, 16, 24, 32, 36, 64, 72, 80, 88, 96, 104, 112}
	for _, field := range entry {
		header = append(header, 128+field, 128+128+field)
	}
	for _, at := range header {
		for _, value := range wild {
			for _, size := range []int{4, 8} {
				image := slices.Clone(sound)
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], value)
				copy(image[at:], b[:size])
				p.look(t, image)
				sign(image)
				p.look(t, image)
			}
		}
	}
}

// Fields that agree with each other but not with the image are rejected.
func TestWildPairs(t *testing.T) {
	p, sound := newProbe(t), smallImage(t)
	rng := rand.New(rand.NewPCG(6, 6))
	for range 4000 {
		image := slices.Clone(sound)
		for range 1 + rng.IntN(4) {
			at := 8 * rng.IntN((128+2*128)/8)
			value := wild[rng.IntN(len(wild))] + uint64(rng.IntN(3)) - 1
			if rng.IntN(2) == 0 {
				value = uint64(rng.IntN(2 * len(image)))
			}
			binary.LittleEndian.PutUint64(image[at:], value)
		}
		sign(image)
		p.look(t, image)
	}
}

// A truncated image is rejected, even if its header has the truncated size.
func TestTruncation(t *testing.T) {
	p, sound := newProbe(t), smallImage(t)
	for n := 0; n < len(sound); n += 7 {
		if p.look(t, sound[:n]) {
			t.Fatalf("%d of %d bytes are taken for whole", n, len(sound))
		}
		if n >= 48 {
			image := slices.Clone(sound[:n])
			binary.LittleEndian.PutUint64(image[40:], uint64(n))
			p.look(t, image)
		}
	}
	if p.look(t, append(slices.Clone(sound), 0)) {
		t.Error("a byte too many goes unnoticed")
	}
}

func TestBitFlips(t *testing.T) {
	p, sound := newProbe(t), smallImage(t)
	rng := rand.New(rand.NewPCG(7, 7))
	for range 4000 {
		image := slices.Clone(sound)
		for range 1 + rng.IntN(3) {
			image[rng.IntN(len(image))] ^= 1 << rng.IntN(8)
		}
		p.look(t, image)
	}
}

// A selection that knows an image notices every change of a bit in the image's kind. Only a changed
// seed is valid.
func TestEveryBitThatTellsAnImageCounts(t *testing.T) {
	p, good := newProbe(t), smallImage(t)
	const seedAt, end = 8 * 32, 8 * 48 // bits, docs/format.md
	for bit := range end {
		if !p.look(t, good) {
			t.Fatal("the image itself is refused")
		}
		flipped := slices.Clone(good)
		flipped[bit/8] ^= 1 << (bit % 8)
		ok := p.look(t, flipped)
		if want := bit >= seedAt && bit < seedAt+64; ok != want {
			t.Errorf("bit %d of the header is flipped: read %t, want %t", bit, ok, want)
		}
		if seed, _ := p.selection.ResolveSeed(); ok && seed != binary.LittleEndian.Uint64(flipped[32:]) {
			t.Errorf("bit %d: the seed is %#x, which was that before", bit, seed)
		}
	}
}

// A lookup ends even in a table whose bucket entries lead to wrong rows.
func TestFullTableEndsLookups(t *testing.T) {
	for _, row := range []uint32{0, 1, 2, 1 << 31, math.MaxUint32} {
		p, image := newProbe(t), smallImage(t)
		for d := range 2 {
			entry := image[128+128*d:]
			buckets, index := binary.LittleEndian.Uint64(entry[8:]), binary.LittleEndian.Uint64(entry[16:])
			for n := range buckets {
				bucket := image[index+64*n:][:64]
				for entry := range 10 {
					binary.LittleEndian.PutUint16(bucket[2*entry:], 0x59cc) // the tag of key 42
					binary.LittleEndian.PutUint32(bucket[24+4*entry:], row)
				}
				binary.LittleEndian.PutUint32(bucket[20:], math.MaxUint32)
			}
		}
		if !p.look(t, image) {
			t.Error("the table is not readable")
		}
	}
}

// sign updates the hashes of a damaged image, as an attacker would.
func sign(image []byte) {
	if len(image) < 128 {
		return
	}
	n := int(binary.LittleEndian.Uint32(image[12:]))
	if n > featurestore.MaxDimensions || len(image) < 128+128*n {
		return
	}
	var static []byte
	for d := range n {
		static = append(static, image[128+128*d:][:64]...)
	}
	binary.LittleEndian.PutUint64(image[24:], metro.Hash64(static, 0x7461626c65))
	binary.LittleEndian.PutUint64(image[80:], 0)
	binary.LittleEndian.PutUint64(image[80:], metro.Hash64(image[:128+128*n], 0x7461626c65))
}

// Each way in which an image can be wrong has its own message.
func TestMessages(t *testing.T) {
	sound := smallImage(t)
	seen := make(map[string]string)
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":       func(b []byte) []byte { return nil },
		"magic":       func(b []byte) []byte { b[0] ^= 1; return b },
		"version":     func(b []byte) []byte { b[8]++; return b },
		"dimensions":  func(b []byte) []byte { b[12] = 0; return b },
		"size":        func(b []byte) []byte { return b[:len(b)-1] },
		"schema at":   func(b []byte) []byte { b[68] = 1; return b },
		"fingerprint": func(b []byte) []byte { b[16] ^= 1; return b },
		"entries":     func(b []byte) []byte { b[12] = 1; return b },
		"layout":      func(b []byte) []byte { b[128+16+7] = 1; return b },
		"entry":       func(b []byte) []byte { b[128+16+7] = 1; sign(b); return b },
	} {
		var format *featurestore.FormatError
		_, err := featurestore.OpenTable(damage(slices.Clone(sound)))
		if !errors.As(err, &format) {
			t.Fatalf("%s: %v", name, err)
		}
		if other, ok := seen[format.Reason]; ok {
			t.Errorf("%s and %s: both %q", name, other, format.Reason)
		}
		seen[format.Reason] = name
		if format.Error() != fmt.Sprint("featurestore: ", format.Reason) {
			t.Errorf("%s: %q", name, format.Error())
		}
	}
}

// A header or schema that cannot be read is decoded once and not with every request. The next
// publication is read anew, even if only the damage differs.
func TestDamageIsRemembered(t *testing.T) {
	p, sound := newProbe(t), smallImage(t)
	for _, at := range []int{0, 8, 388, 388} { // magic, version, schema
		damaged := slices.Clone(sound)
		damaged[at] ^= 1
		if p.look(t, damaged) {
			t.Fatalf("byte %d does not damage it", at)
		}
		dst, keys := make([]float32, 4), []uint64{42, 42}
		if n := testing.AllocsPerRun(100, func() { p.selection.Read(dst, keys, noon) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		p.publish(sound)
		if _, err := p.selection.Read(dst, keys, noon); err != nil || dst[2] != 2 {
			t.Errorf("after the damage: %v, %v", dst, err)
		}
		*p = *newProbe(t)
	}
}
