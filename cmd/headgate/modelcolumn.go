package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer"
)

// modelColumn is the column of a table that a feature is read from.
type modelColumn struct {
	at   int // index in the table, or -1
	kind columnKind

	unseen  int    // rows with a category that is unknown and counts as missing
	example string // the first of these categories
	empty   bool   // a row is empty, and so is a category
	truths  int    // rows with True or False
	others  int    // rows with anything else
}

// columnKind is what a column's texts mean to the model.
type columnKind uint8

const (
	numberColumn columnKind = iota
	codeColumn              // codes of categories: numbers
	valueColumn             // values of categories whose codes the model has
	textColumn              // categories of CatBoost
)

// newModelColumn returns the column of feature i.
func newModelColumn(m *scorer.Model, i int, f scorer.Feature, at int) modelColumn {
	c := modelColumn{at: at}
	switch {
	case m.Categories(i) != nil:
		c.kind = valueColumn
	case f.Kind == scorer.Categorical && strings.HasPrefix(m.Format(), "catboost"):
		c.kind = textColumn
	case f.Kind == scorer.Categorical:
		c.kind = codeColumn
	}
	return c
}

// read returns the number for a text of the column, and sets a category of CatBoost in the row.
func (c *modelColumn) read(m *scorer.Model, i int, text string, scratch *scorer.Scratch) (float32, error) {
	switch c.kind {
	case valueColumn:
		return c.value(m, i, text)
	case textColumn:
		scratch.SetString(i, text)
		switch text {
		case "True", "False":
			c.truths++
		case "":
		default:
			c.others++
		}
		return float32(math.NaN()), nil
	}
	v, err := parseInput(text)
	switch {
	case err != nil && c.kind == codeColumn:
		return v, fmt.Errorf("%q is not a number, and the model file has only codes of this column's categories, not their values; write codes, and nothing if it is missing", text)
	case err != nil:
		return v, fmt.Errorf("%q is not a number; leave it empty if it is missing", text)
	}
	return v, nil
}

// value returns the code of a category. XGBoost refuses categories that training did not see.
func (c *modelColumn) value(m *scorer.Model, i int, text string) (float32, error) {
	missing := float32(math.NaN())
	code, ok := m.Category(i, text)
	switch word := strings.TrimSpace(text); {
	case word == "":
		c.empty = c.empty || ok
		return missing, nil
	case ok:
		return float32(code), nil
	case word == "NA", word == "NaN", word == "nan", word == "null":
		return missing, nil
	}
	if strings.HasPrefix(m.Format(), "xgboost") {
		return missing, fmt.Errorf("training did not see the category %q, and XGBoost refuses it; leave it empty if it is missing", text)
	}
	if c.unseen++; c.unseen == 1 {
		c.example = strings.Clone(text)
	}
	return missing, nil
}

// note warns of values that may not mean what the user intends.
func (c *modelColumn) note(w io.Writer, table, name string) {
	if c.empty {
		fmt.Fprintf(w, "%s: column %s: the empty text is missing, although it is a category of the model\n", table, name)
	}
	switch {
	case c.unseen > 0:
		fmt.Fprintf(w, "%s: column %s: categories that training did not see, such as %.100q, are missing in %d rows, as LightGBM takes them "+
			"(headgate model info lists the values)\n", table, name, c.example, c.unseen)
	case c.kind == textColumn && c.truths > 0 && c.others == 0:
		fmt.Fprintf(w, "%s: column %s: True and False are taken as texts; if they were bool in training, CatBoost has 1 and 0 for them: write these\n",
			table, name)
	}
}

// parseInput rounds to float32, as the libraries do. Empty, NaN and NA are missing values; True and
// False are 1 and 0, as pandas passes them to the libraries.
func parseInput(s string) (float32, error) {
	s = strings.TrimSpace(s)
	switch s {
	case "", "NA", "null":
		return float32(math.NaN()), nil
	case "True", "true", "TRUE":
		return 1, nil
	case "False", "false", "FALSE":
		return 0, nil
	}
	v, err := strconv.ParseFloat(s, 32)
	if errors.Is(err, strconv.ErrRange) { // infinite, as after a conversion to float32
		err = nil
	}
	return float32(v), err
}
