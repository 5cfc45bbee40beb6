package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/headgate/headgate/scorer"
)

// modelBenchCommand is headgate model bench.
type modelBenchCommand struct {
	modelFlags
	Rows string        `help:"CSV file of rows; the first thousand are used. Default: random rows." type:"path" placeholder:"FILE"`
	For  time.Duration `help:"Time to measure each tier in each mode." default:"1s"`
	JSON bool          `name:"json" help:"Print one JSON object."`
}

// Help is shown by headgate model bench --help.
func (modelBenchCommand) Help() string {
	return `Evaluates one row after the other on one core and prints the median time of a row, for each tier that this machine has. Models that a
tier does not support run in pure Go. "fast" is the mode that adds leaves in another order (model score --fast); it is not printed for
models that do not gain from it. "in a batch" is the time of a row if all are scored in one call, exactly and on the same core. Texts of
CatBoost's categorical features are ignored. Random rows are harder to predict for the processor than real ones: use real ones.

Examples:
  headgate model bench bots.cbm --rows rows.csv
  headgate model bench bots.txt --for 5s --json`
}

// tierBench is the measurement of a tier.
type tierBench struct {
	Tier        string  `json:"tier"`
	RunsOn      string  `json:"runs_on"`
	Nanoseconds float64 `json:"ns_per_row"`
	RowsASecond float64 `json:"rows_per_second"`
	Fast        float64 `json:"fast_ns_per_row,omitempty"` // 0 if the model has no other order
	Batch       float64 `json:"batch_ns_per_row"`          // of all rows in one call, on one thread
}

// Run measures each tier.
func (c *modelBenchCommand) Run(ctx context.Context, t *terminal) error {
	if c.For <= 0 {
		return usageError{errors.New("model bench: --for must be above 0")}
	}
	m, err := c.load()
	if err != nil {
		return err
	}
	rows, err := c.rows(t, m)
	if err != nil {
		return err
	}
	var benches []tierBench
	for _, tier := range scorer.Tiers() {
		b, err := c.tier(ctx, m, tier, rows)
		if err != nil {
			return err
		}
		benches = append(benches, b)
		if !c.JSON {
			b.print(t.out)
		}
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(struct {
			File  string      `json:"file"`
			Trees int         `json:"trees"`
			Rows  int         `json:"rows"`
			Tiers []tierBench `json:"tiers"`
		}{c.File, m.Trees(), len(rows), benches})
	}
	return nil
}

// tier measures a tier in both modes, and in batches.
func (c *modelBenchCommand) tier(ctx context.Context, m *scorer.Model, tier scorer.Tier, rows [][]float32) (tierBench, error) {
	on, err := m.On(tier)
	if err != nil {
		return tierBench{}, err
	}
	median, err := medianTime(ctx, oneByOne(on, rows), len(rows), c.For)
	if err != nil {
		return tierBench{}, err
	}
	b := tierBench{Tier: tier.String(), RunsOn: on.Tier().String(), Nanoseconds: median, RowsASecond: 1e9 / median}
	if b.Batch, err = medianTime(ctx, together(on, rows), len(rows), c.For); err != nil {
		return tierBench{}, err
	}
	if fast := on.Fast(); !fast.Exact() {
		b.Fast, err = medianTime(ctx, oneByOne(fast, rows), len(rows), c.For)
	}
	return b, err
}

// oneByOne returns a pass that scores one row after the other.
func oneByOne(m *scorer.Model, rows [][]float32) func() error {
	scratch := m.NewScratch()
	out := make([]float64, 0, m.Outputs())
	return func() (err error) {
		for _, x := range rows {
			if out, err = m.AppendRaw(out[:0], scratch, x); err != nil {
				return err
			}
		}
		return nil
	}
}

// together returns a pass that scores all rows in one call.
func together(m *scorer.Model, rows [][]float32) func() error {
	b := scorer.Batch{Rows: len(rows), Values: slices.Concat(rows...), Threads: 1}
	var out []float64
	return func() (err error) {
		out, err = m.AppendRawBatch(out[:0], b)
		return err
	}
}

func (b *tierBench) print(out io.Writer) {
	fmt.Fprintf(out, "%-8s %10.0f ns a row, %10.0f rows a second; in a batch %10.0f ns", b.Tier, b.Nanoseconds, b.RowsASecond, b.Batch)
	if b.Fast > 0 {
		fmt.Fprintf(out, "; fast %10.0f ns", b.Fast)
	}
	if b.RunsOn != b.Tier {
		fmt.Fprintf(out, " (runs on %s)", b.RunsOn)
	}
	fmt.Fprintln(out)
}

// rows reads rows or generates some. It ignores texts of categorical features: a Row holds only
// those of one row.
func (c *modelBenchCommand) rows(t *terminal, m *scorer.Model) (all [][]float32, err error) {
	const most = 1000
	if c.Rows == "" {
		rng := rand.New(rand.NewPCG(1, 1))
		for range most {
			x := make([]float32, len(m.Features()))
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			all = append(all, x)
		}
		return all, nil
	}
	rows, err := rowsFlag{c.Rows}.open(&progress{terminal: t}, m, m.NewScratch())
	if err != nil {
		return nil, err
	}
	defer rows.close(t.err)
	for len(all) < most {
		x, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		all = append(all, slices.Clone(x))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no rows", c.Rows)
	}
	return all, nil
}

// medianTime returns the median over passes of the mean nanoseconds per row.
func medianTime(ctx context.Context, score func() error, rows int, limit time.Duration) (float64, error) {
	var passes []float64
	for start := time.Now(); len(passes) == 0 || time.Since(start) < limit; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		pass := time.Now()
		if err := score(); err != nil {
			return 0, err
		}
		passes = append(passes, float64(time.Since(pass))/float64(rows))
	}
	slices.Sort(passes)
	return passes[len(passes)/2], nil
}
