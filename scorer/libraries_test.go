package scorer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// libraryFixture is a folder of the archive testdata/libraries/<library>-<version>.zip: a model
// that the library trained, and its answers. The archives are the registry: every folder in them is
// tested, and has a row in the table of docs/models.md. Its about.json fills the first part.
type libraryFixture struct {
	Shows       string   `json:"shows"`       // what the model has in it: a row of the table
	Refused     string   `json:"refused"`     // what the error of Load must contain; nothing else is there then
	Rows        int      `json:"rows"`        // in rows.f32, or rows.f64 where the library takes doubles
	Features    int      `json:"features"`    // values of a row
	Categorical []int    `json:"categorical"` // positions whose values are in cats.json
	Outputs     int      `json:"outputs"`     // numbers for each row in raw.f64
	Predict     string   `json:"predict"`     // the library's name for what is in predict.f64; empty if there is none
	Classes     []string `json:"classes"`     // labels, where the library predicts them
	Class       []int    `json:"class"`       // index of the label of each row
	Explained   int      `json:"explained"`   // rows in shap.f64
	Seen        []int    `json:"seen"`        // outputs in shap.f64, if it lacks some: those of classes that training had

	library, version string
	name             string
	models           map[string][]byte // by file name
	files            map[string][]byte // the other files of the folder, likewise
}

// libraryFixtures reads all of testdata/libraries. A folder that went missing must not pass as a
// success.
func libraryFixtures(t testing.TB) (all []libraryFixture) {
	t.Helper()
	paths, err := filepath.Glob("testdata/libraries/*.zip")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		all = append(all, readLibraryFixtures(t, path)...)
	}
	if len(all) < 130 {
		t.Fatalf("%d models in testdata/libraries, expected at least 130: run the scripts in "+
			"testdata/make", len(all))
	}
	return all
}

// libraryFixtureNamed reads one of the models of a library and version.
func libraryFixtureNamed(t testing.TB, library, name string) libraryFixture {
	t.Helper()
	all := readLibraryFixtures(t, filepath.Join("testdata", "libraries", library+".zip"))
	at := slices.IndexFunc(all, func(f libraryFixture) bool { return f.name == name })
	if at < 0 {
		t.Fatalf("no model %s of %s in testdata/libraries", name, library)
	}
	return all[at]
}

func readLibraryFixtures(t testing.TB, path string) (all []libraryFixture) {
	t.Helper()
	library, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".zip"), "-")
	for name, files := range unpackFolders(t, path) {
		f := libraryFixture{library: library, version: version, name: name,
			models: map[string][]byte{}, files: files}
		if err := json.Unmarshal(files["about.json"], &f); err != nil {
			t.Fatalf("%s of %s: about.json: %v", name, path, err)
		}
		for file, data := range files {
			if strings.HasPrefix(file, "model.") {
				f.models[file] = data
			}
		}
		if len(f.models) == 0 {
			t.Fatalf("%s of %s has no model", name, path)
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b libraryFixture) int { return strings.Compare(a.name, b.name) })
	return all
}

func (f *libraryFixture) title() string { return f.library + "-" + f.version + "/" + f.name }

// floats64 decodes a file of float64s.
func (f *libraryFixture) floats64(t testing.TB, file string) []float64 {
	t.Helper()
	values := make([]float64, len(f.files[file])/8)
	decode(t, f.files[file], values)
	return values
}

// floats32 decodes a file of float32s.
func (f *libraryFixture) floats32(t testing.TB, file string) []float32 {
	t.Helper()
	values := make([]float32, len(f.files[file])/4)
	decode(t, f.files[file], values)
	return values
}

// libraryRow is an input: numbers, and categories to set in a Scratch.
type libraryRow struct {
	x     []float32
	texts map[int]string
	ints  map[int]int64
}

// set puts the categories of a row into row.
func (r *libraryRow) set(scratch *scorer.Scratch) {
	scratch.Reset()
	for i, s := range r.texts {
		scratch.SetString(i, s)
	}
	for i, v := range r.ints {
		scratch.SetInt(i, v)
	}
}

func (f *libraryFixture) rows(t testing.TB) []libraryRow {
	t.Helper()
	flat := f.floats32(t, "rows.f32")
	if len(flat) != f.Rows*f.Features || f.Rows < 50 {
		t.Fatalf("%s: %d values for %d rows of %d", f.title(), len(flat), f.Rows, f.Features)
	}
	rows := make([]libraryRow, f.Rows)
	for i := range rows {
		rows[i].x = flat[i*f.Features:][:f.Features]
	}
	if len(f.Categorical) > 0 {
		f.addCategories(t, rows)
	}
	return rows
}

