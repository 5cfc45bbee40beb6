package report

import "github.com/headgate/headgate/bench/harness"

// group is one table row or plot: the implementations of one case, compared by one metric.
type group struct {
	suite, name, metric, unit string
	results                   []harness.Result
}

// groups gathers results in the order in which they came.
func groups(results []harness.Result) (all []group) {
	places := map[[3]string]int{}
	for _, x := range results {
		id := [3]string{x.Suite, x.Case, x.Metric}
		at, ok := places[id]
		if !ok {
			at = len(all)
			places[id] = at
			all = append(all, group{suite: x.Suite, name: x.Case, metric: x.Metric, unit: x.Unit})
		}
		all[at].results = append(all[at].results, x)
	}
	return all
}

func isHeadgate(x harness.Result) bool { return x.Impl == harness.Headgate }
