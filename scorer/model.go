package scorer

import (
	"math"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Model is a loaded model. It is immutable and safe for concurrent use.
type Model struct {
	format   string
	features []Feature
	depths   []uint16 // of each tree
	outputs  int
	columns  columns
	// The trees, laid out as one of the families; the other pointers are nil. They are not an
	// interface, since a call through it would make every slice of inputs escape to the heap.
	oblivious  *oblivious
	asymmetric *asymmetric
	binary     *binaryForest
	objective  objective
	weights    forest.LeafWeights // for Explain
	iterations iterations
	warnings   []string
	inputs     *inputs
}

// Format returns the file format of the model: "catboost-cbm", "catboost-json", "lightgbm",
// "xgboost-json" or "xgboost-ubj".
func (m *Model) Format() string { return m.format }

// Features returns the inputs of Raw, in their order: the flat feature index of CatBoost, including
// features that the model does not use. The caller owns the slice.
func (m *Model) Features() []Feature { return append([]Feature(nil), m.features...) }

// Iterations returns how many iterations of the training the model uses, and how many its file has.
// See Loader.
func (m *Model) Iterations() (used, all int) { return m.iterations.used, m.iterations.all }

// BestIterations returns how many iterations early stopping found best, according to the file of an
// XGBoost model; 0 if the file does not say. It may differ from the number that is used: see
// Loader.
func (m *Model) BestIterations() int { return m.iterations.best }

// Warnings returns texts about outputs that may differ from what the trainer of the model expects:
// iterations that early stopping would omit, features of LightGBM models for whose thresholds
// float32 inputs are too coarse, and classes that training did not have. Most models have no
// warnings.
func (m *Model) Warnings() []string { return slices.Clone(m.warnings) }

// Trees returns the number of trees. The output of a model without trees is its bias.
func (m *Model) Trees() int { return len(m.depths) }

// Depth returns the depth of the deepest tree: 0 to 16 for symmetric trees, up to 255 for
// CatBoost's others, up to 4096 for LightGBM's and XGBoost's.
func (m *Model) Depth() int {
	deepest := uint16(0)
	for _, depth := range m.depths {
		deepest = max(deepest, depth)
	}
	return int(deepest)
}

// Outputs returns the number of outputs: 1 for a binary classifier and most regressions, one for
// each class or target otherwise.
func (m *Model) Outputs() int { return m.outputs }

// Raw evaluates the model on x, one value for each of Features in their order, and returns the
// untransformed output: for a classifier the log-odds of the positive class, for a regression the
// prediction; the first of several outputs. NaN is a missing value. Values set in the scratch
// override those in x; x may be nil if values are set, and all others are missing then. The result
// is finite, except for LightGBM's linear trees on infinite inputs and for a class that training
// did not have, whose output is -Inf (see ErrAbsentClass). It has the bits of the original library,
// unless the model came from Fast.
//
// If there is an error, the result is NaN. The error wraps ErrMismatch if x has another length or a
// feature does not take the value that is set, such as a text for a number; and ErrUnseen if the
// value is a category that the library refuses because training did not see it.
//
// Raw does not allocate if the scratch came from NewScratch of this model, or has been used for it
// or a wider one; any other grows. A nil scratch costs allocations in each call.
func (m *Model) Raw(scratch *Scratch, x []float32) (float64, error) {
	if scratch == nil {
		scratch = &Scratch{}
	}
	if len(x) != len(m.features) || scratch.hasValues {
		if err := m.inputs.check(scratch, x); err != nil {
			return math.NaN(), err
		}
	}
	if m.outputs > 1 {
		scratch.outputs, _ = m.AppendRaw(scratch.outputs[:0], scratch, x)
		return scratch.outputs[0], nil
	}
	var one [1]float64
	m.evaluate(scratch, x, one[:])
	return one[0], nil
}

// AppendRaw is Raw for models with several outputs: it appends all of them to dst, or nothing if
// there is an error. It allocates only if dst is too short.
func (m *Model) AppendRaw(dst []float64, scratch *Scratch, x []float32) ([]float64, error) {
	if scratch == nil {
		scratch = &Scratch{}
	}
	if len(x) != len(m.features) || scratch.hasValues {
		if err := m.inputs.check(scratch, x); err != nil {
			return dst, err
		}
	}
	n := len(dst)
	dst = slices.Grow(dst, m.outputs)[:n+m.outputs]
	m.evaluate(scratch, x, dst[n:])
	return dst, nil
}

// evaluate writes all outputs to dst.
func (m *Model) evaluate(scratch *Scratch, x []float32, dst []float64) {
	switch {
	case m.binary != nil:
		m.binary.raw(scratch, x, dst)
		return
	case m.asymmetric != nil:
		m.asymmetric.raw(scratch, x, dst)
		return
	}
	m.oblivious.raw(scratch, x, dst)
}
