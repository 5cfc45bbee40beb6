package scorer_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// fixture is a model that testdata/make/train_numeric.py trained, with what CatBoost itself
// answered.
type fixture struct {
	name string
	cbm  []byte
	json []byte
	rows [][]float32
	raw  []float64
}

const fixtureRows = 1000

// fixtures reads all of testdata/models.zip. A model that went missing must not pass as a success.
func fixtures(t testing.TB) (all []fixture) {
	t.Helper()
	for name, files := range unpackFolders(t, modelsArchive) {
		all = append(all, newFixture(t, name, files))
	}
	if len(all) < 18 {
		t.Fatalf("%d models in %s, expected at least 18: run testdata/make/train_numeric.py",
			len(all), modelsArchive)
	}
	slices.SortFunc(all, func(a, b fixture) int { return strings.Compare(a.name, b.name) })
	return all
}

const modelsArchive = "testdata/models.zip"

func fixtureNamed(t testing.TB, name string) fixture {
	t.Helper()
	files, ok := unpackFolders(t, modelsArchive)[name]
	if !ok {
		t.Fatalf("no model %s in %s", name, modelsArchive)
	}
	return newFixture(t, name, files)
}

func newFixture(t testing.TB, name string, files map[string][]byte) fixture {
	t.Helper()
	f := fixture{name: name, cbm: files["model.cbm"], json: files["model.json"],
		raw: make([]float64, fixtureRows)}
	decode(t, files["raw.f64"], f.raw)
	values := make([]float32, len(files["rows.f32"])/4)
	decode(t, files["rows.f32"], values)
	width := len(values) / fixtureRows
	if width == 0 {
		t.Fatalf("%s: fewer than %d rows", name, fixtureRows)
	}
	for i := range fixtureRows {
		f.rows = append(f.rows, values[i*width:(i+1)*width])
	}
	return f
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

// Both formats of every model give the bits that CatBoost gave, on rows that sit on borders, beside
// them, at infinities and NaN.
func TestRawIsCatBoostsBitForBit(t *testing.T) {
	for _, f := range fixtures(t) {
		for format, data := range map[string][]byte{"catboost-cbm": f.cbm,
			"catboost-json": f.json} {
			t.Run(f.name+"/"+format, func(t *testing.T) {
				m := load(t, data)
				if m.Format() != format {
					t.Errorf("format %q", m.Format())
				}
				if got, want := len(m.Features()), len(f.rows[0]); got != want {
					t.Fatalf("%d features, the rows have %d", got, want)
				}
				scratch := m.NewScratch()
				for i, x := range f.rows {
					if got := must(m.Raw(scratch, x)); !sameBits(got, f.raw[i]) {
						t.Fatalf("row %d %v: %v, CatBoost says %v", i, x, got, f.raw[i])
					}
				}
			})
		}
	}
}

// The fixtures contain what they are there for.
func TestFixturesCoverWhatTheyClaim(t *testing.T) {
	depths := map[string]int{"depth-0": 0, "depth-1": 1, "classification": 6, "mixed-depths": 8,
		"depth-10": 10, "depth-16": 16}
	for _, f := range fixtures(t) {
		m := load(t, f.cbm)
		if want, ok := depths[f.name]; ok && m.Depth() != want {
			t.Errorf("%s: depth %d, expected %d", f.name, m.Depth(), want)
		}
		features := m.Features()
		switch f.name {
		case "many-borders":
			if features[0].Borders <= 2*254 {
				t.Errorf("%s: %d borders, expected three byte buckets of 254", f.name,
					features[0].Borders)
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
			t.Errorf("%s: %d trees of depth %d, JSON says %d of %d", f.name, a.Trees(), a.Depth(),
				b.Trees(), b.Depth())
		}
		fa, fb := a.Features(), b.Features()
		for i := range fa {
			if fa[i] != fb[i] {
				t.Errorf("%s: feature %d is %v, JSON says %v", f.name, i, fa[i], fb[i])
			}
		}
	}
}
