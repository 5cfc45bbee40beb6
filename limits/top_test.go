package limits_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/headgate/headgate/limits"
)

// Against a map, with far more keys than places: every count lies between the truth and the truth
// and its error, and every key with more than its share is found.
func TestTopAgainstMap(t *testing.T) {
	top := must(limits.NewTop(64))
	random := rand.New(rand.NewPCG(5, 5))
	zipf := rand.NewZipf(random, 1.2, 1, 10_000)
	truth := make(map[string]uint64)
	total := uint64(0)
	for range 100_000 {
		key, n := fmt.Sprint(zipf.Uint64()), uint32(random.IntN(3))
		top.Add([]byte(key), n)
		truth[key] += uint64(n)
		total += uint64(n)
	}
	found := make(map[string]bool)
	list := top.Heaviest(nil, 1000)
	for i, k := range list {
		if k.Count < truth[k.Key] || k.Count-k.Error > truth[k.Key] ||
			k.Hash != limits.HashString(k.Key) {
			t.Errorf("%+v, truth %d", k, truth[k.Key])
		}
		if i > 0 && k.Count > list[i-1].Count {
			t.Errorf("%+v after %+v", k, list[i-1])
		}
		found[k.Key] = true
	}
	for key, n := range truth {
		if n > total/8 && !found[key] {
			t.Errorf("%s with %d of %d events is not found", key, n, total)
		}
	}
	if len(list) != 64 || list[0].Key != "0" || !found["1"] || !found["2"] {
		t.Errorf("%d keys, first %+v", len(list), list[0])
	}
	if got := top.Heaviest(list[:1], 2); len(got) != 3 || got[0] != list[0] || got[1] != list[0] {
		t.Errorf("appended: %+v", got)
	}
}

func TestTopTogether(t *testing.T) {
	top := must(limits.NewTop(8))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				top.Add([]byte("a"), 1)
				top.Add([]byte("b"), 2)
			}
		})
	}
	group.Wait()
	list := top.Heaviest(nil, 10)
	if len(list) != 2 || list[0].Key != "b" || list[0].Count != 16_000 || list[1].Count != 8000 ||
		list[1].Error != 0 {
		t.Errorf("%+v", list)
	}
	key := []byte("a")
	if n := testing.AllocsPerRun(100, func() { top.Add(key, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, keys := range []int{-1, (1 << 20) + 1} {
		if _, err := limits.NewTop(keys); !errors.Is(err, limits.ErrConfig) {
			t.Errorf("%d keys: %v", keys, err)
		}
	}
}

func TestGrowOnlyAgainstMap(t *testing.T) {
	config := limits.SketchConfig{Rows: 3, Columns: 64}
	grow, plain := must(limits.NewGrowOnly(config)), must(limits.NewEstimator(config))
	random := rand.New(rand.NewPCG(6, 6))
	truth := make(map[uint64]uint64)
	for range 5000 {
		hash, n := random.Uint64N(300)*0x9E3779B97F4A7C15, uint32(random.IntN(4))
		truth[hash] += uint64(n)
		if got := grow.AddHash(hash, n); got < truth[hash] || got != grow.CountHash(hash) {
			t.Fatalf("%d, truth %d", got, truth[hash])
		}
		plain.AddHash(hash, n)
	}
	var over, plainOver uint64
	for hash, n := range truth {
		if grow.CountHash(hash) < n {
			t.Errorf("%d, truth %d", grow.CountHash(hash), n)
		}
		over += grow.CountHash(hash) - n
		plainOver += plain.CountHash(hash) - n
	}
	if over*3 > 2*plainOver {
		t.Errorf("too high by %d in all, without conservative update by %d", over, plainOver)
	}
}

// Adds of one key at the same time are all counted.
func TestGrowOnlyTogether(t *testing.T) {
	grow := must(limits.NewGrowOnly(limits.SketchConfig{Rows: 2, Columns: 4}))
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for range 1000 {
				grow.Add([]byte{byte(g % 2)}, 1)
			}
		})
	}
	group.Wait()
	for g := range byte(2) {
		if n := grow.Count([]byte{g}); n < 4000 {
			t.Errorf("key %d: %d, want at least 4000", g, n)
		}
	}
}
