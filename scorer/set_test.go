package scorer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

func newSet(t testing.TB, models ...*scorer.Model) *scorer.Set {
	t.Helper()
	s, err := scorer.NewSet(models...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// categoricalModels are CatBoost models of one schema, that of the first, whose rows are given.
func categoricalModels(t testing.TB) ([]*scorer.Model, []libraryRow) {
	t.Helper()
	var models []*scorer.Model
	var rows []libraryRow
	for _, f := range libraryFixtures(t) {
		if f.library == "catboost" && f.version == "1.2.8" && len(f.Categorical) == 2 {
			models = append(models, load(t, f.models["model.cbm"]))
			rows = append(rows, f.rows(t)...)
		}
	}
	if len(models) < 10 {
		t.Fatalf("%d models with categories", len(models))
	}
	return models, rows
}

// Models of every kind of condition, symmetric and not, of one output and of three: together they
// answer as each does alone.
func TestSetGivesTheBitsOfItsModels(t *testing.T) {
	models, rows := categoricalModels(t)
	s := newSet(t, models...)
	scratch := s.NewScratch()
	var got, predicted, want []float64
	for i, in := range rows {
		in.set(scratch)
		got = must(s.AppendRaw(got[:0], scratch, in.x))
		predicted = must(s.AppendPrediction(predicted[:0], scratch, in.x))
		if len(got) != s.Outputs() || len(predicted) != s.Outputs() {
			t.Fatalf("%d and %d outputs, expected %d", len(got), len(predicted), s.Outputs())
		}
		at := 0
		for j, m := range s.Models() {
			want = must(m.AppendPrediction(must(m.AppendRaw(want[:0], scratch, in.x)), scratch,
				in.x))
			for k := range m.Outputs() {
				if !sameBits(got[at], want[k]) || !sameBits(predicted[at], want[m.Outputs()+k]) {
					t.Fatalf("row %d, model %d: %v and %v, alone %v", i, j, got[at], predicted[at],
						want)
				}
				at++
			}
		}
	}
}

// Models with features of their own, in orders of their own: the set has the union, by name.
func TestSetMatchesFeaturesByName(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(9, seed))
		var models []*scorer.Model
		for range 3 {
			data, err := json.Marshal(randomModel(rng, shape{features: 1 + rng.IntN(20), borders: 6,
				trees: 10, depth: 7}))
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, load(t, data))
		}
		s := newSet(t, models...)
		scratch := s.NewScratch()
		features := s.Features()
		x := make([]float32, len(features))
		values := map[string]float32{}
		for range 30 {
			for i := range x {
				x[i] = randomValue(rng)
				values[features[i].Name] = x[i]
			}
			got := must(s.AppendRaw(nil, scratch, x))
			for j, m := range models {
				var own []float32
				for _, f := range m.Features() {
					own = append(own, values[f.Name])
				}
				if want := must(m.Raw(nil, own)); !sameBits(got[j], want) {
					t.Fatalf("seed %d, model %d: %v, alone %v", seed, j, got[j], want)
				}
			}
		}
	}
}

