package scorer

import (
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Classes returns the labels of a classifier, as a file of CatBoost has them: for a binary
// classifier the negative and the positive one, otherwise one for each output. It is empty for
// other models and for files that do not name classes; the package comment, "Outputs,
// probabilities, classes", says how classes are numbered then.
func (m *Model) Classes() []string { return append([]string(nil), m.objective.Classes...) }

// Class returns the number of the class that the model decides for: the position in Classes. A
// binary classifier has the classes 0 and 1, and decides for 1 if its raw output is above the
// threshold that the file states (by default a probability of 0.5). For a model that does not
// choose one class, the number is -1. If Raw fails, Class returns -1 and its error.
func (m *Model) Class(scratch *Scratch, x []float32) (int, error) {
	if scratch == nil {
		scratch = &Scratch{}
	}
	first, err := m.Raw(scratch, x) // leaves several outputs in the row
	binary := m.outputs == 1 && m.objective.Link == forest.SigmoidLink
	switch {
	case err != nil:
		return -1, err
	case binary && first > m.objective.Cut:
		return 1, nil
	case binary:
		return 0, nil
	case m.outputs == 1 || !m.objective.exclusive(m.outputs):
		return -1, nil
	}
	best := 0
	for i, raw := range scratch.outputs {
		if raw > scratch.outputs[best] {
			best = i
		}
	}
	return best, nil
}

// exclusive reports whether the outputs are classes of which each row has exactly one.
func (o *objective) exclusive(outputs int) bool {
	return o.Link == forest.SoftmaxLink || o.Name == "multiclassova" || len(o.Classes) == outputs
}

// PositiveClass returns the label of the class whose probability a binary classifier predicts: the
// second of Classes or "1" if the file does not name classes. ok is false for a model without such
// a probability: a regression, a ranking, or one of several outputs. If the file does not say what
// the model was trained for, which CatBoost allows and LightGBM does for a custom objective, the
// raw output is taken for the log-odds of a classifier.
func (m *Model) PositiveClass() (label string, ok bool) {
	o := &m.objective
	if m.outputs != 1 || o.Link != forest.SigmoidLink && !o.logOdds() {
		return "", false
	}
	if len(o.Classes) == 2 {
		return o.Classes[1], true
	}
	return "1", true
}

// logOdds reports whether untransformed raw outputs are log-odds.
func (o *objective) logOdds() bool {
	switch o.Name {
	case "", "custom", "binary:logitraw", "PythonUserDefinedPerObject":
		return o.Link == forest.IdentityLink
	}
	return false
}

// Probability turns a raw output of this model, which has a PositiveClass, into the probability of
// that class, as AppendPrediction does: by the sigmoid of the file, for a random forest of the mean
// of its trees. It returns NaN for NaN.
func (m *Model) Probability(raw float64) float64 {
	// the common case: the same bits, a few nanoseconds faster
	if o := &m.objective; o.Slope == 1 && o.Divisor == 0 && !o.Single {
		return Probability(raw)
	}
	return m.probability(raw)
}

func (m *Model) probability(raw float64) float64 {
	if m.objective.Link != forest.SigmoidLink {
		if m.objective.Divisor != 0 {
			raw /= m.objective.Divisor
		}
		return Probability(raw)
	}
	one := [1]float64{raw}
	m.objective.apply(one[:])
	return one[0]
}

// SameClass reports whether two labels name one class: the same text, or the same number, which
// libraries write in several ways.
func SameClass(a, b string) bool {
	m, failedA := strconv.ParseFloat(a, 64)
	n, failedB := strconv.ParseFloat(b, 64)
	return a == b || failedA == nil && failedB == nil && m == n
}
