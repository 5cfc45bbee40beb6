package harness

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Implementation is one side of a comparison.
type Implementation struct {
	Name    string
	Measure func() ([]Measurement, error) // one round, some tenths of a second long
}

// rounds of a comparison: odd, so that the median is one of them.
const (
	quickRounds = 3
	fullRounds  = 7
)

// Compare measures the implementations of a case in turns and reports the median of each metric.
func (r *Run) Compare(name string, implementations []Implementation) error {
	rounds := r.Size(quickRounds, fullRounds)
	start := time.Now()
	values := make([]series, len(implementations))
	for round := range rounds {
		for i := range implementations {
			at := (round + i) % len(implementations)
			impl := implementations[at]
			measurements, err := impl.Measure()
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, impl.Name, err)
			}
			for _, m := range measurements {
				values[at].add(m)
			}
		}
	}
	r.emit(r.summarise(name, implementations, values))
	r.logf("%s: %s: %d implementations, %d rounds, %v", r.suite, name, len(implementations), rounds, time.Since(start).Round(time.Millisecond))
	return nil
}

// series are the rounds of one implementation: one row for each metric, in the order in which they came.
type series []metricSeries

type metricSeries struct {
	metric, unit string
	values       []float64
	n            int64
}

func (s *series) add(m Measurement) {
	at := slices.IndexFunc(*s, func(row metricSeries) bool { return row.metric == m.Metric })
	if at < 0 {
		at = len(*s)
		*s = append(*s, metricSeries{metric: m.Metric, unit: m.Unit})
	}
	row := &(*s)[at]
	row.values = append(row.values, m.Value)
	row.n += m.N
}

// summarise returns the results of a case, compared with headgate's value of the same metric.
func (r *Run) summarise(name string, implementations []Implementation, values []series) (results []Result) {
	ours := map[string]float64{}
	for i, impl := range implementations {
		for _, row := range values[i] {
			slices.Sort(row.values)
			result := Result{Suite: r.suite, Case: name, Impl: impl.Name, Metric: row.metric, Unit: row.unit,
				Value: Median(row.values), N: row.n, Low: row.values[0], High: row.values[len(row.values)-1]}
			if impl.Name == Headgate {
				ours[row.metric] = result.Value
			}
			results = append(results, result)
		}
	}
	for i := range results {
		if base, ok := ours[results[i].Metric]; ok {
			results[i].TimesFaster = timesFaster(base, results[i].Value, results[i].Unit)
		}
	}
	return results
}

// Median of sorted values; of an even number the mean of the middle two.
func Median(sorted []float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
