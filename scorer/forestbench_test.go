package scorer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// BenchmarkForest evaluates LightGBM's usual trees of 31 leaves on 50 features, in every tier,
// exactly and as Fast does. Each split is of a leaf and a threshold at random, so that ways are as
// unequal as in a trained model, and rows differ from call to call, so that the branch predictor
// cannot learn them.
//
//	go test -run '^$' -bench Forest ./scorer
func BenchmarkForest(b *testing.B) {
	for _, trees := range []int{100, 300, 1000} {
		m, rows := benchmarkForest(b, trees)
		benchmarkTiers(b, fmt.Sprintf("trees=%d", trees), m, rows)
	}
}

func benchmarkForest(b *testing.B, trees int) (*scorer.Model, [][]float32) {
	b.Helper()
	rng := rand.New(rand.NewPCG(9, 9))
	f := &naiveForest{features: 50, outputs: 1}
	for range trees {
		f.trees = append(f.trees, leafWise(rng, 50, 31))
	}
	rows := make([][]float32, 256)
	for i := range rows {
		for range f.features {
			rows[i] = append(rows[i], float32(rng.NormFloat64()))
		}
	}
	return load(b, f.text()), rows
}

// BenchmarkExplainForest explains rows of a model of 100 trees of 31 leaves.
//
//	go test -run '^$' -bench Explain ./scorer
func BenchmarkExplainForest(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 9))
	f := &naiveForest{features: 50, outputs: 1}
	for range 100 {
		f.trees = append(f.trees, leafWise(rng, 50, 31))
	}
	m := load(b, f.text())
	scratch, x := m.NewScratch(), make([]float32, 50)
	var dst []scorer.Contribution
	b.ReportAllocs()
	for b.Loop() {
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		var err error
		if dst, _, err = m.Explain(dst[:0], scratch, x, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// leafWise splits one leaf after the other, chosen at random.
func leafWise(rng *rand.Rand, features, leaves int) *naiveNode {
	root := &naiveNode{}
	all := []*naiveNode{root}
	for len(all) < leaves {
		i := rng.IntN(len(all))
		n := all[i]
		*n = naiveNode{left: &naiveNode{value: rng.NormFloat64(), rows: 20},
			right:   &naiveNode{value: rng.NormFloat64(), rows: 20},
			feature: rng.IntN(features), threshold: rng.NormFloat64(), missing: 2}
		all[i] = n.left
		all = append(all, n.right)
	}
	return root
}
