package scorer

// Objective names what the model was trained for, in the words of its file: "binary", "multi:softprob"; "custom" or empty where
// the file does not say.
func (m *Model) Objective() string { return m.objective.Name }

// AppendPrediction evaluates the model as AppendRaw does and appends what the library's own predict answers: for a classifier
// the probability of the positive class or of each class, for counts and rates the expected value, for other regressions and
// rankings the raw output. XGBoost's multi:softmax, which answers with the number of a class, gives the probabilities of the
// classes. Values are within one unit in the last place of the library's (of a float32 for XGBoost).
//
// Errors are those of Raw, and append nothing.
func (m *Model) AppendPrediction(dst []float64, row *Row, x []float32) ([]float64, error) {
	start := len(dst)
	dst, err := m.AppendRaw(dst, row, x)
	if err != nil {
		return dst, err
	}
	m.objective.apply(dst[start:])
	return dst, nil
}
