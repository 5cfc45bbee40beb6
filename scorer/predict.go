package scorer

// Objective returns what the model was trained for, in the words of its file: "binary",
// "multi:softprob"; "custom" or empty if the file does not say.
func (m *Model) Objective() string { return m.objective.Name }

// AppendPrediction evaluates the model as AppendRaw does and appends what the library's own predict
// returns: for a classifier the probability of the positive class or of each class, for counts and
// rates the expected value, for other regressions and rankings the raw output. For XGBoost's
// multi:softmax, whose predict returns the number of a class, it appends the probabilities of the
// classes. The results are within one unit in the last place of the library's (of a float32 for
// XGBoost).
//
// Errors are those of Raw, and append nothing.
func (m *Model) AppendPrediction(dst []float64, scratch *Scratch, x []float32) ([]float64, error) {
	start := len(dst)
	dst, err := m.AppendRaw(dst, scratch, x)
	if err != nil {
		return dst, err
	}
	m.objective.apply(dst[start:])
	return dst, nil
}
