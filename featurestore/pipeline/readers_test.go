package pipeline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// readers is what the libraries of data scientists make of rows, with their defaults: how many there are, and which
// features of the request are no floats.
const readers = `
import sys
import duckdb, pandas, polars

name, features = sys.argv[1], sys.argv[2].split(",")
a = pandas.read_csv(name)
b = polars.read_csv(name)
c = duckdb.read_csv(name)
kinds = dict(zip(c.columns, c.types))
print(len(a), len(b), len(c))
for f in features:
    if str(a[f].dtype) != "float64" or b[f].dtype != polars.Float64 or str(kinds[f]) != "DOUBLE":
        print(f, a[f].dtype, b[f].dtype, kinds[f])
`

// pandas, polars and duckdb read the rows with their defaults: also rows of requests that are no UTF-8, and columns whose
// first values are whole numbers.
func TestCSVIsReadByOthers(t *testing.T) {
	python := os.Getenv("HEADGATE_PYTHON")
	if python == "" {
		t.Skip("needs Python with pandas, polars and duckdb: python3 -m venv v && v/bin/pip install pandas polars duckdb, then set HEADGATE_PYTHON=v/bin/python")
	}
	features := []string{"request/path_length", "request/path_upper", "request/path_digits", "request/path_entropy", "request/agent_digits", "request/query_length"}
	log := string(simulatedLog(3, 500)) + line(`\x16\x03\x01\x00\xff`, `\xE9`) + line(`GET /caf\xE9?a=\x1b HTTP/1.1`, `=1+1,\x22`) +
		line(`GET /AbC HTTP/1.1`, "-")
	out, s := replay(t, []byte(log), pipeline.CSV{}, features...)
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(python, "-c", readers, name, strings.Join(features, ",")).CombinedOutput()
	if want := "503 503 503\n"; err != nil || string(got) != want || s.Rows != 503 {
		t.Errorf("%v, %d rows:\n%s", err, s.Rows, got)
	}
}
