package scorer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// contributions returns the value of every feature and the average, as the library lists them.
func contributions(t *testing.T, m *scorer.Model, scratch *scorer.Scratch, x []float32,
	output int) []float64 {
	t.Helper()
	all, mean, err := m.Explain(nil, scratch, x, output)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, len(m.Features())+1)
	for i, c := range all {
		values[c.Feature] = c.Value
		if i > 0 && math.Abs(c.Value) > math.Abs(all[i-1].Value) {
			t.Errorf("%v stands after %v", c, all[i-1])
		}
	}
	values[len(values)-1] = mean
	return values
}

// explanation collects how far the values of features are from those of a library, and how far
// their sums are from raw outputs, as parts of the sum of magnitudes.
type explanation struct {
	value, sum float64
	asked      bool
}

// add compares the values of all features and the average, which make up a raw output, with those
// of the library.
func (e *explanation) add(got, want []float64, raw float64) {
	e.asked = true
	apart, sum, magnitude := 0.0, 0.0, math.SmallestNonzeroFloat64
	for i, v := range got {
		apart = math.Max(apart, math.Abs(v-want[i])) // NaN stays NaN
		sum += v
		magnitude += math.Abs(v)
	}
	e.value, e.sum = math.Max(e.value, apart/magnitude), math.Max(e.sum,
		math.Abs(sum-raw)/magnitude)
}

// String rounds the differences of values up to a power of ten.
func (e *explanation) String() string {
	switch {
	case !e.asked:
		return ""
	case e.value == 0:
		return " / ="
	}
	return fmt.Sprintf(" / 1e%d", int(math.Ceil(math.Log10(e.value))))
}

// The values are CatBoost's ShapValues, LightGBM's pred_contrib and XGBoost's pred_contribs, and
// with the average they make up the raw output. XGBoost computes in float32: see
// TestExplainIsXGBoosts.
func TestExplainIsTheLibrarys(t *testing.T) {
	compared, rows, skipped := 0, 0, 0
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			if f.Explained == 0 {
				continue
			}
			compared++
			rows += f.Explained * f.Outputs
			within := 1e-13
			if f.library == "xgboost" {
				within = 8.0 / (1 << 24)
			}
			t.Run(f.title()+"/"+file, func(t *testing.T) {
				var e explanation
				skipped += f.explain(t, load(t, data), e.add)
				if !(e.value <= within && e.sum <= within) {
					t.Errorf("values are off by %.2g, sums by %.2g", e.value, e.sum)
				}
			})
		}
	}
	if compared < 60 || skipped > rows/10 {
		t.Errorf("%d models with explanations; in %d of %d rows the library's values do not add up",
			compared, skipped, rows)
	}
}

// explain returns the values for the rows that the library explained, beside what it says, and the
// raw output. It passes over rows where the library's values do not add up, and counts them: rows
// that go where no training row went, see Explain, and those of trees that are not symmetric, see
// TestExplainNonSymmetricTreesByDefinition.
func (f *libraryFixture) explain(t *testing.T, m *scorer.Model,
	each func(got, want []float64, raw float64)) (skipped int) {
	t.Helper()
	if f.Explained == 0 {
		return 0
	}
	want := f.floats64(t, "shap.f64")
	width := f.Features + 1
	// of RMSEWithUncertainty the library explains the mean alone
	outputs := len(want) / width / f.Explained
	scratch := m.NewScratch()
	for _, in := range f.rows(t)[:f.Explained] {
		in.set(scratch)
		raw := must(m.AppendRaw(nil, scratch, in.x))
		for k := range outputs {
			if f.Seen != nil {
				k = f.Seen[k]
			}
			sum := 0.0
			for _, v := range want[:width] {
				sum += v
			}
			if math.Abs(sum-raw[k]) > 1e-6 {
				skipped++
			} else {
				each(contributions(t, m, scratch, in.x, k), want[:width], raw[k])
			}
			want = want[width:]
		}
	}
	return skipped
}

// CatBoost's values for trees that are not symmetric do not add up to its own raw output, in nearly
// all rows of the fixtures. These here are by the definition.
func TestExplainNonSymmetricTreesByDefinition(t *testing.T) {
	compared := 0
	for _, f := range libraryFixtures(t) {
		if f.name != "depthwise" && f.name != "lossguide" {
			continue
		}
		compared++
		roots := nonSymmetricTrees(t, f.models["model.json"])
		m := load(t, f.models["model.json"])
		for _, in := range f.rows(t)[:20] {
			want := shapleyByDefinition(f.Features, func(set uint) (sum float64) {
				for _, root := range roots {
					sum += root.expected(set, func(n *naiveNode) *naiveNode {
						// what is missing is below all borders in these models
						if float64(in.x[n.feature]) > n.threshold {
							return n.right
						}
						return n.left
					})
				}
				return sum
			})
			for j, got := range contributions(t, m, nil, in.x, 0) {
				if math.Abs(got-want[j]) > 1e-14 {
					t.Fatalf("%s: feature %d: %v, expected %v for %v", f.title(), j, got, want[j],
						in.x)
				}
			}
		}
	}
	if compared < 8 {
		t.Errorf("%d models", compared)
	}
}