func (f *libraryFixture) addCategories(t testing.TB, rows []libraryRow) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(f.files["cats.json"]))
	dec.UseNumber()
	var cats [][]any
	if err := dec.Decode(&cats); err != nil || len(cats) != len(rows) {
		t.Fatalf("%s: %d rows of categories (%v)", f.title(), len(cats), err)
	}
	for i := range rows {
		rows[i].texts, rows[i].ints = map[int]string{}, map[int]int64{}
		for j, position := range f.Categorical {
			switch v := cats[i][j].(type) {
			case string:
				rows[i].texts[position] = v
			case json.Number:
				n, err := v.Int64()
				if err != nil {
					t.Fatal(err)
				}
				rows[i].ints[position] = n
			}
		}
	}
}

// Every model of every version of every library returns the bits that the library returned.
func TestRawIsTheLibrarysBitForBit(t *testing.T) {
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			t.Run(f.title()+"/"+file, func(t *testing.T) {
				if f.Refused != "" {
					_, err := scorer.Load(data)
					if !errors.Is(err, scorer.ErrUnsupported) ||
						!strings.Contains(err.Error(), f.Refused) {
						t.Fatalf("error %v, expected %q", err, f.Refused)
					}
					return
				}
				m := load(t, data)
				if len(m.Features()) != f.Features || m.Outputs() != f.Outputs {
					t.Fatalf("%d features, %d outputs, expected %d and %d", len(m.Features()),
						m.Outputs(), f.Features, f.Outputs)
				}
				f.compare(t, m)
			})
		}
	}
}

func (f *libraryFixture) compare(t *testing.T, m *scorer.Model) {
	want := f.floats64(t, "raw.f64")
	scratch := m.NewScratch()
	var got []float64
	for i, in := range f.rows(t) {
		in.set(scratch)
		got = must(m.AppendRaw(got[:0], scratch, in.x))
		for k, w := range want[i*f.Outputs:][:f.Outputs] {
			if !sameBits(got[k], w) {
				t.Fatalf("row %d %v, output %d: %v, the library says %v", i, in, k, got[k], w)
			}
		}
		if first := must(m.Raw(scratch, in.x)); !sameBits(first, got[0]) {
			t.Fatalf("row %d: Raw returns %v, AppendRaw %v", i, first, got[0])
		}
	}
}

// ulps is the distance of two finite numbers of one sign, in units of the last place.
func ulps(a, b float64) uint64 {
	x, y := math.Float64bits(a), math.Float64bits(b)
	return max(x, y) - min(x, y)
}

// Probabilities and other predictions differ by the last place at most, and decisions not at all.
func TestPredictionIsTheLibrarys(t *testing.T) {
	compared := 0
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			if f.Predict == "" {
				continue
			}
			t.Run(f.title()+"/"+file, func(t *testing.T) { f.comparePrediction(t, load(t, data)) })
			compared++
		}
	}
	if compared < 20 {
		t.Errorf("%d models with predictions", compared)
	}
}

func (f *libraryFixture) comparePrediction(t *testing.T, m *scorer.Model) {
	// Python's True is true in the file
	if !strings.EqualFold(strings.Join(m.Classes(), " "), strings.Join(f.Classes, " ")) {
		t.Errorf("classes %q, expected %q", m.Classes(), f.Classes)
	}
	want := f.floats64(t, "predict.f64")
	width := len(want) / f.Rows
	scratch := m.NewScratch()
	var got []float64
	for i, in := range f.rows(t) {
		in.set(scratch)
		got = must(m.AppendPrediction(got[:0], scratch, in.x))
		// For a binary classifier some libraries give the probability of both classes.
		for k, w := range want[(i+1)*width-len(got) : (i+1)*width] {
			if ulps(got[k], w) > 1 {
				t.Fatalf("row %d, output %d: %v, the library says %v", i, k, got[k], w)
			}
		}
		if class := must(m.Class(scratch, in.x)); len(f.Class) > 0 && class != f.Class[i] {
			t.Fatalf("row %d: class %d, the library says %d", i, class, f.Class[i])
		}
	}
}

// The models are not all alike: fixtures whose rows all give one answer would prove nothing.
func TestLibraryFixturesVary(t *testing.T) {
	for _, f := range libraryFixtures(t) {
		if f.Refused != "" {
			continue
		}
		distinct := map[float64]bool{}
		for _, v := range f.floats64(t, "raw.f64") {
			if math.IsNaN(v) {
				t.Errorf("%s: NaN", f.title())
			}
			distinct[v] = true
		}
		if len(distinct) < 10 {
			t.Errorf("%s: %d different outputs", f.title(), len(distinct))
		}
	}
}
