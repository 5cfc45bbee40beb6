package scorer_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// linearText is a LightGBM model with a linear tree.
const linearText = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=a b
feature_infos=none none

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=10
left_child=-1
right_child=-2
leaf_value=1 2
is_linear=1
leaf_const=10 20
num_features=2 0
leaf_features=0 1 
leaf_coeff=3 4 
shrinkage=1

end of trees
`

// smallForests are models of few bytes that have every part of the formats; XGBoost itself wrote
// one of each of its formats.
func smallForests(t testing.TB) map[string][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	f := randomForest(rng, forestShape{features: 6, outputs: 2, trees: 2, depth: 3})
	models := map[string][]byte{"lightgbm": f.text(), "lightgbm-linear": []byte(linearText),
		"xgboost-json": f.json(), "xgboost-ubj": f.ubj()}
	for _, fixture := range forestFixtures(t, "xgboost", 140) {
		if fixture.version == "3.2.0" && (fixture.name == "vector-leaf" || fixture.name == "dart") {
			models[fixture.name+"-json"], models[fixture.name+"-ubj"] = fixture.files["json"], fixture.files["ubj"]
		}
	}
	if len(models) != 8 {
		t.Fatalf("%d models", len(models))
	}
	return models
}

// A file that ends before its model does is refused. LightGBM's goes on behind the trees with what
// no reader needs.
func TestTruncatedForests(t *testing.T) {
	for name, data := range smallForests(t) {
		end := len(data)
		if i := bytes.Index(data, []byte("end of trees")); i >= 0 {
			end = i + len("end of trees")
		}
		stride := 1 + len(data)/4000
		if raceEnabled || testing.Short() {
			stride *= 40
		}
		for n := 0; n < end; n += stride {
			if !survive(t, data[:n]) {
				t.Fatalf("%s: the first %d of %d bytes load", name, n, len(data))
			}
		}
	}
}

// Whatever bits are flipped, the file is refused or the model returns finite values, and the memory
// it takes stays in proportion.
func TestFlippedBitsOfForests(t *testing.T) {
	flips := 25000 // for each of the models
	if raceEnabled || testing.Short() {
		flips = 500
	}
	for name, data := range smallForests(t) {
		if strings.HasPrefix(name, "dart") || strings.HasPrefix(name, "vector") { // larger
			flips := flips / 50
			flipForest(t, name, data, flips)
			continue
		}
		flipForest(t, name, data, flips)
	}
}

func flipForest(t *testing.T, name string, data []byte, flips int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(6, 6))
	refused := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range flips {
		flipped := slices.Clone(data)
		for range 1 + rng.IntN(3) {
			flipped[rng.IntN(len(flipped))] ^= 1 << rng.IntN(8)
		}
		if survive(t, flipped) {
			refused++
		}
	}
	runtime.ReadMemStats(&after)
	if refused < flips/20 || refused == flips {
		t.Errorf("%s: %d of %d damaged files were refused", name, refused, flips)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(flips)*uint64(100*len(data)+20000) {
		t.Errorf("%s: %d bytes allocated for %d files of %d", name, used, flips, len(data))
	}
}

// The seeds are small: see smallForests.
func FuzzForests(f *testing.F) {
	for _, data := range smallForests(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}

// replaced returns a copy of the text in which one thing is another.
func replaced(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("no %q in the model", old)
	}
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

// Each way a LightGBM model can contradict itself is an error of its own.
func TestContradictionsInLightGBM(t *testing.T) {
	for _, c := range []struct{ old, new, reason string }{
		{"version=v4", "version=v5", `version "v5"`},
		{"num_class=1", "num_class=x", `num_class is "x"`},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=99999", `num_tree_per_iteration is "99999"`},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=2", "2 outputs"},
		{"max_feature_idx=1", "max_feature_idx=2", "2 feature names for 3"},
		{"feature_names=a b", "feature_names=a " + strings.Repeat("b", 2000), "has 2000 bytes"},
		{"objective=binary sigmoid:1", "objective=binary sigmoid:0", "objective"},
		{"objective=binary sigmoid:1", "objective=tomorrow", `objective "tomorrow" is not supported`},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=0", "no trees in an iteration"},
		{"end of trees", "end of tree", `before "end of trees"`},
		{"num_leaves=2", "num_leaves=3", "leaf_value of tree 0 has 2 numbers, expected 3"},
		{"num_leaves=2", "num_leaves=1", "leaf_value of tree 0 has more than 1"},
		{"num_leaves=2", "num_leaves=2000000000", "num_leaves"},
		{"num_leaves=2", "num_leaves=-2", "num_leaves"},
		{"split_feature=0", "split_feature=2", "compares input 2 of 2"},
		{"split_feature=0", "split_feature=-1", "compares input -1"},
		{"threshold=0.5", "threshold=nan", "threshold 0 of tree 0 is NaN"},
		{"threshold=0.5", "threshold=", "threshold of tree 0 has 0 numbers"},
		{"decision_type=10", "decision_type=12", "decision type 12"},
		{"decision_type=10", "decision_type=1", "refers to set"},
		{"left_child=-1", "left_child=0",
			"refers to split 0, which it does not have or has met before"},
		{"left_child=-1", "left_child=7", "refers to split 7"},
		{"left_child=-1", "left_child=-3", "refers to leaf"},
		{"leaf_value=1 2", "leaf_value=1 inf", "may not be finite"},
		{"leaf_value=1 2", "leaf_value=1 nan", "may not be finite"},
		{"leaf_value=1 2", "leaf_value=1 1e308", ""},
		{"leaf_const=10 20", "leaf_const=10 -nan", `"-nan"`},
		{"leaf_coeff=3 4", "leaf_coeff=3 1e300", "may not be finite"},
		{"num_features=2 0", "num_features=3 0", "leaf 0 of tree 0 has 3 features of 2"},
		{"num_features=2 0", "num_features=-1 0", "has -1 features"},
		{"leaf_features=0 1", "leaf_features=0 2", "takes input 2 of 2"},
		{"is_linear=1", "is_linear=1\nis_linear=1", `"is_linear" occurs twice`},
		{"is_linear=1", "is_linear=1" + strings.Repeat("\nx", 1) + manyLines(), "more than"},
	} {
		expectReason(t, replaced(t, []byte(linearText), c.old, c.new), c.reason)
	}
}

// manyLines are more than a block has.
func manyLines() string {
	var b strings.Builder
	for i := range 200 {
		b.WriteString("\nkey" + itoa(i) + "=1")
	}
	return b.String()
}

// expectReason loads a model and expects an error with a reason, or none.
func expectReason(t *testing.T, data []byte, reason string) {
	t.Helper()
	_, err := scorer.Load(data)
	var format *scorer.FormatError
	switch {
	case reason == "" && err == nil:
	case !errors.As(err, &format) || reason == "" || !strings.Contains(err.Error(), reason):
		t.Errorf("error %v, expected %q", err, reason)
	}
}

// stumpJSON is an XGBoost model of one split on a number and one on a category.
const stumpJSON = `{"learner":{"gradient_booster":{"name":"gbtree","model":{"tree_info":[0],"trees":[{"left_children":[1,-1,3,-1,-1],
"right_children":[2,-1,4,-1,-1],"split_indices":[0,0,1,0,0],"split_conditions":[0.5,1,0,2,3],"default_left":[0,0,1,0,0],
"split_type":[0,0,1,0,0],"categories":[2,5],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],
"tree_param":{"size_leaf_vector":"1"}}]}},"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2"},
"objective":{"name":"binary:logistic"}}}`

func TestContradictionsInXGBoost(t *testing.T) {
	for _, c := range []struct{ old, new, reason string }{
		{`"name":"gbtree"`, `"name":"gblinear"`, `booster "gblinear" is not supported`},
		{`"name":"gbtree",`, ``, "no gradient_booster.name"},
		{`"tree_info":[0]`, `"tree_info":[1]`, "output 1 of 1"},
		{`"tree_info":[0]`, `"tree_info":[0,0]`, "tree_info has 2 trees"},
		{`"tree_info":[0]`, `"tree_info":[0],"tree_info":[0]`, "occurs twice"},
		{`"tree_info":[0]`, `"tree_info":["0"]`, "expected an integer"},
		{`[1,-1,3,-1,-1]`, `[0,-1,3,-1,-1]`, "refers to node 0"},
		{`[1,-1,3,-1,-1]`, `[1,-1,9,-1,-1]`, "refers to node 9"},
		{`[1,-1,3,-1,-1]`, `[1,-1,1,-1,-1]`, "refers to node 1"},
		{`[1,-1,3,-1,-1]`, `[1,-1,3,-1]`, "do not have one length"},
		{`[1,-1,3,-1,-1]`, `[99999999999,-1,3,-1,-1]`, "expected an integer of 32 bits"},
		{`[0,0,1,0,0]`, `[2,0,1,0,0]`, "compares input 2 of 2"},
		{`[0.5,1,0,2,3]`, `[NaN,1,0,2,3]`, "compares with NaN"},
		{`[0.5,1,0,2,3]`, `[0.5,Infinity,0,2,3]`, "may not be finite"},
		{`[0.5,1,0,2,3]`, `[0.5,1e39,0,2,3]`, "that float32 holds"},
		{`[0.5,1,0,2,3]`, `[-Infinity,1,NaN,2,3]`, ""},
		{`"categories":[2,5]`, `"categories":[2,-5]`, "category -5"},
		{`"categories":[2,5]`, `"categories":[2,16777216]`, "category 16777216"},
		{`"categories_sizes":[2]`, `"categories_sizes":[3]`, "are at 0, 3 of 2"},
		{`"categories_segments":[0]`, `"categories_segments":[1]`, "are at 1, 2 of 2"},
		{`"categories_nodes":[2]`, `"categories_nodes":[7]`, "of node 7"},
		{`"categories_nodes":[2]`, `"categories_nodes":[]`, "the categorical node 2 of tree 0 has no categories"},
		{`"size_leaf_vector":"1"`, `"size_leaf_vector":"x"`, `size_leaf_vector is "x"`},
		{`"size_leaf_vector":"1"`, `"size_leaf_vector":"3"`, "has no values"},
		{`"base_score":"5E-1"`, `"base_score":"half"`, `base_score is "half"`},
		{`"base_score":"5E-1"`, `"base_score":"[5E-1,5E-1]"`, "2 base scores for 1 outputs"},
		{`"base_score":"5E-1"`, `"base_score":"1"`, ""}, // the library clamps it: see TestXGBoostOfOneLabel
		{`"base_score":"5E-1"`, `"base_score":"1.5"`, "may not be finite"},
		{`"num_class":"0"`, `"num_class":"9999"`, `num_class is "9999"`},
		{`"num_feature":"2"`, `"num_feature":"99999999"`, `num_feature is "99999999"`},
		{`binary:logistic`, `binary:tomorrow`, `objective "binary:tomorrow" is not supported`},
		{`"objective":`, `"more":` + strings.Repeat("[", 100000) + `,"objective":`, "nest deeper than"},
		{`"objective":`, `"more":bogus,"objective":`, "expected a value"},
		{`"objective":`, `"feature_names":["a"],"objective":`, "1 feature names for 2"},
	} {
		expectReason(t, replaced(t, []byte(stumpJSON), c.old, c.new), c.reason)
	}
	expectReason(t, []byte(stumpJSON), "")
	expectReason(t, []byte(stumpJSON+" x"), "something follows")
}

// Damage to UBJ that JSON cannot have.
func TestContradictionsInUBJ(t *testing.T) {
	good := randomForest(rand.New(rand.NewPCG(5, 5)), forestShape{features: 6, outputs: 2, trees: 2,
		depth: 3}).ubj()
	skipped := "{L\x00\x00\x00\x00\x00\x00\x00\x01x"
	for _, c := range []struct {
		data   []byte
		reason string
	}{
		{append(slices.Clone(good), 0), "follow the model"},
		{replaced(t, good, "[$l#L\x00", "[$l#L\x7f"), "no length"},
		{replaced(t, good, "[$l#L\x00\x00\x00\x00\x00\x00", "[$l#L\x00\x00\x00\x00\x00\x02"),
			"no length"},
		{replaced(t, good, "[$l#", "[$Z#"), "an array of elements"},
		{replaced(t, good, "[$l#", "[$q#"), "an array of elements"},
		{[]byte(skipped + strings.Repeat("[", 100000)), "nest deeper than"},
		{[]byte(skipped + strings.Repeat("{U\x01a", 100000)), "nest deeper than"},
		{[]byte(skipped + "[#L\x7f\x00\x00\x00\x00\x00\x00\x00"), "no length"},
		{[]byte(skipped + "[#i\x80"), "no length"},
		{[]byte(skipped + "?"), "an unknown value"},
		{[]byte(skipped), "the file ends"},
		{[]byte("{U\x01xZ}"), "no gradient_booster.name"},
	} {
		expectReason(t, c.data, c.reason)
	}
}

// A category far up in a short list must not cost a bit for every one below it.
func TestHighCategoriesTakeLittleMemory(t *testing.T) {
	data := replaced(t, []byte(stumpJSON), `"categories":[2,5]`, `"categories":[2,16777215]`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := load(t, data)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 100000 {
		t.Errorf("%d bytes allocated for a file of %d", used, len(data))
	}
	scratch := m.NewScratch()
	for category, want := range map[float32]float64{2: 3, 5: 2, 16777215: 3, 16777216: 2, -1: 2} {
		if got := must(m.Raw(scratch, []float32{1, category})); got != want {
			t.Errorf("category %v: %v, expected %v", category, got, want)
		}
	}
}

func TestForestsAllocateNothing(t *testing.T) {
	for name, data := range smallForests(t) {
		m := load(t, data)
		scratch := m.NewScratch()
		x := make([]float32, len(m.Features()))
		out := make([]float64, 0, m.Outputs())
		if n := testing.AllocsPerRun(100, func() {
			out = must(m.AppendRaw(out[:0], scratch,
				x))
		}); n != 0 {
			t.Errorf("%s: %v allocations for a row", name, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			scratch.SetInt(0,
				5)
			out = must(m.AppendPrediction(out[:0], scratch, x))
		}); n != 0 {
			t.Errorf("%s: %v allocations for a prediction", name, n)
		}
	}
}
