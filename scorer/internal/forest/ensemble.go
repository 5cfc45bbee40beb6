package forest

import "math"

// Limits of what Load accepts. They keep the time and memory for a hostile file in proportion to
// its size; real models are far below them.
const (
	MaxTrees    = 1 << 20
	MaxDepth    = 16 // CatBoost's own limit
	MaxFeatures = 1 << 16
	maxBuckets  = 1 << 16 // byte buckets: the binary format numbers them with 16 bits
	MaxColumns  = 1 << 16
	maxName     = 1 << 10 // bytes of a feature name
	MaxOutputs  = 1 << 12
)

// Ensemble is what every decoder fills in: the model as the file describes it, before it is laid
// out for evaluation. A decoder copies and converts, and ends with Check, which validates the whole
// for all formats.
//
// There are two families of trees, since the libraries compare differently. An ensemble has one of
// them: Conditions or Binary.
type Ensemble struct {
	Format    string
	Outputs   int         // numbers for each row; at least 1
	Leaves    []float64   // values of the leaves of all trees
	Weights   LeafWeights // of the leaves in training; empty if the file does not have them
	Bias      []float64   // of each output: where its sum starts; in CatBoost, added to it
	Objective Objective
	Warnings  []string

	PerIteration int // trees of an iteration of the training; at least 1
	Best         int // iterations that early stopping found best; 0: not in the file

	Conditions *ConditionTrees // CatBoost
	Binary     *BinaryTrees    // LightGBM and XGBoost
}

// Iterations returns the number of training iterations that the file has.
func (e *Ensemble) Iterations() int {
	if e.Binary != nil {
		return len(e.Binary.Trees) / e.PerIteration
	}
	return len(e.Conditions.Depths) / e.PerIteration
}

// Keep drops the trees after the first iterations of an ensemble that passed its check.
func (e *Ensemble) Keep(iterations int) {
	if e.Binary != nil {
		e.keepBinary(iterations * e.PerIteration)
	} else {
		e.keepConditions(iterations * e.PerIteration)
	}
	if e.Objective.Divisor > 0 {
		e.Objective.Divisor = float64(iterations)
	}
}

// Check validates everything that layout and evaluation rely on.
func (e *Ensemble) Check() error {
	if e.Binary != nil {
		return e.checkBinary()
	}
	return e.checkConditions()
}

// checkOutputs makes sure that there is a bias for each of a sensible number of outputs.
func (e *Ensemble) checkOutputs() error {
	if e.Outputs < 1 || e.Outputs > MaxOutputs {
		return Damaged(e.Format, "%d outputs, expected 1 to %d", e.Outputs, MaxOutputs)
	}
	if len(e.Bias) != e.Outputs {
		return Damaged(e.Format, "%d biases for %d outputs", len(e.Bias), e.Outputs)
	}
	return nil
}

// Largest returns the largest magnitude among leaf values.
func Largest(leaves []float64) float64 {
	most := 0.0
	for _, leaf := range leaves {
		most = max(most, math.Abs(leaf))
	}
	return most
}
