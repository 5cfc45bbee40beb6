package scorer

// leafWeights are what the training rows in each leaf weighed, as the libraries write it: one of the slices, or none.
type leafWeights struct {
	doubles []float64 // CatBoost
	singles []float32 // XGBoost: sums of second derivatives
	counts  []int32   // LightGBM
}

func (w *leafWeights) none() bool { return w.len() == 0 }

func (w *leafWeights) len() int { return len(w.doubles) + len(w.singles) + len(w.counts) }

// of gives the weight of a leaf.
func (w *leafWeights) of(leaf int) float64 {
	switch {
	case w.counts != nil:
		return float64(w.counts[leaf])
	case w.singles != nil:
		return float64(w.singles[leaf])
	}
	return w.doubles[leaf]
}

// sound says whether there is a weight for each leaf, none is negative, and all add up.
func (w *leafWeights) sound(leaves int) bool {
	if w.len() != leaves {
		return false
	}
	total := 0.0
	for leaf := range leaves {
		weight := w.of(leaf)
		if !(weight >= 0) {
			return false
		}
		total += weight
	}
	return isFinite(total)
}
