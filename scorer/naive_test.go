package scorer_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// naive is a CatBoost model evaluated by the letter of the format: no keys, no padding, no scratch
// memory. Its fields marshal to CatBoost's JSON.
type naive struct {
	Info struct {
		Floats []naiveFeature `json:"float_features"`
	} `json:"features_info"`
	Trees        []naiveTree `json:"oblivious_trees"`
	ScaleAndBias []any       `json:"scale_and_bias"`
}

type naiveFeature struct {
	Borders   []float32 `json:"borders"`
	Name      string    `json:"feature_id"`
	Index     int       `json:"feature_index"`
	Flat      int       `json:"flat_feature_index"`
	HasNaNs   bool      `json:"has_nans"`
	Treatment string    `json:"nan_value_treatment"`
}

type naiveTree struct {
	Leaves []float64    `json:"leaf_values"`
	Splits []naiveSplit `json:"splits"`
}

type naiveSplit struct {
	Border  float32 `json:"border"`
	Feature int     `json:"float_feature_index"`
	ID      int     `json:"split_index"`
}

// passes says whether the value of the row is above the border of the split.
func (n *naive) passes(s naiveSplit, x []float32) bool {
	f := n.Info.Floats[s.Feature]
	v := x[f.Flat]
	if v != v && f.HasNaNs && f.Treatment == "AsTrue" {
		v = float32(math.Inf(1))
	}
	return v > s.Border
}

// reached returns the value of the leaf of each tree that a row falls into.
func (n *naive) reached(x []float32) (leaves []float64) {
	for _, tree := range n.Trees {
		leaf := 0
		for d, s := range tree.Splits {
			if n.passes(s, x) {
				leaf |= 1 << d
			}
		}
		leaves = append(leaves, tree.Leaves[leaf])
	}
	return leaves
}

func (n *naive) raw(x []float32) float64 {
	sum := 0.0
	for _, leaf := range n.reached(x) {
		sum += leaf
	}
	return n.rescaled(sum)
}

// rescaled turns a sum of leaves into the output.
func (n *naive) rescaled(sum float64) float64 {
	scale, bias := n.ScaleAndBias[0].(float64), n.ScaleAndBias[1].([]float64)[0]
	switch {
	case scale == 1 && bias == 0:
		return sum
	case bias == 0:
		return scale * sum
	}
	return float64(scale*sum) + bias
}

// shape bounds a random model.
type shape struct{ features, borders, trees, depth int }

// randomModel has features in random flat order, some without borders, and trees of depths from 0
// to the shape's.
func randomModel(rng *rand.Rand, s shape) *naive {
	n := &naive{ScaleAndBias: []any{1.0, []float64{0}}}
	if rng.IntN(2) == 0 {
		n.ScaleAndBias = []any{rng.NormFloat64(),
			[]float64{float64(rng.IntN(2)) * rng.NormFloat64()}}
	}
	var splits []naiveSplit
	for i, flat := range rng.Perm(s.features) {
		f := naiveFeature{Name: string(rune('a' + i%26)), Index: i, Flat: flat,
			HasNaNs: rng.IntN(2) == 0}
		f.Treatment = []string{"AsIs", "AsFalse", "AsTrue"}[rng.IntN(3)]
		f.Borders = randomBorders(rng, rng.IntN(s.borders+1))
		for _, border := range f.Borders {
			splits = append(splits, naiveSplit{Border: border, Feature: i, ID: len(splits)})
		}
		n.Info.Floats = append(n.Info.Floats, f)
	}
	for range s.trees {
		var tree naiveTree
		for range rng.IntN(s.depth + 1) {
			if len(splits) > 0 {
				tree.Splits = append(tree.Splits, splits[rng.IntN(len(splits))])
			}
		}
		for range 1 << len(tree.Splits) {
			tree.Leaves = append(tree.Leaves, rng.NormFloat64())
		}
		n.Trees = append(n.Trees, tree)
	}
	return n
}

func randomBorders(rng *rand.Rand, count int) []float32 {
	var borders []float32
	for range count {
		borders = append(borders, randomValue(rng))
	}
	slices.Sort(borders)
	borders = slices.Compact(borders)
	return slices.DeleteFunc(borders, func(b float32) bool {
		return math.IsInf(float64(b), 0) ||
			b != b
	})
}

// randomValue mixes ordinary values, which often repeat, with the odd ones.
func randomValue(rng *rand.Rand) float32 {
	odd := []float32{0, float32(math.Copysign(0, -1)), math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32,
		-math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	switch rng.IntN(8) {
	case 0:
		return odd[rng.IntN(len(odd))]
	case 1, 2:
		return float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()*20))
	}
	return float32(rng.IntN(65)-32) / 16
}

// seeds is how many random models of a shape a test makes: one where it is to be short.
func seeds(full uint64) uint64 {
	if testing.Short() {
		return 1
	}
	return full
}

// Sizes rise over one, two and three byte buckets for a feature, every unrolled width, more columns
// than a byte can index, rows of one, two and more registers, and more trees than one call of a
// kernel takes.
func TestRawAgreesWithNaiveEvaluation(t *testing.T) {
	shapes := []shape{
		{1, 0, 3, 0}, {1, 1, 1, 1}, {2, 2, 4, 2}, {3, 5, 10, 6}, {5, 20, 20, 7}, {8, 40, 30,
			8}, {20, 100, 30, 9},
		{4, 600, 40, 6}, {255, 4, 60, 6}, {600, 6, 100, 8}, {30, 30, 6, 13}, {10, 10, 1, 16}, {90,
			90, 70, 6}, {1500, 2, 1500, 4},
		{2, 3, 2500, 3},
	}
	for i, s := range shapes {
		for seed := range seeds(4) {
			rng := rand.New(rand.NewPCG(uint64(i), seed))
			n := randomModel(rng, s)
			data, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			m := load(t, data)
			scratch := m.NewScratch()
			x := make([]float32, s.features)
			for range 50 {
				for j := range x {
					x[j] = randomValue(rng)
				}
				if got, want := must(m.Raw(scratch, x)), n.raw(x); !sameBits(got, want) {
					t.Fatalf("shape %v, seed %d: %v, expected %v for %v", s, seed, got, want, x)
				}
			}
		}
	}
}

// smallModel is a valid JSON model of a few hundred bytes.
func smallModel(t testing.TB) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	data, err := json.Marshal(randomModel(rng, shape{features: 3, borders: 4, trees: 3, depth: 3}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scorer.Load(data); err != nil {
		t.Fatal(err)
	}
	return data
}