// Models of different libraries, the second with its inputs in another order than the set.
func TestSetOfDifferentLibraries(t *testing.T) {
	catboost := load(t, []byte(`{"features_info":{"float_features":[
		{"borders":[0.5],"flat_feature_index":0,"feature_id":"rate"},{"borders":[2],"flat_feature_index":1,"feature_id":"age"}]},
		"oblivious_trees":[{"splits":[{"split_index":0}],"leaf_values":[1,2]},{"splits":[{"split_index":1}],"leaf_values":[10,20]}]}`))
	lightgbm := load(t, []byte("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"+
		"max_feature_idx=1\nobjective=regression\n"+
		"feature_names=age rate\nfeature_infos=[0:1] [0:1]\n\nTree=0\nnum_leaves=2\nnum_cat=0\n"+
		"split_feature=0\nsplit_gain=1\nthreshold=3\n"+
		"decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=100 200\nleaf_weight=1 1\n"+
		"leaf_count=1 1\ninternal_value=0\n"+
		"internal_weight=0\ninternal_count=2\nis_linear=0\nshrinkage=1\n\n\nend of trees\n"))
	reversed := newSet(t, lightgbm, catboost)
	// age, rate
	if got := must(reversed.AppendRaw(nil, reversed.NewScratch(),
		[]float32{2.5, 1})); [2]float64(got) != [2]float64{100, 22} {
		t.Errorf("in the other order, age 2.5, rate 1: %v, expected [100 22]", got)
	}
	s := newSet(t, catboost, lightgbm)
	scratch := s.NewScratch()
	for _, c := range []struct {
		rate, age float32
		want      [2]float64
	}{{0, 0, [2]float64{11, 100}}, {1, 2.5, [2]float64{22, 100}}, {1, 3.5, [2]float64{22, 200}}} {
		if got := must(s.AppendRaw(nil, scratch, []float32{c.rate,
			c.age})); [2]float64(got) != c.want {
			t.Errorf("rate %v, age %v: %v, expected %v", c.rate, c.age, got, c.want)
		}
	}
	scratch.SetFloat(1, 3.5) // age, in the order of the set
	if got := must(s.AppendRaw(nil, scratch, []float32{1, 0})); got[1] != 200 {
		t.Errorf("with an age set in the row: %v", got)
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	models, rows := categoricalModels(t)
	s := newSet(t, models...)
	scratch, dst := s.NewScratch(), make([]float64, 0, s.Outputs())
	i := 0
	agent := []byte(strings.Repeat("agent", 20))
	if n := testing.AllocsPerRun(100, func() {
		scratch.Reset()
		scratch.SetString(3, "nl")
		scratch.SetBytes(4, agent)
		dst = must(s.AppendPrediction(dst[:0], scratch, rows[i].x))
		i++
	}); n != 0 {
		t.Errorf("%v allocations for each row", n)
	}
}

func TestModelsThatFormNoSet(t *testing.T) {
	document := func(features string) *scorer.Model {
		return load(t, []byte(`{"features_info":{`+features+`},"oblivious_trees":[]}`))
	}
	rate := `{"feature_id":"rate","flat_feature_index":0,"borders":[1]}`
	number := document(`"float_features":[` + rate + `]`)
	category := document(`"categorical_features":[{"feature_id":"rate","flat_feature_index":0,"values":[1]}]`)
	twice := document(`"float_features":[` + rate + `,{"feature_id":"rate","flat_feature_index":1}]`)
	for reason, models := range map[string][]*scorer.Model{
		`model 1: features do not fit: feature "rate" is categorical here and numeric in a model before`: {number, category},
		`model 0: features do not fit: two features are called "rate"`:                                   {twice, number},
	} {
		_, err := scorer.NewSet(models...)
		if !errors.Is(err, scorer.ErrMismatch) || err.Error() != reason {
			t.Errorf("error %v, expected %q", err, reason)
		}
	}
	empty := newSet(t)
	if got := must(empty.AppendRaw([]float64{math.Pi}, nil, nil)); len(got) != 1 {
		t.Errorf("a set of no models answers %v", got)
	}
}

// Whatever libraries, tiers and sums the models of a set have, and in whatever order they come,
// each answers as alone.
func TestSetInEveryOrder(t *testing.T) {
	fixtures, _ := categoricalModels(t)
	tiers := scorer.Tiers()
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(31, seed))
		models := make([]*scorer.Model, 2+rng.IntN(3))
		var kinds []string
		for i := range models {
			kind, m := randomKind(t, rng, fixtures)
			tier := tiers[rng.IntN(len(tiers))]
			m, err := m.On(tier)
			if err != nil {
				t.Fatal(err)
			}
			if rng.IntN(2) == 0 {
				kind, m = kind+" fast", m.Fast()
			}
			models[i], kinds = m, append(kinds, kind+" "+tier.String())
		}
		compareSet(t, rng, kinds, models)
	}
}

// randomKind draws a model of one of the families, with names of its features that no other family
// has.
func randomKind(t *testing.T, rng *rand.Rand, fixtures []*scorer.Model) (string, *scorer.Model) {
	t.Helper()
	forest := randomForest(rng, forestShape{features: 12, outputs: 1 + rng.IntN(2), trees: 1 +
		rng.IntN(40), depth: 1 + rng.IntN(6)})
	switch rng.IntN(4) {
	case 0:
		names, distinct := "feature_names=f0", "feature_names=l0"
		for i := range forest.features - 1 {
			names += " f"
			distinct += fmt.Sprintf(" l%d", i+1)
		}
		return "lightgbm", load(t, bytes.Replace(forest.text(), []byte(names+"\n"),
			[]byte(distinct+"\n"), 1))
	case 1:
		document := forest.document()
		var names []any
		for i := range forest.features {
			names = append(names, fmt.Sprintf("x%d", i))
		}
		document["learner"].(map[string]any)["feature_names"] = names
		return "xgboost", load(t, appendJSON(nil, document))
	case 2:
		return "catboost with categories", fixtures[rng.IntN(len(fixtures))]
	}
	data, err := json.Marshal(randomModel(rng, shape{features: 1 + rng.IntN(20), borders: 1 +
		rng.IntN(20), trees: 1 + rng.IntN(40), depth: 7}))
	if err != nil {
		t.Fatal(err)
	}
	return "catboost", load(t, data)
}

// compareSet evaluates random rows by the set and by each of its models alone.
func compareSet(t *testing.T, rng *rand.Rand, kinds []string, models []*scorer.Model) {
	t.Helper()
	s := newSet(t, models...)
	scratch, features := s.NewScratch(), s.Features()
	x, values := make([]float32, len(features)), map[string]float32{}
	for range 20 {
		for i := range x {
			x[i] = randomForestValue(rng)
			values[features[i].Name] = x[i]
		}
		got := must(s.AppendRaw(nil, scratch, x))
		for i, m := range models {
			var own []float32
			for _, f := range m.Features() {
				own = append(own, values[f.Name])
			}
			want := must(m.AppendRaw(nil, nil, own))
			for k := range want {
				if !same(got[k], want[k]) {
					t.Fatalf("%q: model %d, output %d: %v, alone %v", kinds, i, k, got[k], want[k])
				}
			}
			got = got[len(want):]
		}
	}
}
