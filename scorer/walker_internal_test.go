package scorer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// randomWalker has trees of splits on columns from first on, and returns their splits too. The key
// behind the columns is leafKey.
func randomWalker(rng *rand.Rand, trees, first, columns int) (*walker, [][]walkSplit) {
	w := &walker{trees: trees, narrow: first+columns < narrow}
	var all [][]walkSplit
	var list []walkTree
	for i := range trees {
		splits := make([]walkSplit, rng.IntN(20))
		open := []*int32{new(int32)}
		root := open[0]
		for s := range splits {
			at := rng.IntN(len(open))
			*open[at] = int32(s)
			splits[s] = walkSplit{column: uint16(first + rng.IntN(columns)),
				border: rng.Uint32N(100)}
			open[at] = &splits[s].left
			open = append(open, &splits[s].right)
		}
		for leaf, child := range open {
			*child = ^int32(leaf)
		}
		list = append(list, walkTree{number: uint32(i), root: w.add(splits, *root,
			uint16(first+columns)), depth: int32(len(splits))})
		all = append(all, splits)
	}
	w.blocks = newWalkBlocks(list)
	return w, all
}

// walked is the leaf of a tree, by the definition.
func walked(splits []walkSplit, keys []uint32) uint32 {
	at := int32(0)
	if len(splits) == 0 {
		at = ^at
	}
	for at >= 0 {
		if s := &splits[at]; keys[s.column] > s.border {
			at = s.right
		} else {
			at = s.left
		}
	}
	return uint32(^at)
}

// All ways to walk find the same leaves: of few columns, of many, and of those that may hold
// memberships.
func TestWalkersAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, first := range []int{0, 200, 300, 5000} {
		w, trees := randomWalker(rng, 21, first, 30)
		for range 50 {
			keys := make([]uint32, max(first+31, narrow))
			for i := range keys[:first+30] {
				keys[i] = rng.Uint32N(110)
			}
			for _, kind := range []struct{ narrow, members bool }{{w.narrow, false}, {false, false},
				{false, true}} {
				w.narrow, w.members = kind.narrow, kind.members
				at := make([]uint32, len(trees))
				w.find(keys, at)
				for i, splits := range trees {
					if want := walked(splits, keys); at[i] != want {
						t.Fatalf("columns from %d, %+v, tree %d: leaf %d, expected %d", first, kind,
							i, at[i], want)
					}
				}
			}
			w.narrow = first+30 < narrow
		}
	}
}

// The keys of numbers have the order that OrderKey defines, and NaN and zeros of either sign have
// the keys that the column names.
func TestKeysOfNumbers(t *testing.T) {
	tiny := math.Float32frombits(1)
	odd := []float32{0, float32(math.Copysign(0, -1)), tiny, -tiny, 1e-36, -1e-36, 1, -1,
		math.MaxFloat32, -math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0xffc00001)}
	for _, v := range odd {
		var key [1]int32
		fillNumbers(key[:], []numberColumn{{missing: highKey}}, []float32{v})
		if want := forest.OrderKey(v); v == v && key[0] != want || v != v && key[0] != highKey {
			t.Errorf("%v has the key %d, expected %d", v, key[0], want)
		}
		for _, flushed := range []float32{0, forest.NearZero} {
			n := treeNumber{missing: 7, zero: 8, flushed: math.Float32bits(flushed)}
			var key [1]uint32
			fillTreeNumbers(key[:], []treeNumber{n}, []float32{v})
			want := treeKey(v)
			switch {
			case v != v:
				want = 7
			case v <= flushed && v >= -flushed:
				want = 8
			}
			if key[0] != want {
				t.Errorf("%v, flushed up to %v, has the key %d, expected %d", v, flushed, key[0],
					want)
			}
		}
	}
}
