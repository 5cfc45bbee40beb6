package scorer

// Probability turns log-odds, the raw output of most binary classifiers (see Model.Probability for
// any of them), into the probability of the positive class: 1/(1+exp(-raw)), between 0 and 1. It
// returns NaN for NaN. It is monotone, and the same bits on every architecture.
func Probability(raw float64) float64 { return 1 / (1 + exp(-raw)) }

// Score maps the probability that a request comes from a bot to 1..99, where 1 is certainly a bot
// and 99 certainly a human.
//
// The range 0..1 is cut into 99 equal parts: Score(p) = 99 - floor(99*p), and 1 for p = 1. So the
// score of 0.5 is 50, and a score of at most s means p >= (99-s)/99, up to rounding: at most 29
// means p >= 0.7070..., at most 1 means p >= 0.9898.... Score never rises with p. Values outside of
// 0..1 count as the nearer end. The score of NaN is 99: without evidence a client counts as human.
func Score(p float64) int {
	switch {
	case !(p > 0): // NaN too
		return 99
	case p >= 1:
		return 1
	}
	return max(1, 99-int(p*99))
}
