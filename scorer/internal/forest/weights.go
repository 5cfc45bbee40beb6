package forest

// LeafWeights are the weights of the training rows in each leaf, as the libraries write them: one
// of the slices is used, or none.
type LeafWeights struct {
	Doubles []float64 // CatBoost
	Singles []float32 // XGBoost: sums of second derivatives
	Counts  []int32   // LightGBM
}

// None reports whether there are no weights.
func (w *LeafWeights) None() bool { return w.len() == 0 }

func (w *LeafWeights) len() int { return len(w.Doubles) + len(w.Singles) + len(w.Counts) }

// At returns the weight of a leaf.
func (w *LeafWeights) At(leaf int) float64 {
	switch {
	case w.Counts != nil:
		return float64(w.Counts[leaf])
	case w.Singles != nil:
		return float64(w.Singles[leaf])
	}
	return w.Doubles[leaf]
}

// sound reports whether each leaf has a weight, none is negative, and their sum is finite.
func (w *LeafWeights) sound(leaves int) bool {
	if w.len() != leaves {
		return false
	}
	total := 0.0
	for leaf := range leaves {
		weight := w.At(leaf)
		if !(weight >= 0) {
			return false
		}
		total += weight
	}
	return IsFinite(total)
}

// dropUnsoundWeights drops invalid weights instead of refusing the model: only explanations use
// them.
func (e *Ensemble) dropUnsoundWeights(leaves int) {
	if !e.Weights.sound(leaves) {
		e.Weights = LeafWeights{}
	}
}

// IsFinite reports whether a number is neither NaN nor infinite.
func IsFinite(v float64) bool { return v-v == 0 }
