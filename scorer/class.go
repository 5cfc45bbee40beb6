package scorer

import (
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Classes returns the labels of a classifier, as a file of CatBoost has them: for a binary
// classifier the negative and the positive one, otherwise one for each output. It is empty for a
// model that is no classifier, or does not name its classes; see "Outputs, probabilities, classes"
// of the package for what the numbers of such classes are.
func (m *Model) Classes() []string { return append([]string(nil), m.objective.Classes...) }

// Class returns the number of the class that the model decides for: the position in Classes. A
// binary classifier has the classes 0 and 1, and decides for 1 if its raw output is above the
// threshold that the file states (by default a probability of 0.5). A model that is no classifier
// of exclusive classes gives -1, and so does a row of another length, with the error of Raw.
func (m *Model) Class(row *Row, x []float32) (int, error) {
	if row == nil {
		row = &Row{}
	}
	first, err := m.Raw(row, x) // leaves several outputs in the row
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
	for i, raw := range row.outputs {
		if raw > row.outputs[best] {
			best = i
		}
	}
	return best, nil
}

// exclusive says whether the outputs stand for classes of which a row has one.
func (o *objective) exclusive(outputs int) bool {
	return o.Link == forest.SoftmaxLink || o.Name == "multiclassova" || len(o.Classes) == outputs
}

// PositiveClass returns the label of the class whose probability a binary classifier predicts: the
// second of Classes or, where the file names none, "1". ok is false for a model whose output is no
// such probability: a regression, a ranking, one of several outputs. A file that does not say what
// the model was trained for, as CatBoost's need not and LightGBM's does not for a custom objective,
// is taken for that of a classifier whose raw output is the log-odds.
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

// logOdds says whether raw outputs that are not transformed are log-odds.
func (o *objective) logOdds() bool {
	switch o.Name {
	case "", "custom", "binary:logitraw", "PythonUserDefinedPerObject":
		return o.Link == forest.IdentityLink
	}
	return false
}

// Probability turns a raw output of this model, which has a PositiveClass, into the probability of that class, as AppendPrediction
// does: by the file's sigmoid, and for a random forest the mean of its trees. NaN gives NaN.
func (m *Model) Probability(raw float64) float64 {
	if o := &m.objective; o.Slope == 1 && o.Divisor == 0 && !o.Single { // as most are: the same bits, in a few nanoseconds less
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

// SameClass reports whether two labels are of one class: the same text, or the same number, which libraries write in several ways.
func SameClass(a, b string) bool {
	m, failedA := strconv.ParseFloat(a, 64)
	n, failedB := strconv.ParseFloat(b, 64)
	return a == b || failedA == nil && failedB == nil && m == n
}
