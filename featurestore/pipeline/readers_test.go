package pipeline_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// readers are the results of data science libraries that read rows with their defaults: the number
// of rows, and the features that are not floats.
const readers = `
import sys
import duckdb, pandas, polars

name, features = sys.argv[1], sys.argv[2].split(",")
a = pandas.read_csv(name)
b = polars.read_csv(name)
c = duckdb.read_csv(name)
kinds = dict(zip(c.columns, c.types))
print(len(a), len(b), len(c))
unknown = [duckdb.sql(f'select count(*) filter (isnan("{f}")) from c').fetchone()[0] for f in features]
for f, n in zip(features, unknown):
    if not int(a[f].isna().sum()) == b[f].is_nan().sum() == n:
        print(f, "is unknown", a[f].isna().sum(), b[f].is_nan().sum(), n, "times")
print(unknown[-1])
for f in features:
    if str(a[f].dtype) != "float64" or b[f].dtype != polars.Float64 or str(kinds[f]) != "DOUBLE":
        print(f, a[f].dtype, b[f].dtype, kinds[f])
`

// pandas, polars and duckdb read the rows with their defaults: also rows of requests that are not
// UTF-8, columns whose first values are whole numbers, and columns without a known value for
// hundreds of rows, or at all.
func TestCSVIsReadByOthers(t *testing.T) {
	python := os.Getenv("HEADGATE_PYTHON")
	if python == "" {
		t.Skip("needs Python with pandas, polars and duckdb: python3 -m venv v && v/bin/pip install pandas polars duckdb, then set HEADGATE_PYTHON=v/bin/python")
	}
	features := []string{"request/path_length", "request/path_upper", "request/path_digits", "request/path_entropy", "request/agent_digits", "request/query_length",
		"ip_ua/gap_entropy", "wire/requests_1m"}
	var log strings.Builder
	for i := range 300 { // each client once, so that it has no history
		fmt.Fprintf(&log, "10.0.%d.%d - - [28/Feb/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"a/%d\"\n", i>>8, i&255, i)
	}
	log.Write(simulatedLog(3, 500))
	log.WriteString(line(`\x16\x03\x01\x00\xff`, `\xE9`) + line(`GET /caf\xE9?a=\x1b HTTP/1.1`, `=1+1,\x22`) +
		line(`GET /AbC HTTP/1.1`, "-"))
	out, s := replay(t, []byte(log.String()), pipeline.CSV{}, features...)
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(python, "-c", readers, name, strings.Join(features, ",")).CombinedOutput()
	if want := "803 803 803\n803\n"; err != nil || string(got) != want || s.Rows != 803 {
		t.Errorf("%v, %d rows:\n%s", err, s.Rows, got)
	}
}
