package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A classifier for seven classes, of which training had three: all seven are listed and answered,
// as CatBoost answers them.
func TestModelWithAbsentClasses(t *testing.T) {
	const name, rows, inputs, classes = "absent-classes", 120, 3, 7
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.cbm"), fixture(t, name, "model.cbm"))
	const warning = `no training row had the class "crawler", "monitor", "preview", "scanner": its raw output is -Inf for every row`

	status, out, errOut := run(t, "model", "info", file, "--json")
	var info modelInfo
	if err := json.Unmarshal([]byte(out), &info); err != nil || status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %v, %q", status, err, errOut)
	}
	names := []string{"bot", "crawler", "human", "monitor", "preview", "scanner", "unknown"}
	if info.Outputs != classes || !slices.Equal(info.Classes, names) || !slices.Equal(info.Warnings, []string{warning}) {
		t.Errorf("%d outputs, classes %q, warnings %q", info.Outputs, info.Classes, info.Warnings)
	}

	rowsFile := write(t, filepath.Join(dir, "rows.csv"), csvTable("0,1,2", fixtureNumbers[float32](t, name, "rows.f32"), inputs))
	var header []string
	for _, kind := range []string{"raw", "prediction"} {
		for k := range classes {
			header = append(header, fmt.Sprintf("%s_%d", kind, k))
		}
	}
	raw, prediction := fixtureNumbers[float64](t, name, "raw.f64"), fixtureNumbers[float64](t, name, "predict.f64")
	var answers []float64
	for i := range rows {
		answers = append(append(answers, raw[i*classes:][:classes]...), prediction[i*classes:][:classes]...)
	}
	expected := write(t, filepath.Join(dir, "expected.csv"), csvTable(strings.Join(header, ","), answers, 2*classes))
	status, out, errOut = run(t, "model", "verify", file, "--rows", rowsFile, "--expected", expected)
	if want := fmt.Sprintf("%d rows agree, %d values\n", rows, rows*2*classes); status != exitOK || out != want || !strings.Contains(errOut, warning) {
		t.Errorf("exit status %d, %q, %q, expected %q", status, out, errOut, want)
	}

	status, out, _ = run(t, "model", "score", file, "--rows", rowsFile)
	if second := strings.Split(out, "\n")[1]; status != exitOK || strings.Count(second, "-Inf") != 4 || strings.Contains(second, "NaN") {
		t.Errorf("exit status %d, %s", status, second)
	}
	status, _, errOut = run(t, "model", "explain", file, "--rows", rowsFile, "--output", "1")
	if status != exitFailure || !strings.Contains(errOut, "output 1 is -Inf for every row: the class was absent in training") {
		t.Errorf("exit status %d, %q", status, errOut)
	}
	if status, out, _ = run(t, "model", "explain", file, "--rows", rowsFile, "--output", "6"); status != exitOK || !strings.Contains(out, "contribution") {
		t.Errorf("exit status %d, %q", status, out)
	}
}

// fixtureNumbers reads numbers of a fixture.
func fixtureNumbers[N float32 | float64](t *testing.T, model, file string) []N {
	t.Helper()
	data := fixture(t, model, file)
	numbers := make([]N, len(data)/binary.Size(N(0)))
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, numbers); err != nil {
		t.Fatal(err)
	}
	return numbers
}

// csvTable writes numbers as CSV, so many in a line.
func csvTable[N float32 | float64](header string, numbers []N, width int) []byte {
	out := bytes.NewBufferString(header + "\n")
	for line := range slices.Chunk(numbers, width) {
		for i, v := range line {
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprint(out, v)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}
