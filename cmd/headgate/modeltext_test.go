package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// fixture reads a file of one of package scorer's models, which CatBoost trained.
func fixture(t *testing.T, model, file string) []byte {
	t.Helper()
	return archived(t, filepath.Join("libraries", "catboost-1.2.10.zip"), model+"/"+file)
}

// A model with texts as categories and three outputs: what CatBoost answered is what verify finds
// in a file of texts.
func TestModelVerifyWithTexts(t *testing.T) {
	const name = "multiclass-statistics"
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.cbm"), fixture(t, name, "model.cbm"))
	m, err := scorer.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]string
	if err := json.Unmarshal(fixture(t, name, "cats.json"), &texts); err != nil {
		t.Fatal(err)
	}
	features := m.Features()
	numbers := make([]float32, len(texts)*len(features))
	raw := make([]float64, len(texts)*m.Outputs())
	for data, into := range map[string]any{"rows.f32": numbers, "raw.f64": raw} {
		if err := binary.Read(bytes.NewReader(fixture(t, name, data)), binary.LittleEndian, into); err != nil {
			t.Fatal(err)
		}
	}
	var rows, expected bytes.Buffer
	in, out := csv.NewWriter(&rows), csv.NewWriter(&expected)
	var names []string
	for _, f := range features {
		names = append(names, f.Name)
	}
	in.Write(names)
	out.Write([]string{"raw_0", "raw_1", "raw_2"})
	for i, words := range texts {
		var line, answers []string
		for j, f := range features {
			if f.Kind == scorer.Categorical {
				line, words = append(line, words[0]), words[1:]
			} else {
				line = append(line, fmt.Sprint(numbers[i*len(features)+j]))
			}
		}
		for _, v := range raw[i*m.Outputs():][:m.Outputs()] {
			answers = append(answers, strconv.FormatFloat(v, 'g', -1, 64))
		}
		in.Write(line)
		out.Write(answers)
	}
	in.Flush()
	out.Flush()
	if m.Outputs() != 3 || !slices.ContainsFunc(features, func(f scorer.Feature) bool { return f.Kind == scorer.Categorical }) {
		t.Fatalf("%d outputs, features %v", m.Outputs(), features)
	}
	status, printed, errOut := run(t, "model", "verify", file, "--rows", write(t, filepath.Join(dir, "rows.csv"), rows.Bytes()), "--expected",
		write(t, filepath.Join(dir, "expected.csv"), expected.Bytes()))
	if want := fmt.Sprintf("%d rows agree, %d values\n", len(texts), 3*len(texts)); status != exitOK || printed != want || errOut != "" {
		t.Errorf("exit status %d, %q, %q, expected %q", status, printed, errOut, want)
	}
}
