package scorer_test

import (
	"math/rand/v2"
	"testing"
)

// Models of one to nine outputs, whose sums are taken four, three, two and one at a time: each
// output is what a model of that output alone.
func TestOutputsAreAddedInTheOrderOfTheTrees(t *testing.T) {
	for outputs := 1; outputs <= 9; outputs++ {
		for i, s := range []shape{{3, 5, 10, 6}, {20, 30, 70, 9}, {5, 3, 1200, 3},
			{300, 4, 90, 8}} {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(outputs)))
			first := randomModel(rng, s)
			first.ScaleAndBias = []any{1.0, make([]float64, outputs)}
			alone := []*naive{first}
			for len(alone) < outputs {
				alone = append(alone, withOtherLeaves(rng, first))
			}
			m := load(t, marshalled(t, joined(alone)))
			if m.Outputs() != outputs {
				t.Fatalf("%d outputs, expected %d", m.Outputs(), outputs)
			}
			scratch, x := m.NewScratch(), make([]float32, s.features)
			var got []float64
			for range 20 {
				for j := range x {
					x[j] = randomValue(rng)
				}
				got = must(m.AppendRaw(got[:0], scratch, x))
				for k, n := range alone {
					if want := n.raw(x); !sameBits(got[k], want) {
						t.Fatalf("shape %v, output %d of %d: %v, expected %v", s, k, outputs,
							got[k], want)
					}
				}
			}
		}
	}
}

// withOtherLeaves returns the same trees with other values.
func withOtherLeaves(rng *rand.Rand, n *naive) *naive {
	other := *n
	other.Trees = nil
	for _, tree := range n.Trees {
		leaves := make([]float64, len(tree.Leaves))
		for i := range leaves {
			leaves[i] = rng.NormFloat64()
		}
		other.Trees = append(other.Trees, naiveTree{Splits: tree.Splits, Leaves: leaves})
	}
	return &other
}

// joined is one model of several outputs: the values of a leaf stand next to each other.
func joined(alone []*naive) *naive {
	all := *alone[0]
	all.Trees = nil
	for i, tree := range alone[0].Trees {
		var leaves []float64
		for leaf := range tree.Leaves {
			for _, n := range alone {
				leaves = append(leaves, n.Trees[i].Leaves[leaf])
			}
		}
		all.Trees = append(all.Trees, naiveTree{Splits: tree.Splits, Leaves: leaves})
	}
	return &all
}
