package harness

import "strings"

// Result is one figure of one implementation in one case: a line of the JSON output, a bar of the report.
type Result struct {
	Suite  string  `json:"suite"`
	Case   string  `json:"case"`
	Impl   string  `json:"impl"` // Headgate, a variant of ours, or the peer's name
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"` // median over the rounds
	N      int64   `json:"n"`     // operations or samples in all rounds together
	// TimesFaster is how many times faster (smaller, where memory is measured) headgate was than this implementation
	// in this run: above 1 headgate is ahead. It is null where headgate has no value to compare with.
	TimesFaster *float64 `json:"times_faster"`
	Low         float64  `json:"low"`  // least of the rounds
	High        float64  `json:"high"` // greatest of the rounds
}

// Headgate is the name of our side in every comparison. A variant of ours is named "headgate, variant".
const Headgate = "headgate"

// Ours reports whether a result is headgate's or a variant's of it, and not a peer's.
func (x Result) Ours() bool {
	return x.Impl == Headgate || strings.HasPrefix(x.Impl, Headgate+", ")
}

// timesFaster compares the value of another implementation with headgate's. More is better where things are counted
// per second; of times, bytes and drops, less is.
func timesFaster(headgate, other float64, unit string) *float64 {
	if strings.HasSuffix(unit, "/s") {
		headgate, other = other, headgate
	}
	if headgate == 0 {
		return nil
	}
	ratio := other / headgate
	return &ratio
}

// Measurement is what one round of one implementation measures by one metric.
type Measurement struct {
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
	N      int64   `json:"n"`
}

// NsPerOp is the measurement of n operations that took ns nanoseconds together.
func NsPerOp(ns float64, n int64) Measurement {
	return Measurement{Metric: "time", Unit: "ns/op", Value: ns / float64(n), N: n}
}
