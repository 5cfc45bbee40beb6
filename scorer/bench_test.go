package scorer_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// The two shapes of the design's targets. Rows differ from call to call, so that the branch
// predictor cannot learn them and the leaves are not always in the cache; every split is on a
// random border, as in a trained model. Each tier adds exactly, and as Fast does.
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
		benchmarkTiers(b, c.name, m, rows)
	}
}

// benchmarkTiers evaluates the rows in turn, in every tier, exactly and fast.
func benchmarkTiers(b *testing.B, name string, m *scorer.Model, rows [][]float32) {
	for _, tier := range scorer.Tiers() {
		m, err := m.On(tier)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/tier="+tier.String(), func(b *testing.B) { benchmarkRows(b, m, rows) })
		b.Run(name+"/tier="+tier.String()+"/fast", func(b *testing.B) {
			benchmarkRows(b, m.Fast(),
				rows)
		})
	}
}

func benchmarkRows(b *testing.B, m *scorer.Model, rows [][]float32) {
	scratch, dst := m.NewScratch(), make([]float64, 0, m.Outputs())
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		dst = must(m.AppendRaw(dst[:0], scratch, rows[i]))
		if i++; i == len(rows) {
			i = 0
		}
	}
}

// A thousand rows one by one, and as a batch: on one goroutine and on all. ns/row is what to
// compare.
//
//	go test -run '^$' -bench Batch ./scorer
func BenchmarkBatch(b *testing.B) {
	small, smallRows := benchmarkModel(b, 100, 50, 16)
	large, largeRows := benchmarkModel(b, 1000, 200, 64)
	forest, forestRows := benchmarkForest(b, 300)
	for _, c := range []struct {
		name  string
		model *scorer.Model
		rows  [][]float32
	}{{"trees=100/features=50", small, smallRows}, {"trees=1000/features=200", large,
		largeRows}, {"lightgbm/trees=300", forest, forestRows}} {
		batch := scorer.Batch{Rows: len(c.rows), Values: slices.Concat(c.rows...)}
		dst := make([]float64, 0, len(c.rows))
		perRow := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(c.rows)), "ns/row")
		}
		b.Run(c.name+"/one by one", func(b *testing.B) {
			scratch := c.model.NewScratch()
			for b.Loop() {
				dst = dst[:0]
				for _, x := range c.rows {
					dst = must(c.model.AppendRaw(dst, scratch, x))
				}
			}
			perRow(b)
		})
		for name, threads := range map[string]int{"one thread": 1, "all threads": 0} {
			batch.Threads = threads
			b.Run(c.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					dst = must(c.model.AppendRawBatch(dst[:0], batch))
				}
				perRow(b)
			})
		}
	}
}

// Three outputs, as of a classifier of three classes: there is no other order to be fast in.
//
//	go test -run '^$' -bench Outputs ./scorer
func BenchmarkOutputs(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 7))
	n, rows := benchmarkTrees(b, 300, 100, 32)
	n.ScaleAndBias = []any{1.0, make([]float64, 3)}
	m := load(b, marshalled(b, joined([]*naive{n, withOtherLeaves(rng, n),
		withOtherLeaves(rng, n)})))
	for _, tier := range scorer.Tiers() {
		m, err := m.On(tier)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("trees=300/features=100/borders=32/outputs=3/tier="+tier.String(),
			func(b *testing.B) { benchmarkRows(b, m, rows) })
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

func benchmarkModel(b *testing.B, trees, features, borders int) (*scorer.Model, [][]float32) {
	b.Helper()
	n, rows := benchmarkTrees(b, trees, features, borders)
	return load(b, marshalled(b, n)), rows
}

// benchmarkTrees are of depth 6 on normally distributed features.
func benchmarkTrees(b *testing.B, trees, features, borders int) (*naive, [][]float32) {
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
	rows := make([][]float32, 1000)
	for i := range rows {
		for range features {
			rows[i] = append(rows[i], float32(rng.NormFloat64()))
		}
	}
	return n, rows
}

// An explanation of a row, which is asked for seldom: after an incident, or for a sample of
// requests.
//
//	go test -run '^$' -bench Explain ./scorer
func BenchmarkExplain(b *testing.B) {
	f := fixtureNamed(b, "classification")
	m := load(b, f.cbm)
	scratch := m.NewScratch()
	var dst []scorer.Contribution
	for b.Loop() {
		var err error
		if dst, _, err = m.Explain(dst[:0], scratch, f.rows[0], 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m.Trees()), "ns/tree")
}

// An active model and a shadow that look at the same inputs: together, and one after the other.
//
//	go test -run '^$' -bench Set ./scorer
func BenchmarkSet(b *testing.B) {
	active, rows := benchmarkModel(b, 100, 50, 16)
	shadow, _ := benchmarkModel(b, 60, 50, 16) // the same borders, the first 60 of the trees
	set, err := scorer.NewSet(active, shadow)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, 0, 2)
	b.Run("together", func(b *testing.B) {
		scratch, i := set.NewScratch(), 0
		b.ReportAllocs()
		for b.Loop() {
			dst = must(set.AppendRaw(dst[:0], scratch, rows[i%len(rows)]))
			i++
		}
	})
	b.Run("apart", func(b *testing.B) {
		scratch, i := active.NewScratch(), 0
		b.ReportAllocs()
		for b.Loop() {
			x := rows[i%len(rows)]
			dst = must(shadow.AppendRaw(must(active.AppendRaw(dst[:0], scratch, x)), scratch, x))
			i++
		}
	})
}

// Two categories set and a row scored: 14 trees of depth 4 on one-hot values and on statistics of
// combinations of categories, numbers and one-hot values.
//
//	go test -run '^$' -bench Categories ./scorer
func BenchmarkCategories(b *testing.B) {
	f := libraryFixtureNamed(b, "catboost-1.2.10", "combinations")
	m, rows := load(b, f.models["model.cbm"]), f.rows(b)
	country, agent := []byte("nl"), []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "+
		"Gecko/20100101 Firefox/128.0")
	scratch, i := m.NewScratch(), 0
	b.ReportAllocs()
	for b.Loop() {
		scratch.SetBytes(3, country)
		scratch.SetBytes(4, agent)
		must(m.Raw(scratch, rows[i%len(rows)].x))
		i++
	}
}
