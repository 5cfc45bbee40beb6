package scorer_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// The two shapes of the design's targets. Rows differ from call to call, so that the branch predictor cannot learn them and the
// leaves are not always in the cache; every split is on a random border, as in a trained model.
//
//	go test -run '^$' -bench Raw ./scorer
func BenchmarkRaw(b *testing.B) {
	for _, c := range []struct {
		name                     string
		trees, features, borders int
	}{
		{"trees=100/features=50/borders=16", 100, 50, 16},
		{"trees=1000/features=200/borders=64", 1000, 200, 64},
		{"trees=1000/features=400/borders=64", 1000, 400, 64},
	} {
		m, rows := benchmarkModel(b, c.trees, c.features, c.borders)
		for _, tier := range scorer.Tiers() {
			b.Run(c.name+"/tier="+tier.String(), func(b *testing.B) {
				m, err := m.On(tier)
				if err != nil {
					b.Fatal(err)
				}
				row := m.NewRow()
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					m.Raw(row, rows[i])
					if i++; i == len(rows) {
						i = 0
					}
				}
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	f := fixtureNamed(b, "classification")
	for name, data := range map[string][]byte{"cbm": f.cbm, "json": f.json} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				load(b, data)
			}
		})
	}
}

// benchmarkModel has trees of depth 6 on normally distributed features.
func benchmarkModel(b *testing.B, trees, features, borders int) (*scorer.Model, [][]float32) {
	b.Helper()
	rng := rand.New(rand.NewPCG(6, 6))
	n := &naive{ScaleAndBias: []any{1.0, []float64{0}}}
	for i := range features {
		f := naiveFeature{Index: i, Flat: i}
		for range borders {
			f.Borders = append(f.Borders, float32(rng.NormFloat64()))
		}
		slices.Sort(f.Borders)
		n.Info.Floats = append(n.Info.Floats, f)
	}
	for range trees {
		var tree naiveTree
		for range 6 {
			tree.Splits = append(tree.Splits, naiveSplit{ID: rng.IntN(features * borders)})
		}
		for range 64 {
			tree.Leaves = append(tree.Leaves, rng.NormFloat64())
		}
		n.Trees = append(n.Trees, tree)
	}
	data, err := json.Marshal(n)
	if err != nil {
		b.Fatal(err)
	}
	rows := make([][]float32, 1000)
	for i := range rows {
		for range features {
			rows[i] = append(rows[i], float32(rng.NormFloat64()))
		}
	}
	return load(b, data), rows
}

// An explanation of a row, which is asked for seldom: after an incident, or for a sample of requests.
//
//	go test -run '^$' -bench Explain ./scorer
func BenchmarkExplain(b *testing.B) {
	f := fixtureNamed(b, "classification")
	m := load(b, f.cbm)
	row := m.NewRow()
	var dst []scorer.Contribution
	for b.Loop() {
		var err error
		if dst, _, err = m.Explain(dst[:0], row, f.rows[0], 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m.Trees()), "ns/tree")
}
