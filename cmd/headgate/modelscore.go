package main

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/headgate/headgate/scorer"
)

// modelScoreCommand is headgate model score.
type modelScoreCommand struct {
	modelOnRows
	Fast bool   `help:"Add leaves in a faster order; the last digits differ from the library's."`
	Out  string `help:"CSV file to write. Default: standard output." type:"path" placeholder:"FILE"`
}

// Help is shown by headgate model score --help.
func (modelScoreCommand) Help() string {
	return `Finds the inputs by name among the columns and writes a line for each row: raw, the untransformed output; prediction, the
result of the library's predict; and score, 1 = bot .. 99 = human, if the prediction is the probability of one of two classes. All
digits are written: reading them returns the same bits. A model with several outputs has raw_0, raw_1 and so on. raw has the bits of the
library; with --fast, which has the same result on every machine, the last digits may differ.

Empty is missing, as NaN and NA are, and True and False are 1 and 0. A category of CatBoost is the text as it is, also an empty one. Categories of
LightGBM and XGBoost are their values if the model file contains these (headgate model info lists them), else their codes.

Examples:
  headgate model score bots.cbm --rows rows.csv
  headgate replay access.log --out rows.csv && headgate model score bots.txt --rows rows.csv --out scores.csv`
}

// Run writes the outputs of all rows.
func (c *modelScoreCommand) Run(ctx context.Context, t *terminal) error {
	e, err := c.evaluation(t)
	if err != nil {
		return err
	}
	defer e.rows.close(t.err)
	if c.Fast {
		e.Model = e.Fast()
	}
	out, err := createOutput(ctx, c.Out, inputInfo(c.Rows))
	if err != nil {
		return err
	}
	if out == nil {
		return e.score(ctx, t.out)
	}
	return out.finish(e.score(ctx, out))
}

// score writes the outputs as CSV.
func (e *evaluation) score(ctx context.Context, to io.Writer) error {
	defer e.progress.end()
	w := csv.NewWriter(to)
	line := e.columns()
	scored := e.hasScore()
	if scored {
		line = append(line, "score")
	}
	w.Write(line) // the writer keeps its error until Flush
	var a answer
	for n := 1; ctx.Err() == nil; n++ {
		x, err := e.rows.next()
		if err == io.EOF {
			w.Flush()
			return w.Error()
		}
		if err == nil {
			err = e.evaluate(&a, x)
		}
		if err != nil {
			w.Flush()
			return err
		}
		line = line[:0]
		for _, values := range [][]float64{a.raw, a.prediction} {
			for _, v := range values {
				line = append(line, strconv.FormatFloat(v, 'g', -1, e.bits))
			}
		}
		if scored {
			line = append(line, strconv.Itoa(scorer.Score(e.Probability(a.raw[0]))))
		}
		w.Write(line)
		e.progress.rows(n)
	}
	return ctx.Err()
}
