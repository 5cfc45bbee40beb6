package suites

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/scorer"
)

// Batch scores all rows of a matrix in one call, in headgate and in the library that wrote the
// model.
var Batch = harness.Suite{Name: "batch", About: "1,000 rows in one call, on one thread and on all, against CatBoost, LightGBM and XGBoost",
	NeedsPeer: true, Run: runBatch}

func runBatch(r *harness.Run) error {
	for _, t := range trainedModels() {
		for _, threads := range slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) {
			if err := t.compareBatch(r, threads); err != nil {
				return fmt.Errorf("%s: %w", t.model, err)
			}
		}
	}
	return nil
}

// compareBatch measures batches, and beside them a loop over the rows, which has one thread.
func (t trained) compareBatch(r *harness.Run, threads int) error {
	ours, err := loadTrained(r, t)
	if ours == nil {
		return err
	}
	b := ours.batch()
	b.Threads = threads
	n := max(r.Size(40_000_000, 100_000_000)/t.trees/min(t.slowness, 6), len(ours.rows)) * threads
	implementations := []harness.Implementation{
		{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) { return ours.scoreBatch(b, n) }},
		{Name: harness.Headgate + ", row by row", Measure: func() ([]harness.Measurement, error) { return ours.score(ours.model, n) }},
	}
	if threads == 1 || !t.oneThread {
		driver, err := t.library(t)
		if err := r.Miss(err); err != nil {
			return err
		}
		if driver != nil {
			defer driver.Close()
			library, _, _ := strings.Cut(t.peer, " (")
			implementations = append(implementations, ours.asked(library, driver, fmt.Sprintf("batch %d %d", n, threads)))
		}
	}
	return r.Compare(fmt.Sprintf("%s, threads: %d", t.name, threads), implementations)
}

// batch is the matrix of the rows.
func (l *loaded) batch() scorer.Batch {
	b := scorer.Batch{Rows: len(l.rows), Values: slices.Concat(l.rows...), Texts: map[int][]string{}}
	for i, cats := range l.cats {
		first := len(l.rows[i]) - len(cats)
		for c, value := range cats {
			b.Texts[first+c] = append(b.Texts[first+c], value)
		}
	}
	return b
}

// scoreBatch is score for batches of all rows: of n rows, or some more.
func (l *loaded) scoreBatch(b scorer.Batch, n int) ([]harness.Measurement, error) {
	out, err := l.model.AppendRawBatch(nil, b)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, raw := range out {
		sum += raw
	}
	passes := (n + b.Rows - 1) / b.Rows
	start := time.Now()
	for range passes {
		if out, err = l.model.AppendRawBatch(out[:0], b); err != nil {
			return nil, err
		}
	}
	took := float64(time.Since(start))
	return l.check([]harness.Measurement{harness.NsPerOp(took, int64(passes*b.Rows)), {Metric: sumOfOutputs, Value: sum}})
}
