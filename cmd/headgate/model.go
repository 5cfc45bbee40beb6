package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/headgate/headgate/scorer"
)

// modelCommand is headgate model, the commands to examine a model before a proxy gets it.
type modelCommand struct {
	Info    modelInfoCommand    `cmd:"" help:"Show the properties of a model: format, trees, features."`
	Score   modelScoreCommand   `cmd:"" help:"Evaluate a model on rows of a CSV file."`
	Explain modelExplainCommand `cmd:"" help:"Show which features moved the model's outputs for rows of a CSV file."`
	Verify  modelVerifyCommand  `cmd:"" help:"Compare a model's outputs with those of its library."`
	Gate    modelGateCommand    `cmd:"" help:"Judge a model by scripted situations."`
	Bench   modelBenchCommand   `cmd:"" help:"Measure the time per row, on every tier of this machine, exactly and in fast mode."`
}

// answer is a model's output for a row.
type answer struct {
	raw, prediction []float64
}

// evaluation evaluates a model on the rows of a file, one by one.
type evaluation struct {
	*scorer.Model
	scratch  *scorer.Scratch
	bits     int // of the library's floats: 32 for XGBoost
	rows     *modelRows
	progress *progress
}

func newEvaluation(m *scorer.Model) *evaluation {
	e := &evaluation{Model: m, scratch: m.NewScratch(), bits: 64}
	if f := m.Format(); f == "xgboost-json" || f == "xgboost-ubj" {
		e.bits = 32
	}
	return e
}

// evaluate overwrites a.
func (e *evaluation) evaluate(a *answer, x []float32) (err error) {
	if a.raw, err = e.AppendRaw(a.raw[:0], e.scratch, x); err != nil {
		return err
	}
	a.prediction, err = e.AppendPrediction(a.prediction[:0], e.scratch, x)
	return err
}

// hasScore reports whether the output is the probability of one of two classes.
func (e *evaluation) hasScore() bool {
	_, ok := e.PositiveClass()
	return ok
}

// columns returns the names of the outputs: raw and prediction, or raw_0, raw_1 and so on.
func (e *evaluation) columns() []string {
	var names []string
	for _, name := range []string{"raw", "prediction"} {
		if e.Outputs() == 1 {
			names = append(names, name)
			continue
		}
		for k := range e.Outputs() {
			names = append(names, fmt.Sprintf("%s_%d", name, k))
		}
	}
	return names
}

// modelFlags are the flags that name a model and how much of it is used.
type modelFlags struct {
	File       string `arg:"" help:"Model: CatBoost .cbm or JSON, LightGBM text, XGBoost JSON or UBJ." type:"path"`
	Iterations string `help:"Use only the first N iterations of the training, or with best those up to the best one of early stopping (XGBoost)." placeholder:"N|best"`
}

// load loads the model.
func (f *modelFlags) load() (*scorer.Model, error) {
	var l scorer.Loader
	switch n, err := strconv.Atoi(f.Iterations); {
	case f.Iterations == "best":
		l.Best = true
	case f.Iterations == "":
	case err != nil || n < 1:
		return nil, usageError{fmt.Errorf("model: --iterations %s: expected a number above 0, or best", f.Iterations)}
	default:
		l.Iterations = n
	}
	return l.LoadFile(f.File)
}

// modelOnRows are the flags that name a model and a file of rows.
type modelOnRows struct {
	modelFlags
	rowsFlag
}

// evaluation loads the model and opens the rows, which the caller closes.
func (c *modelOnRows) evaluation(t *terminal) (*evaluation, error) {
	m, err := c.load()
	if err != nil {
		return nil, err
	}
	for _, warning := range m.Warnings() {
		fmt.Fprintf(t.err, "%s: %s\n", c.File, warning)
	}
	e := newEvaluation(m)
	e.progress = &progress{terminal: t}
	e.rows, err = c.open(e.progress, m, e.scratch)
	return e, err
}

// rowsFlag is the flag that names a file of rows.
type rowsFlag struct {
	Rows string `help:"CSV file whose first line names the columns; also gzip. - is standard input." type:"path" placeholder:"FILE" required:""`
}

// open opens the rows and sets the total of the progress.
func (f rowsFlag) open(p *progress, m *scorer.Model, scratch *scorer.Scratch) (*modelRows, error) {
	if f.Rows == "-" {
		return newModelRows("standard input", io.NopCloser(os.Stdin), m, scratch)
	}
	file, size, err := openRows(f.Rows)
	if err != nil {
		return nil, err
	}
	p.total = size
	rows, err := newModelRows(f.Rows, struct {
		io.Reader
		io.Closer
	}{p.reading(file), file}, m, scratch)
	if err != nil {
		file.Close()
		return nil, err
	}
	return rows, nil
}
