package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// categoryModel is a model of a data frame with category columns, of package scorer, with the
// library's answers.
type categoryModel struct {
	Columns []string `json:"columns"`
	Rows    []struct {
		Values []any   `json:"values"`
		Unseen bool    `json:"unseen"`
		Raw    float64 `json:"raw"`
	} `json:"rows"`
	file string
}

func readCategoryModel(t *testing.T, library, name, extension string) categoryModel {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join("..", "..", "scorer", "testdata", "categories", library+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	entry := func(file string) []byte {
		f, err := archive.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var m categoryModel
	if err := json.Unmarshal(entry(name+".rows"), &m); err != nil {
		t.Fatal(err)
	}
	m.file = write(t, filepath.Join(t.TempDir(), "model"), entry(name+"."+extension))
	return m
}

// tables writes the rows, with or without categories that training did not see, as pandas writes
// them, and what is expected.
func (m *categoryModel) tables(t *testing.T, unseen bool) (rows, expected string) {
	t.Helper()
	var in, out bytes.Buffer
	lines := csv.NewWriter(&in)
	lines.Write(m.Columns)
	out.WriteString("raw\n")
	for _, row := range m.Rows {
		if row.Unseen && !unseen || slices.Contains(row.Values, any("")) {
			continue // pandas reads an empty text in a CSV file as missing, too
		}
		var line []string
		for _, v := range row.Values {
			switch v := v.(type) {
			case nil:
				line = append(line, "")
			case float64:
				line = append(line, strconv.FormatFloat(v, 'g', -1, 64))
			case string:
				line = append(line, v)
			}
		}
		lines.Write(line)
		out.WriteString(strconv.FormatFloat(row.Raw, 'g', -1, 64) + "\n")
	}
	lines.Flush()
	dir := t.TempDir()
	return write(t, filepath.Join(dir, "rows.csv"), in.Bytes()), write(t, filepath.Join(dir, "expected.csv"), out.Bytes())
}

// The rows of a data frame, written as CSV, get what the library answers to the data frame.
func TestModelVerifyWithValuesOfCategories(t *testing.T) {
	lightgbm := readCategoryModel(t, "lightgbm-4.6.0", "several", "txt")
	rows, expected := lightgbm.tables(t, true)
	status, out, errOut := run(t, "model", "verify", lightgbm.file, "--rows", rows, "--expected", expected)
	if status != exitOK || !strings.Contains(out, " rows agree, ") {
		t.Errorf("exit status %d, %q, %q", status, out, errOut)
	}
	if notes := strings.Count(errOut, "categories that training did not see, such as \"unseen\", are missing in"); notes < 3 || strings.Count(errOut, "\n") < notes {
		t.Errorf("%d columns are told of in %q", notes, errOut)
	}
	for _, extension := range []string{"json", "ubj"} {
		xgboost := readCategoryModel(t, "xgboost-3.2.0", "several", extension)
		rows, expected = xgboost.tables(t, false)
		status, out, errOut = run(t, "model", "verify", xgboost.file, "--rows", rows, "--expected", expected)
		if status != exitOK || !strings.Contains(out, " rows agree, ") || errOut != rows+": column country: the empty text is missing, although it is a category of the model\n" {
			t.Errorf("%s: exit status %d, %q, %q", extension, status, out, errOut)
		}
		rows, _ = xgboost.tables(t, true)
		status, _, errOut = run(t, "model", "score", xgboost.file, "--rows", rows)
		if status != exitFailure {
			t.Errorf("%s: exit status %d", extension, status)
		}
		_, last, _ := strings.Cut(errOut, "\n") // behind the note of the empty text
		checkOneLine(t, "an unseen category", last, "training did not see the category ", "XGBoost refuses it; leave it empty")
	}
}

func TestModelInfoListsCategories(t *testing.T) {
	m := readCategoryModel(t, "lightgbm-4.6.0", "several", "txt")
	status, out, _ := run(t, "model", "info", m.file)
	if status != exitOK || !strings.Contains(out, "  200 301 404 5000000000") && !strings.Contains(out, `"-1" "200" "301" "404" "5000000000"`) ||
		!strings.Contains(out, `"False" "True"`) || !strings.Contains(out, "and ") {
		t.Errorf("exit status %d, %s", status, out)
	}
	_, out, _ = run(t, "model", "info", m.file, "--json")
	var info modelInfo
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(info.Categories, func(c modelValues) bool { return c.Name == "noise" })
	if len(info.Categories) != 10 || i < 0 || !slices.Equal(info.Categories[i].Values, []string{"w", "x", "y", "z"}) || info.Categories[i].Position != 6 {
		t.Errorf("%+v", info.Categories)
	}
}

// True and False are 1 and 0 where a number or a code is expected, and their texts otherwise.
func TestTruthValuesInRows(t *testing.T) {
	dir := t.TempDir()
	stumps := write(t, filepath.Join(dir, "m.txt"), []byte(strings.ReplaceAll(twoStumps, "\nthreshold=10", "\nthreshold=0.5")))
	named := write(t, filepath.Join(dir, "named.txt"), []byte(strings.Replace(strings.ReplaceAll(twoStumps, "\nthreshold=10", "\nthreshold=0.5"),
		"feature_infos=none none none", "feature_infos=none none 0:1", 1)+"\npandas_categorical:[[false, true]]\n"))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte("kind,requests\nTrue,True\nFalse,False\n"))
	same := write(t, filepath.Join(dir, "same.csv"), []byte("kind,requests\n1,1\n0,0\n"))
	for _, file := range []string{stumps, named} {
		_, want, _ := run(t, "model", "score", file, "--rows", same)
		status, out, errOut := run(t, "model", "score", file, "--rows", rows)
		if status != exitOK || out != want || errOut != "" || strings.Count(out, "\n") != 3 {
			t.Errorf("exit status %d, %q, %q, expected %q", status, out, errOut, want)
		}
	}
	texts := write(t, filepath.Join(dir, "texts.csv"), []byte("kind,requests\nnl,1\n"))
	status, _, errOut := run(t, "model", "score", stumps, "--rows", texts)
	if status != exitFailure {
		t.Errorf("exit status %d", status)
	}
	checkOneLine(t, "a text for a code", errOut, `line 2: column kind: "nl" is not a number`, "only codes of this column's categories")

	catboost := write(t, filepath.Join(dir, "m.cbm"), fixture(t, "one-hot", "model.cbm"))
	m, err := (&modelFlags{File: catboost}).load()
	if err != nil {
		t.Fatal(err)
	}
	var names, truths, mixed []string
	for _, f := range m.Features() {
		names = append(names, f.Name)
		truths, mixed = append(truths, "True"), append(mixed, "2")
	}
	lines := func(rows ...[]string) string {
		text := ""
		for _, row := range rows {
			text += strings.Join(row, ",") + "\n"
		}
		return write(t, filepath.Join(dir, "catboost.csv"), []byte(text))
	}
	status, _, errOut = run(t, "model", "score", catboost, "--rows", lines(names, truths))
	if status != exitOK || !strings.Contains(errOut, "True and False are taken as texts; if they were bool in training, CatBoost has 1 and 0") {
		t.Errorf("exit status %d, %q", status, errOut)
	}
	if status, _, errOut = run(t, "model", "score", catboost, "--rows", lines(names, truths, mixed)); status != exitOK || errOut != "" {
		t.Errorf("exit status %d, %q", status, errOut)
	}
}
