package scorer_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// forestFixture is a model that LightGBM or XGBoost trained, with what the library itself answered
// to the rows; see testdata/make.
type forestFixture struct {
	library, version, name string
	files                  map[string][]byte // by extension
	rows                   [][]float32
	raw, out               []float64 // row after row
	// of some rows, for each output a value for each feature and the average; nil if it is not
	// explained
	contributions []float64
}

const (
	forestRows  = 200
	forestWidth = 8
)

// forestFixtures reads all models of a library, and makes sure that none went missing.
func forestFixtures(t testing.TB, library string, least int) (all []forestFixture) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", library, "*.zip"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		files := unpack(t, path)
		version := strings.TrimSuffix(filepath.Base(path), ".zip")
		contributions := readContributions(t, library, version)
		for file, raw := range files {
			name, ok := strings.CutSuffix(file, ".raw")
			if !ok {
				continue
			}
			f := forestFixture{library: library, version: version, name: name,
				files: map[string][]byte{}, contributions: contributions[name]}
			f.take(t, files, raw)
			all = append(all, f)
		}
	}
	if len(all) < least {
		t.Fatalf("%d models in testdata/%s, expected at least %d: run "+
			"testdata/make/train_forests.sh", len(all), library, least)
	}
	slices.SortFunc(all, func(a, b forestFixture) int {
		return strings.Compare(a.version+"/"+a.name,
			b.version+"/"+b.name)
	})
	return all
}

// take takes what belongs to the model from the files of the archive.
func (f *forestFixture) take(t testing.TB, files map[string][]byte, raw []byte) {
	t.Helper()
	extensions, size := []string{"txt"}, 8
	if f.library == "xgboost" {
		extensions, size = []string{"json", "ubj"}, 4
	}
	for _, extension := range extensions {
		f.files[extension] = files[f.name+"."+extension]
	}
	f.raw, f.out = floats(raw, size), floats(files[f.name+".out"], size)
	rows := "rows.f32"
	if f.name == "neighbours" {
		rows = "rows-neighbours.f32"
	}
	flat := make([]float32, forestRows*forestWidth)
	decode(t, files[rows], flat)
	for row := range slices.Chunk(flat, forestWidth) {
		f.rows = append(f.rows, row)
	}
}

// same are equal bits, or NaN both: which NaN an operation returns depends on the machine.
func same(a, b float64) bool { return sameBits(a, b) || a != a && b != b }

// near are values that are at most one unit in the last place apart: of a float32 for XGBoost, else
// of a float64.
func near(a, b float64, single bool) bool {
	if same(a, b) || a == b {
		return true
	}
	if single {
		return float64(math.Nextafter32(float32(a), float32(b))) == b
	}
	return math.Nextafter(a, b) == b
}

func TestLightGBMsBits(t *testing.T) {
	for _, f := range forestFixtures(t, "lightgbm", 90) {
		t.Run(f.version+"/"+f.name, func(t *testing.T) {
			compareForest(t, f,
				load(t, f.files["txt"]))
		})
	}
}

func TestXGBoostsBits(t *testing.T) {
	for _, f := range forestFixtures(t, "xgboost", 140) {
		for extension, data := range f.files {
			t.Run(f.version+"/"+f.name+"/"+extension, func(t *testing.T) {
				compareForest(t, f,
					load(t, data))
			})
		}
	}
}

// compareForest compares raw outputs bit by bit and predictions within one unit in the last place.
func compareForest(t *testing.T, f forestFixture, m *scorer.Model) {
	t.Helper()
	outputs := m.Outputs()
	if len(f.raw) != forestRows*outputs {
		t.Fatalf("%d outputs, %s gave %d values for %d rows", outputs, f.library, len(f.raw),
			forestRows)
	}
	scratch := m.NewScratch()
	var raw, out []float64
	for i, x := range f.rows {
		raw = must(m.AppendRaw(raw[:0], scratch, x))
		out = must(m.AppendPrediction(out[:0], scratch, x))
		// multi:softmax answers with the most probable class
		if len(f.out) == forestRows && outputs > 1 {
			out = []float64{float64(argmax(out))}
		}
		for k := range raw {
			if want := f.raw[i*outputs+k]; !same(raw[k], want) {
				t.Fatalf("row %d %v, output %d: %v, %s says %v", i, x, k, raw[k], f.library, want)
			}
		}
		for k := range out {
			if want := f.out[i*len(out)+k]; !near(out[k], want, f.library == "xgboost") {
				t.Fatalf("row %d %v, prediction %d: %v, %s says %v", i, x, k, out[k], f.library,
					want)
			}
		}
	}
}

// The formula for cross_entropy_lambda is that of the release that wrote the file: see
// testdata/make/train_lightgbm.py. Beside the sum of -40 nothing is left of 1+exp(x) but 1; these
// are the answers of releases 3.1.1, 3.2.1, 3.3.0 and 4.6.0.
func TestLambdaOfLightGBMsReleases(t *testing.T) {
	const early, later = 0, 4.248354255291589e-18
	for version, c := range map[string]struct {
		tree, after string
		want        float64
	}{
		"3.1":          {"", "\nparameters:\n[boosting: gbdt]\n\nend of parameters\n", early},
		"3.1, cut off": {"", "", early},
		"3.2": {"is_linear=0\n",
			"\nparameters:\n[boosting: gbdt]\n\nend of parameters\n", early},
		"3.3": {"is_linear=0\n",
			"\nparameters:\n[boosting: gbdt]\n[precise_float_parser: 0]\n\n" +
				"end of parameters\n", later},
		"later, cut off": {"is_linear=0\n", "", later},
	} {
		m := load(t, []byte("tree\nversion=v3\nnum_class=1\nnum_tree_per_iteration=1\n"+
			"max_feature_idx=0\nobjective=cross_entropy_lambda\n"+
			"feature_names=a\n\nTree=0\nnum_leaves=1\nnum_cat=0\n"+
			"leaf_value=-40\n"+c.tree+"shrinkage=1\n\n\nend of trees\n"+c.after))
		if got := must(m.AppendPrediction(nil, nil, padded(m)))[0]; !near(got, c.want, false) {
			t.Errorf("a file of release %s: %v, expected %v", version, got, c.want)
		}
	}
}

func argmax(values []float64) (at int) {
	for i, v := range values {
		if v > values[at] {
			at = i
		}
	}
	return at
}
