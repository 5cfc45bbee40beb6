package scorer_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// fixture is a model that testdata/make_fixtures.py trained, with what CatBoost itself answered.
type fixture struct {
	name string
	cbm  []byte
	json []byte
	rows [][]float32
	raw  []float64
}

const fixtureRows = 1000

// fixtures reads all of testdata/models. A folder that went missing must not pass as a success.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	folders, err := filepath.Glob("testdata/models/*")
	if err != nil || len(folders) < 18 {
		t.Fatalf("%d folders in testdata/models (%v), expected at least 18: run testdata/make_fixtures.py", len(folders), err)
	}
	var all []fixture
	for _, folder := range folders {
		all = append(all, fixtureNamed(t, filepath.Base(folder)))
	}
	return all
}

func fixtureNamed(t testing.TB, name string) fixture {
	t.Helper()
	folder := filepath.Join("testdata", "models", name)
	f := fixture{
		name: name,
		cbm:  unzip(t, filepath.Join(folder, "model.cbm.gz")),
		json: unzip(t, filepath.Join(folder, "model.json.gz")),
		raw:  make([]float64, fixtureRows),
	}
	decode(t, unzip(t, filepath.Join(folder, "raw.f64.gz")), f.raw)
	flat := unzip(t, filepath.Join(folder, "rows.f32.gz"))
	values := make([]float32, len(flat)/4)
	decode(t, flat, values)
	width := len(values) / fixtureRows
	if width == 0 {
		t.Fatalf("%s: fewer than %d rows", name, fixtureRows)
	}
	for i := range fixtureRows {
		f.rows = append(f.rows, values[i*width:(i+1)*width])
	}
	return f
}

func decode(t testing.TB, data []byte, into any) {
	t.Helper()
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, into); err != nil {
		t.Fatal(err)
	}
}

func unzip(t testing.TB, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return data
}

func load(t testing.TB, data []byte) *scorer.Model {
	t.Helper()
	m, err := scorer.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// Both formats of every model give the bits that CatBoost gave, on rows that sit on borders, beside them, at infinities and NaN.
func TestRawIsCatBoostsBitForBit(t *testing.T) {
	for _, f := range fixtures(t) {
		for format, data := range map[string][]byte{"catboost-cbm": f.cbm, "catboost-json": f.json} {
			t.Run(f.name+"/"+format, func(t *testing.T) {
				m := load(t, data)
				if m.Format() != format {
					t.Errorf("format %q", m.Format())
				}
				if got, want := len(m.Features()), len(f.rows[0]); got != want {
					t.Fatalf("%d features, the rows have %d", got, want)
				}
				row := m.NewRow()
				for i, x := range f.rows {
					if got := must(m.Raw(row, x)); !sameBits(got, f.raw[i]) {
						t.Fatalf("row %d %v: %v, CatBoost says %v", i, x, got, f.raw[i])
					}
				}
			})
		}
	}
}

// The fixtures contain what they are there for.
func TestFixturesCoverWhatTheyClaim(t *testing.T) {
	depths := map[string]int{"depth-0": 0, "depth-1": 1, "classification": 6, "mixed-depths": 8, "depth-10": 10, "depth-16": 16}
	for _, f := range fixtures(t) {
		m := load(t, f.cbm)
		if want, ok := depths[f.name]; ok && m.Depth() != want {
			t.Errorf("%s: depth %d, expected %d", f.name, m.Depth(), want)
		}
		features := m.Features()
		switch f.name {
		case "many-borders":
			if features[0].Borders <= 2*254 {
				t.Errorf("%s: %d borders, expected three byte buckets of 254", f.name, features[0].Borders)
			}
		case "nan-max":
			if features[0].NaN != scorer.NaNHigh || features[1].NaN != scorer.NaNLow {
				t.Errorf("%s: %v", f.name, features)
			}
		case "classification":
			if features[3].Borders != 0 || features[5].Borders != 0 || features[0].Name != "f00" {
				t.Errorf("%s: %v", f.name, features)
			}
		case "class-weights":
			if features[7].Name != "7" {
				t.Errorf("%s: a feature without a name is called %q", f.name, features[7].Name)
			}
		}
	}
}

// Both formats describe the same model.
func TestFormatsDescribeTheSameModel(t *testing.T) {
	for _, f := range fixtures(t) {
		a, b := load(t, f.cbm), load(t, f.json)
		if a.Trees() != b.Trees() || a.Depth() != b.Depth() {
			t.Errorf("%s: %d trees of depth %d, JSON says %d of %d", f.name, a.Trees(), a.Depth(), b.Trees(), b.Depth())
		}
		fa, fb := a.Features(), b.Features()
		for i := range fa {
			if fa[i] != fb[i] {
				t.Errorf("%s: feature %d is %v, JSON says %v", f.name, i, fa[i], fb[i])
			}
		}
	}
}
