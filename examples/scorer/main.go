// Scorer prints the probability of each row of a CSV file by a model of CatBoost, LightGBM or
// XGBoost, without the library that trained it.
//
//	scorer MODEL < rows.csv
//
// The first line names the columns. Those that the model has no feature for are ignored; a feature
// without a column, and an empty field, are missing values.
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"strconv"

	"github.com/headgate/headgate/scorer"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: scorer MODEL < rows.csv")
	}
	model, err := scorer.LoadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := score(model, os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// score prints a probability for each row.
func score(model *scorer.Model, in io.Reader, out io.Writer) error {
	if err := model.TakesNumbers(); err != nil {
		return err
	}
	rows := csv.NewReader(in)
	header, err := rows.Read()
	if err != nil {
		return err
	}
	inputs := make([]float32, len(model.Features()))
	for i := range inputs {
		inputs[i] = float32(math.NaN())
	}
	scratch := model.NewScratch() // one for each goroutine
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fill(inputs, model, header, row); err != nil {
			return err
		}
		raw, err := model.Raw(scratch, inputs)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%.4f\n", model.Probability(raw))
	}
}

// fill sets the inputs that there are columns for.
func fill(inputs []float32, model *scorer.Model, header, row []string) error {
	for column, name := range header {
		i, ok := model.FeatureIndex(name)
		if !ok {
			continue
		}
		inputs[i] = float32(math.NaN())
		if row[column] == "" {
			continue
		}
		value, err := strconv.ParseFloat(row[column], 32)
		if err != nil {
			return fmt.Errorf("column %s: %q is not a number", name, row[column])
		}
		inputs[i] = float32(value)
	}
	return nil
}
