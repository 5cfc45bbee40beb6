package scorer_test

import (
	"errors"
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

// The values are CatBoost's ShapValues, and with the average they make up the raw output.
func TestExplainIsTheLibrarys(t *testing.T) {
	compared, rows, skipped := 0, 0, 0
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			if f.library != "catboost" || f.Explained == 0 {
				continue
			}
			compared++
			t.Run(f.title()+"/"+file, func(t *testing.T) { skipped += f.compareExplanation(t, load(t, data)) })
			rows += f.Explained * f.Outputs
		}
	}
	if compared < 40 || skipped > rows/10 {
		t.Errorf("%d models with explanations; of %d rows %d go where no training row went", compared, rows, skipped)
	}
}

func (f *libraryFixture) compareExplanation(t *testing.T, m *scorer.Model) (skipped int) {
	want := f.floats64(t, "shap.f64.gz")
	width := f.Features + 1
	outputs := len(want) / width / f.Explained // of RMSEWithUncertainty the library explains the mean alone
	row := m.NewRow()
	for i, in := range f.rows(t)[:f.Explained] {
		in.set(row)
		raw := m.AppendRaw(nil, row, in.x)
		for k := range outputs {
			got := contributions(t, m, row, in.x, k)
			theirs := want[(i*outputs+k)*width:][:width]
			sum, theirSum := 0.0, 0.0
			for j := range got {
				sum += got[j]
				theirSum += theirs[j]
			}
			if math.Abs(sum-raw[k]) > 1e-9 {
				t.Errorf("row %d, output %d: the values add up to %v, the raw output is %v", i, k, sum, raw[k])
			}
			if math.Abs(theirSum-raw[k]) > 1e-6 { // the row goes where no training row went: see Explain
				skipped++
				continue
			}
			for j := range got {
				if math.Abs(got[j]-theirs[j]) > 1e-9 {
					t.Fatalf("row %d, output %d, feature %d: %v, the library says %v", i, k, j, got, theirs)
				}
			}
		}
	}
	return skipped
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
