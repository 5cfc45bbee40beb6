package report

import (
	"slices"

	"github.com/headgate/headgate/bench/harness"
)

// group is one comparison: the implementations of one case, by one metric.
type group struct {
	suite, name, metric, unit string
	results                   []harness.Result
}

// groups gathers results in the order in which they came.
func groups(results []harness.Result) (all []group) {
	index := map[[3]string]int{}
	for _, x := range results {
		id := [3]string{x.Suite, x.Case, x.Metric}
		at, ok := index[id]
		if !ok {
			at = len(all)
			index[id] = at
			all = append(all, group{suite: x.Suite, name: x.Case, metric: x.Metric, unit: x.Unit})
		}
		all[at].results = append(all[at].results, x)
	}
	return all
}

// suite is what one suite has measured.
type suite struct {
	name   string
	groups []group
}

// suites gathers comparisons by suite, in the order in which they came.
func suites(all []group) (list []suite) {
	for _, g := range all {
		at := slices.IndexFunc(list, func(s suite) bool { return s.name == g.suite })
		if at < 0 {
			at = len(list)
			list = append(list, suite{name: g.suite})
		}
		list[at].groups = append(list[at].groups, g)
	}
	return list
}

// ours returns headgate's result, not that of a variant.
func (g group) ours() (harness.Result, bool) {
	at := slices.IndexFunc(g.results, func(x harness.Result) bool { return x.Impl == harness.Headgate })
	if at < 0 {
		return harness.Result{}, false
	}
	return g.results[at], true
}

// bestPeer returns the peer that headgate is the least ahead of. Variants of ours are no peers.
func (g group) bestPeer() (best harness.Result, ok bool) {
	for _, x := range g.results {
		if x.Ours() || x.TimesFaster == nil {
			continue
		}
		if !ok || *x.TimesFaster < *best.TimesFaster {
			best, ok = x, true
		}
	}
	return best, ok
}

// isZero reports whether all values are 0.
func (g group) isZero() bool {
	return !slices.ContainsFunc(g.results, func(x harness.Result) bool { return x.Value != 0 || x.High != 0 })
}
