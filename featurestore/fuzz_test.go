package featurestore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// FuzzOpenTable reads any bytes as a table and through a selection, and expects values or a
// *FormatError and no fault. Since random bytes hardly ever have the right magic, it does so again
// with the header repaired.
func FuzzOpenTable(f *testing.F) {
	for _, seed := range fuzzImages(f) {
		f.Add(seed)
	}
	p := newProbe(f)
	sound := smallImage(f)
	f.Fuzz(func(t *testing.T, image []byte) {
		p.look(t, image)
		if len(image) < 128 {
			return
		}
		repaired := slices.Clone(image)
		copy(repaired, sound[:24]) // magic, version, dimensions, fingerprint
		for i := range 8 {
			repaired[40+i] = byte(uint64(len(image)) >> (8 * i))
		}
		p.look(t, repaired)
	})
}

// fuzzImages returns sound images of several shapes, and one for each damage that a test names.
func fuzzImages(t testing.TB) [][]byte {
	t.Helper()
	images := [][]byte{nil, smallImage(t), readGolden(t)}
	for _, schema := range []featurestore.Schema{
		{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{{Name: "requests", Decay: time.Hour}}}}},
		smallSchema(),
	} {
		b, err := featurestore.NewBuilder(schema, 1)
		if err != nil {
			t.Fatal(err)
		}
		sizes := make([]int, len(schema.Dimensions))
		sizes[0] = 20
		if err := b.Begin(noon, sizes); err != nil {
			t.Fatal(err)
		}
		row := make([]float32, len(schema.Dimensions[0].Columns))
		for key := range uint64(20) {
			if err := b.Put(0, (key+1)*0x9e3779b97f4a7c15, noon, row); err != nil {
				t.Fatal(err)
			}
		}
		images = append(images, b.Image())
	}
	cut := smallImage(t)
	return append(images, cut[:128], cut[:len(cut)/2], append(slices.Clone(cut), 0))
}

// Most of the fuzz seeds are readable, as they should be.
func TestFuzzSeeds(t *testing.T) {
	sound := 0
	for _, image := range fuzzImages(t) {
		if _, err := featurestore.OpenTable(image); err == nil {
			sound++
		}
	}
	if sound != 4 {
		t.Errorf("%d sound seeds, want 4", sound)
	}
}
