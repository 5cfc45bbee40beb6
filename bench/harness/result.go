package harness

// Result is one figure of one implementation in one case: a line of the JSON output, a bar of the report.
type Result struct {
	Suite  string   `json:"suite"`
	Case   string   `json:"case"`
	Impl   string   `json:"impl"` // Headgate or the peer's name
	Metric string   `json:"metric"`
	Unit   string   `json:"unit"`
	Value  float64  `json:"value"`             // median over the rounds
	N      int64    `json:"n"`                 // operations or samples in all rounds together
	Ratio  *float64 `json:"ratio_to_headgate"` // Value divided by headgate's in this run; null where headgate has none
	Low    float64  `json:"low"`               // least of the rounds
	High   float64  `json:"high"`              // greatest of the rounds
}

// Headgate is the name of our side in every comparison.
const Headgate = "headgate"

// Measurement is what one round of one implementation gives for one metric.
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
