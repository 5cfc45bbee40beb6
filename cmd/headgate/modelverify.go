package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// modelVerifyCommand is headgate model verify.
type modelVerifyCommand struct {
	modelOnRows
	Expected string `help:"CSV file with the outputs of the library: columns raw, prediction or both." type:"path" placeholder:"FILE" required:""`
	ULPs     uint64 `name:"ulps" help:"Units in the last place that predictions may differ; raw outputs may not." default:"1" placeholder:"N"`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

// Help is shown by headgate model verify --help.
func (modelVerifyCommand) Help() string {
	return `Compares the outputs for rows with those of the library that trained the model, in the same order. The file of expected values has
the columns that headgate model score writes, or some of them: raw (in CatBoost RawFormulaVal, in LightGBM raw_score=True, in XGBoost
output_margin=True) and prediction; raw_0, raw_1 and so on for several outputs. Print them with all digits (repr in Python).

Columns of the rows are found by name, and further ones are ignored. It is an error if a column that the model uses is missing, or
if a row has more or fewer values than the first line.

Prints the first difference and exits with 1, or prints how many rows agree.

Examples:
  headgate model verify bots.cbm --rows rows.csv --expected expected.csv
  headgate model verify bots.txt --rows rows.csv.gz --expected expected.csv --ulps 2 --json`
}

// modelVerified is the result of verify.
type modelVerified struct {
	Rows   int         `json:"rows"`   // rows compared
	Values int         `json:"values"` // values compared
	First  *difference `json:"difference,omitempty"`
}

// difference is a value that differs from the expected one.
type difference struct {
	Row      int    `json:"row"`  // from 1
	Line     int    `json:"line"` // of the file of rows
	Column   string `json:"column"`
	Value    string `json:"value"`
	Expected string `json:"expected"`
	ULPs     uint64 `json:"ulps"`
}

func (d *difference) Error() string {
	return fmt.Sprintf("row %d (line %d): %s is %s, expected %s, %d units in the last place apart", d.Row, d.Line, d.Column, d.Value,
		d.Expected, d.ULPs)
}

// Run compares the model's outputs with the expected ones.
func (c *modelVerifyCommand) Run(ctx context.Context, t *terminal) error {
	e, err := c.evaluation(t)
	if err != nil {
		return err
	}
	defer e.rows.close(t.err)
	expected, err := c.expected(e)
	if err != nil {
		return err
	}
	defer expected.file.Close()
	found, err := e.verify(ctx, expected, c.ULPs)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(t.out).Encode(found); err != nil {
			return err
		}
	}
	if found.First != nil {
		return found.First
	}
	if !c.JSON {
		fmt.Fprintf(t.out, "%d rows agree, %d values\n", found.Rows, found.Values)
	}
	return nil
}

// expectedTable is a table of expected outputs.
type expectedTable struct {
	*table
	columns []int // index of each column of the evaluation, or -1
}

func (c *modelVerifyCommand) expected(e *evaluation) (*expectedTable, error) {
	file, _, err := openRows(c.Expected)
	if err != nil {
		return nil, err
	}
	t, err := newTable(c.Expected, file)
	if err != nil {
		file.Close()
		return nil, err
	}
	x := &expectedTable{table: t}
	some := false
	for _, name := range e.columns() {
		at := t.column(name)
		x.columns = append(x.columns, at)
		some = some || at >= 0
	}
	if !some {
		file.Close()
		return nil, fmt.Errorf("%s has none of the columns %v; its first line must name them", c.Expected, e.columns())
	}
	return x, nil
}

// verify stops at the first difference.
func (e *evaluation) verify(ctx context.Context, expected *expectedTable, ulps uint64) (modelVerified, error) {
	defer e.progress.end()
	var v modelVerified
	var a answer
	for ctx.Err() == nil {
		x, err := e.rows.next()
		values, _, expectedErr := expected.next()
		switch {
		case err == io.EOF && expectedErr == io.EOF:
			if v.Rows == 0 {
				return v, fmt.Errorf("%s has no rows", e.rows.name)
			}
			return v, nil
		case err == io.EOF || expectedErr == io.EOF:
			return v, fmt.Errorf("%s and %s do not have the same number of rows: one ends after %d", e.rows.name, expected.name, v.Rows)
		case err != nil || expectedErr != nil:
			return v, errors.Join(err, expectedErr)
		}
		v.Rows++
		if err := e.evaluate(&a, x); err != nil {
			return v, err
		}
		if err := e.compare(&v, &a, expected, values, ulps); err != nil || v.First != nil {
			return v, err
		}
		e.progress.rows(v.Rows)
	}
	return v, ctx.Err()
}

// compare records the first difference of a row.
func (e *evaluation) compare(v *modelVerified, a *answer, expected *expectedTable, values []string, ulps uint64) error {
	for i, got := range append(a.raw, a.prediction...) {
		column := expected.columns[i]
		if column < 0 {
			continue
		}
		name, text := expected.header[column], values[column]
		want, err := strconv.ParseFloat(text, e.bits)
		if err != nil {
			return fmt.Errorf("%s: row %d: column %s: %q is not a number", expected.name, v.Rows, name, text)
		}
		v.Values++
		allowed := ulps
		if i < len(a.raw) {
			allowed = 0
		}
		if apart := e.ulps(got, want); apart > allowed {
			v.First = &difference{v.Rows, e.rows.line, name, strconv.FormatFloat(got, 'g', -1, e.bits), text, apart}
			return nil
		}
	}
	return nil
}

// ulps returns the number of floats between two values; -0 and 0 are equal, and so are all NaN.
func (e *evaluation) ulps(a, b float64) uint64 {
	switch {
	case a == b || a != a && b != b:
		return 0
	case a != a || b != b:
		return math.MaxUint64
	}
	position := func(v float64) int64 { // counted from zero
		magnitude := int64(math.Float64bits(math.Abs(v)))
		if e.bits == 32 {
			magnitude = int64(math.Float32bits(float32(math.Abs(v))))
		}
		if v < 0 {
			return -magnitude
		}
		return magnitude
	}
	x, y := position(a), position(b)
	return uint64(max(x, y)) - uint64(min(x, y))
}