// nonSymmetricTrees reads the trees of a model of numeric features and one output.
func nonSymmetricTrees(t *testing.T, data []byte) (roots []*naiveNode) {
	t.Helper()
	type node struct {
		Left, Right *node
		Split       struct {
			Border  float64 `json:"border"`
			Feature int     `json:"float_feature_index"`
		}
		Value, Weight float64
	}
	var model struct{ Trees []*node }
	if err := json.Unmarshal(data, &model); err != nil || len(model.Trees) == 0 {
		t.Fatalf("%d trees, %v", len(model.Trees), err)
	}
	var read func(n *node) *naiveNode
	read = func(n *node) *naiveNode {
		if n.Left == nil {
			return &naiveNode{value: n.Value, rows: n.Weight}
		}
		return &naiveNode{left: read(n.Left), right: read(n.Right), feature: n.Split.Feature,
			threshold: n.Split.Border}
	}
	for _, tree := range model.Trees {
		roots = append(roots, read(tree))
	}
	return roots
}

// addsUp says whether the values of features and the average make up the raw output.
func addsUp(t *testing.T, m *scorer.Model, scratch *scorer.Scratch, x []float32) bool {
	t.Helper()
	var e explanation
	values := contributions(t, m, scratch, x, 0)
	e.add(values, values, must(m.Raw(scratch, x)))
	return e.sum <= 1e-13
}

// A leaf without training rows has a value under monotone constraints. It counts for the rows that
// go there; those that do not are explained without it, as by CatBoost.
func TestExplainLeavesWithoutTrainingRows(t *testing.T) {
	m := load(t, []byte(`{"features_info":{"float_features":[{"flat_feature_index":0,"borders":[0]},{"flat_feature_index":1,"borders":[0]}]},
		"oblivious_trees":[{"leaf_values":[8,16,64,32],"leaf_weights":[3,1,0,4],"splits":[{"split_index":0},{"split_index":1}]}]}`))
	// Known are: nothing 0.375*8+0.125*16+0.5*32 = 21; feature 0, no 0.5*8+0*64, yes 0.5*16+0.5*32;
	// feature 1, no 0.75*8+0.25*16, yes 32.
	for _, c := range []struct{ x0, x1, first, second float64 }{
		{-1, -1, ((4 - 21) + (8 - 10)) / 2., ((10 - 21) + (8 - 4)) / 2.},
		{1, -1, ((24 - 21) + (16 - 10)) / 2., ((10 - 21) + (16 - 24)) / 2.},
		// after feature 1, with the result 32, feature 0 changes nothing
		{1, 1, ((24 - 21) + 0) / 2., ((32 - 21) + (32 - 24)) / 2.},
	} {
		got := contributions(t, m, nil, []float32{float32(c.x0), float32(c.x1)}, 0)
		for i, want := range []float64{c.first, c.second, 21} {
			if math.Abs(got[i]-want) > 1e-13 {
				t.Errorf("%+v: value %d is %v, expected %v", c, i, got[i], want)
			}
		}
	}
	if x := []float32{-1, 1}; !addsUp(t, m, nil, x) || must(m.Raw(nil, x)) != 64 {
		t.Errorf("%v does not add up to 64", contributions(t, m, nil, x, 0))
	}
}

// No training makes combinations without a categorical feature. What they are worth is not lost.
func TestExplainCombinationsWithoutCategories(t *testing.T) {
	compared := 0
	for _, f := range libraryFixtures(t) {
		if f.name != "combinations" {
			continue
		}
		m := load(t, withoutCategory(t, f.models["model.json"]))
		for _, in := range f.rows(t)[:f.Explained] {
			scratch := m.NewScratch()
			in.set(scratch)
			if !addsUp(t, m, scratch, in.x) {
				t.Fatalf("%s: the values for %v do not add up", f.title(), in)
			}
			compared++
		}
	}
	if compared < 48 {
		t.Errorf("%d rows", compared)
	}
}

// withoutCategory removes a categorical feature from the combinations of it and something else, and
// from the keys of their tables.
func withoutCategory(t *testing.T, data []byte) []byte {
	t.Helper()
	var model map[string]any
	if err := json.Unmarshal(data, &model); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, statistic := range model["features_info"].(map[string]any)["ctrs"].([]any) {
		of := statistic.(map[string]any)
		if elements := of["elements"].([]any); len(elements) > 1 {
			of["elements"] = slices.DeleteFunc(elements, func(e any) bool {
				return e.(map[string]any)["combination_element"] == "cat_feature_value"
			})
			changed++
		}
	}
	tables := map[string]any{}
	for key, table := range model["ctr_data"].(map[string]any) {
		tables[strings.Replace(key, `{"cat_feature_index":1,"combination_element":"cat_feature_value"},`, "", 1)] = table
	}
	model["ctr_data"] = tables
	data, err := json.Marshal(model)
	if err != nil || changed == 0 {
		t.Fatalf("%d combinations changed, %v", changed, err)
	}
	return data
}

func TestExplainNeedsWeights(t *testing.T) {
	m := load(t, smallModel(t))
	if _, _, err := m.Explain(nil, nil, nil, 0); !errors.Is(err, scorer.ErrNoWeights) {
		t.Errorf("error %v", err)
	}
	m = load(t, fixtureNamed(t, "classification").cbm)
	for _, output := range []int{-1, 1} {
		if _, _, err := m.Explain(nil, nil, nil, output); err == nil {
			t.Errorf("output %d is explained", output)
		}
	}
}
