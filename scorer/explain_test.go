package scorer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// contributions gives the value of every feature and the average, as the library lists them.
func contributions(t *testing.T, m *scorer.Model, row *scorer.Row, x []float32, output int) []float64 {
	t.Helper()
	all, mean, err := m.Explain(nil, row, x, output)
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

// explanation collects how far the values of features are from those of a library, and how far their sums are from raw outputs, as parts
// of the sum of magnitudes.
type explanation struct {
	value, sum float64
	asked      bool
}

// add compares the values of all features and the average, which make up a raw output, with those of the library.
func (e *explanation) add(got, want []float64, raw float64) {
	e.asked = true
	apart, sum, magnitude := 0.0, 0.0, math.SmallestNonzeroFloat64
	for i, v := range got {
		apart = math.Max(apart, math.Abs(v-want[i])) // NaN stays NaN
		sum += v
		magnitude += math.Abs(v)
	}
	e.value, e.sum = math.Max(e.value, apart/magnitude), math.Max(e.sum, math.Abs(sum-raw)/magnitude)
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

// The values are CatBoost's ShapValues, and with the average they make up the raw output.
func TestExplainIsCatBoosts(t *testing.T) {
	compared, rows, skipped := 0, 0, 0
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			if f.library != "catboost" || f.Explained == 0 {
				continue
			}
			compared++
			rows += f.Explained * f.Outputs
			t.Run(f.title()+"/"+file, func(t *testing.T) {
				var e explanation
				skipped += f.explain(t, load(t, data), e.add)
				if !(e.value <= 1e-13 && e.sum <= 1e-13) {
					t.Errorf("values are off by %.2g, sums by %.2g", e.value, e.sum)
				}
			})
		}
	}
	if compared < 40 || skipped > rows/10 {
		t.Errorf("%d models with explanations; in %d of %d rows the library's values do not add up", compared, skipped, rows)
	}
}

// explain gives the values for the rows that the library explained, beside what it says, and the raw output. It passes over rows where the
// library's values do not add up, and counts them: rows that go where no training row went, see Explain, and those of trees that are not
// symmetric, see TestExplainNonSymmetricTreesByDefinition.
func (f *libraryFixture) explain(t *testing.T, m *scorer.Model, each func(got, want []float64, raw float64)) (skipped int) {
	t.Helper()
	if f.Explained == 0 {
		return 0
	}
	want := f.floats64(t, "shap.f64.gz")
	width := f.Features + 1
	outputs := len(want) / width / f.Explained // of RMSEWithUncertainty the library explains the mean alone
	row := m.NewRow()
	for _, in := range f.rows(t)[:f.Explained] {
		in.set(row)
		raw := must(m.AppendRaw(nil, row, in.x))
		for k := range outputs {
			sum := 0.0
			for _, v := range want[:width] {
				sum += v
			}
			if math.Abs(sum-raw[k]) > 1e-6 {
				skipped++
			} else {
				each(contributions(t, m, row, in.x, k), want[:width], raw[k])
			}
			want = want[width:]
		}
	}
	return skipped
}

// CatBoost's values for trees that are not symmetric do not add up to its own raw output, in nearly all rows of the fixtures. These here are by
// the definition.
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
						if float64(in.x[n.feature]) > n.threshold { // what is missing is below all borders in these models
							return n.right
						}
						return n.left
					})
				}
				return sum
			})
			for j, got := range contributions(t, m, nil, in.x, 0) {
				if math.Abs(got-want[j]) > 1e-14 {
					t.Fatalf("%s: feature %d: %v, expected %v for %v", f.title(), j, got, want[j], in.x)
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
		return &naiveNode{left: read(n.Left), right: read(n.Right), feature: n.Split.Feature, threshold: n.Split.Border}
	}
	for _, tree := range model.Trees {
		roots = append(roots, read(tree))
	}
	return roots
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
