package scorer

// Classes returns the labels of a classifier, as a file of CatBoost has them: for a binary classifier the negative and the positive one,
// otherwise one for each output. It is empty for a model that is no classifier, or does not name its classes.
func (m *Model) Classes() []string { return append([]string(nil), m.objective.classes...) }

// Class returns the number of the class that the model decides for: the position in Classes. A binary classifier has the classes 0 and
// 1, and decides for 1 if its raw output is above the threshold that the file states (by default a probability of 0.5). A model
// that is no classifier of exclusive classes gives -1.
func (m *Model) Class(row *Row, x []float32) int {
	switch {
	case m.outputs == 1 && m.objective.link == sigmoidLink:
		if m.Raw(row, x) > m.objective.cut {
			return 1
		}
		return 0
	case m.outputs == 1 || !m.objective.exclusive(m.outputs):
		return -1
	}
	if row == nil {
		row = &Row{}
	}
	row.outputs = m.AppendRaw(row.outputs[:0], row, x)
	best := 0
	for i, raw := range row.outputs {
		if raw > row.outputs[best] {
			best = i
		}
	}
	return best
}

// exclusive says whether the outputs stand for classes of which a row has one.
func (o *objective) exclusive(outputs int) bool {
	return o.link == softmaxLink || o.name == "multiclassova" || len(o.classes) == outputs
}
