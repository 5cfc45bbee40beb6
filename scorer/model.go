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
	// The trees, laid out for one of the families. A further family is a further pointer, and a case in evaluate: a call through an
	// interface would make every slice of inputs escape to the heap.
	oblivious  *oblivious
	asymmetric *asymmetric
	binary     *binaryForest
	objective  objective
	weights    forest.LeafWeights // for Explain
	iterations iterations
	warnings   []string
	inputs     *inputs
}

// Format names the file format the model came from: "catboost-cbm", "catboost-json", "lightgbm", "xgboost-json" or
// "xgboost-ubj".
func (m *Model) Format() string { return m.format }

// Features describes the inputs of Raw, in their order: the flat feature index of CatBoost, with the features the model does
// not use. The slice is the caller's.
func (m *Model) Features() []Feature { return append([]Feature(nil), m.features...) }

// Iterations returns how many iterations of the training the model uses, and how many its file has. See Loader.
func (m *Model) Iterations() (used, all int) { return m.iterations.used, m.iterations.all }

// BestIterations returns how many iterations early stopping found best, as the file of an XGBoost model says; 0 where a file says
// nothing of it. It may differ from what is used: see Loader.
func (m *Model) BestIterations() int { return m.iterations.best }

// Warnings says, in words for people, where answers may differ from what somebody who trained the model expects: iterations that early
// stopping would leave out, and features of LightGBM models for whose thresholds float32 inputs are too coarse. Most models have none.
func (m *Model) Warnings() []string { return slices.Clone(m.warnings) }

// Trees returns the number of trees; a model without trees answers its bias.
func (m *Model) Trees() int { return len(m.depths) }

// Depth returns the depth of the deepest tree: 0 to 16 for symmetric trees, up to 255 for CatBoost's others, up to 4096 for
// LightGBM's and XGBoost's.
func (m *Model) Depth() int {
	deepest := uint16(0)
	for _, depth := range m.depths {
		deepest = max(deepest, depth)
	}
	return int(deepest)
}

// Outputs returns how many numbers the model answers a row with: 1 for a binary classifier and most regressions, one for each
// class or target otherwise.
func (m *Model) Outputs() int { return m.outputs }

// Raw evaluates the model on x, one value for each of Features in their order, and returns the untransformed output: for a
// classifier the log-odds of the positive class, for a regression the prediction; the first of several outputs. NaN is a missing
// value. Values set in the row take the place of those in x; x may be nil if values are set, and all others are missing then.
// The result is finite, but for LightGBM's linear trees on infinite inputs, and for the output of a class that training did not
// have (see ErrAbsentClass), which is -Inf. It has the bits of the original library, unless the model came from Fast.
//
// If there is an error, the result is NaN. It wraps ErrMismatch if x has another length, or a value is
// set in the row that its feature does not take, such as a text for a number; and ErrUnseen if it is
// a category that the library refuses because training did not see it.
//
// Raw allocates nothing if row came from NewRow of this model or has served it or a wider one before; another row grows. A nil row
// costs an allocation for each call.
func (m *Model) Raw(row *Row, x []float32) (float64, error) {
	if row == nil {
		row = &Row{}
	}
	if len(x) != len(m.features) || row.some {
		if err := m.inputs.check(row, x); err != nil {
			return math.NaN(), err
		}
	}
	if m.outputs > 1 {
		row.outputs, _ = m.AppendRaw(row.outputs[:0], row, x)
		return row.outputs[0], nil
	}
	var one [1]float64
	m.evaluate(row, x, one[:])
	return one[0], nil
}

// AppendRaw is Raw for models with several outputs: it appends all of them to dst, or nothing if there is an error. It allocates
// only if dst is too short.
func (m *Model) AppendRaw(dst []float64, row *Row, x []float32) ([]float64, error) {
	if row == nil {
		row = &Row{}
	}
	if len(x) != len(m.features) || row.some {
		if err := m.inputs.check(row, x); err != nil {
			return dst, err
		}
	}
	n := len(dst)
	dst = slices.Grow(dst, m.outputs)[:n+m.outputs]
	m.evaluate(row, x, dst[n:])
	return dst, nil
}

// evaluate writes all outputs to dst.
func (m *Model) evaluate(row *Row, x []float32, dst []float64) {
	switch {
	case m.binary != nil:
		m.binary.raw(row, x, dst)
		return
	case m.asymmetric != nil:
		m.asymmetric.raw(row, x, dst)
		return
	}
	m.oblivious.raw(row, x, dst)
}
