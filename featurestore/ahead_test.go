package featurestore_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore"
)

// Whatever is published between Locate and ReadAhead, the values are those of a Read: rows that came,
// changed, moved or are gone.
func TestReadAheadAcrossPublications(t *testing.T) {
	schema := featurestore.Schema{Dimensions: []featurestore.Dimension{
		{Name: "ip", Columns: []featurestore.Column{{Name: "a"}, {Name: "b"}}},
		{Name: "host", Columns: []featurestore.Column{{Name: "c"}}},
	}}
	path := filepath.Join(t.TempDir(), "features")
	p := openPublisher(t, path, schema)
	if err := p.Publish(noon); err != nil {
		t.Fatal(err)
	}
	selection := openStore(t, path).Select([]string{"ip", "host"}, []string{"ip/b", "host/c", "ip/a"})
	rng := rand.New(rand.NewPCG(7, 7))
	key := func() uint64 { return 1 + rng.Uint64N(60) }
	var ahead featurestore.Ahead
	found := 0
	for round := range 2000 {
		keys := []uint64{key(), key()}
		selection.Locate(&ahead, keys)
		for range rng.IntN(4) {
			k := key()
			for d, columns := range []int{2, 1} {
				if rng.IntN(3) == 0 {
					p.Delete(d, k)
				} else if err := p.Put(d, k, noon, []float32{float32(round), float32(k)}[:columns]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.Publish(noon); err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, 3), make([]float32, 3)
		info, err := selection.ReadAhead(&ahead, got, keys, noon)
		wanted, failed := selection.Read(want, keys, noon)
		if err != nil || failed != nil || info != wanted || !sameValues(got, want) {
			t.Fatalf("round %d: %v, %+v, %v; want %v, %+v, %v", round, got, info, err, want, wanted, failed)
		}
		found += info.Found
	}
	if found == 0 {
		t.Error("no row was found")
	}
}

// Memory in which nothing was located, or no memory at all, makes a plain read.
func TestReadAheadWithoutLocate(t *testing.T) {
	path, _ := publishSmall(t)
	selection := openStore(t, path).Select([]string{"ip", "host"}, []string{"ip/share"})
	for _, ahead := range []*featurestore.Ahead{nil, new(featurestore.Ahead)} {
		got := make([]float32, 1)
		if info, err := selection.ReadAhead(ahead, got, []uint64{42, 42}, noon); err != nil || info.Found != 1 || got[0] != 2 {
			t.Errorf("%v, %+v, %v", got, info, err)
		}
	}
}

func TestReadAheadAllocatesNothing(t *testing.T) {
	path, _ := publishSmall(t)
	selection := openStore(t, path).Select([]string{"ip", "host"}, []string{"ip/share", "host/rate"})
	dst, keys := make([]float32, 2), []uint64{42, 42}
	var ahead featurestore.Ahead
	if n := testing.AllocsPerRun(100, func() { selection.Locate(&ahead, keys); selection.ReadAhead(&ahead, dst, keys, noon) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
