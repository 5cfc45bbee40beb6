package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/headgate/headgate/scorer"
)

// modelExplainCommand is headgate model explain.
type modelExplainCommand struct {
	modelOnRows
	Top    int  `help:"Number of features to show of each row, those that moved it most; 0 shows all. Default: 10." default:"10" placeholder:"N"`
	Output int  `help:"Explain this output of a model that has several; the first is 0, the default." default:"0" placeholder:"K"`
	JSON   bool `name:"json" help:"Print a JSON object a line."`
}

// Help is shown by headgate model explain --help.
func (modelExplainCommand) Help() string {
	return `Prints a line for each row and feature: the row's raw output, the average output over the training rows, and by how much the feature
moved it, the largest first. The average and all of a row's features add up to its raw output. These are Shapley values, which
CatBoost calls ShapValues, LightGBM pred_contrib and XGBoost pred_contribs. The value of the feature is printed as in the file. A row that
no feature moved has a line without one.

The model must contain the number of training rows of each leaf, as the libraries write it.

Examples:
  headgate model explain bots.cbm --rows rows.csv
  headgate model explain bots.txt --rows rows.csv.gz --top 3
  headgate model explain classes.json --rows rows.csv --output 2 --top 0 --json`
}

// explainedFeature is one line of output. A row that no feature moved has one without a feature.
type explainedFeature struct {
	Row          int     `json:"row"` // from 1
	Raw          float64 `json:"raw"`
	Average      float64 `json:"average"`
	Position     *int    `json:"position,omitempty"` // of the feature
	Feature      string  `json:"feature,omitempty"`
	Input        string  `json:"input,omitempty"` // as in the file of rows; empty if missing
	Contribution float64 `json:"contribution"`
}

// Run prints the explanations of all rows.
func (c *modelExplainCommand) Run(ctx context.Context, t *terminal) error {
	switch {
	case c.Top < 0:
		return usageError{fmt.Errorf("model explain: --top %d must not be below 0", c.Top)}
	case c.Output < 0:
		return usageError{fmt.Errorf("model explain: --output %d must not be below 0", c.Output)}
	}
	e, err := c.evaluation(t)
	if err != nil {
		return err
	}
	defer e.rows.close(t.err)
	if c.Output >= e.Outputs() {
		return usageError{fmt.Errorf("model explain: --output %d: %s has %d outputs, counted from 0", c.Output, c.File, e.Outputs())}
	}
	out := bufio.NewWriter(t.out)
	err = c.explain(ctx, e, out)
	return errors.Join(err, out.Flush())
}

// explain prints the lines of all rows.
func (c *modelExplainCommand) explain(ctx context.Context, e *evaluation, out io.Writer) error {
	defer e.progress.end()
	put := func(line *explainedFeature) error { return line.print(out) }
	if c.JSON {
		objects := json.NewEncoder(out)
		put = func(line *explainedFeature) error { return objects.Encode(line) }
	}
	features := e.Features()
	var raw []float64
	var moved []scorer.Contribution
	for n := 1; ctx.Err() == nil; n++ {
		x, err := e.rows.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if raw, err = e.AppendRaw(raw[:0], e.scratch, x); err != nil {
			return err
		}
		line := explainedFeature{Row: n, Raw: raw[c.Output]}
		if moved, line.Average, err = e.Explain(moved[:0], e.scratch, x, c.Output); err != nil {
			return fmt.Errorf("model file %s cannot be explained: %w", c.File, err)
		}
		if n == 1 && !c.JSON {
			fmt.Fprintf(out, "%6s %12s %12s  %-36s %16s %12s\n", "row", "raw", "average", "feature", "input", "contribution")
		}
		if err := line.putAll(put, e.rows, features, moved, c.Top); err != nil {
			return err
		}
		e.progress.rows(n)
	}
	return ctx.Err()
}

// putAll outputs the lines of a row.
func (l explainedFeature) putAll(put func(*explainedFeature) error, rows *modelRows, features []scorer.Feature, moved []scorer.Contribution, top int) error {
	if len(moved) == 0 {
		return put(&l)
	}
	if top > 0 {
		moved = moved[:min(top, len(moved))]
	}
	for _, m := range moved {
		l.Position, l.Feature, l.Input, l.Contribution = &m.Feature, features[m.Feature].Name, rows.input(m.Feature), m.Value
		if err := put(&l); err != nil {
			return err
		}
	}
	return nil
}

func (l *explainedFeature) print(w io.Writer) error {
	feature, input := l.Feature, l.Input
	if l.Position == nil {
		feature = "-"
	}
	if input == "" {
		input = "-"
	}
	_, err := fmt.Fprintf(w, "%6d %12.6g %12.6g  %-36s %16s %+12.6g\n", l.Row, l.Raw, l.Average, feature, input, l.Contribution)
	return err
}
