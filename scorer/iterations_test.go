package scorer_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// The first iterations of a model answer what the library's predict answers with as many:
// iteration_range, num_iteration, ntree_end. testdata/make/train_iterations.py trained the models.
func TestFirstIterations(t *testing.T) {
	files := unpack(t, filepath.Join("testdata", "iterations.zip"))
	rows := make([]float32, 600)
	decode(t, files["rows.f32"], rows)
	compared := 0
	for file, data := range files {
		name, extension, _ := strings.Cut(file, ".")
		if !slices.Contains([]string{"json", "ubj", "txt", "cbm"}, extension) {
			continue
		}
		for answers, values := range files {
			n, ours := strings.CutPrefix(answers, name+".")
			n, out := strings.CutSuffix(n, ".out")
			if !ours || !out {
				continue
			}
			compared++
			loader := scorer.Loader{Best: n == "best"}
			if !loader.Best {
				loader.Iterations = number(t, n)
			}
			m, err := loader.Load(data)
			if err != nil {
				t.Fatalf("%s, %s iterations: %v", file, n, err)
			}
			comparePredictions(t, file+", "+n+" iterations", m, rows, floats(values, 8))
		}
	}
	if compared < 29 {
		t.Errorf("%d comparisons: train the models anew", compared)
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func comparePredictions(t *testing.T, what string, m *scorer.Model, rows []float32,
	want []float64) {
	t.Helper()
	scratch := m.NewScratch()
	var got []float64
	for x := range slices.Chunk(rows, 6) {
		got = must(m.AppendPrediction(got, scratch, x))
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, expected %d", what, len(got), len(want))
	}
	for i := range want {
		if !near(got[i], want[i], strings.HasPrefix(m.Format(), "xgboost")) {
			t.Fatalf("%s: value %d is %v, the library says %v", what, i, got[i], want[i])
		}
	}
}

// XGBoost's file names the iteration that early stopping found best; all are used unless the caller
// asks for those.
func TestBestIterationsAreUsedOnlyIfAskedFor(t *testing.T) {
	files := unpack(t, filepath.Join("testdata", "iterations.zip"))
	for _, file := range []string{"xgb-early.json", "xgb-early.ubj"} {
		m := load(t, files[file])
		if used, all := m.Iterations(); used != 19 || all != 19 || m.BestIterations() != 9 ||
			m.Trees() != 19 {
			t.Errorf("%s: %d of %d iterations, best %d, %d trees", file, used, all,
				m.BestIterations(), m.Trees())
		}
		m, err := scorer.Loader{Best: true}.Load(files[file])
		if err != nil {
			t.Fatal(err)
		}
		if used, all := m.Iterations(); used != 9 || all != 19 || m.Trees() != 9 {
			t.Errorf("%s: %d of %d iterations, %d trees", file, used, all, m.Trees())
		}
	}
	m, err := scorer.Loader{Best: true}.Load(files["lgb-binary.txt"])
	if err != nil || m.BestIterations() != 0 || m.Trees() != 8 {
		t.Errorf("a file that names no best iteration: %v, %d", err, m.Trees())
	}
}

// Splits of trees that are left out are not counted, and what a model explains still adds up.
func TestFeaturesOfFirstIterations(t *testing.T) {
	for file, data := range unpack(t, filepath.Join("testdata", "iterations.zip")) {
		if strings.HasSuffix(file, ".out") || file == "rows.f32" {
			continue
		}
		all := load(t, data)
		one, err := scorer.Loader{Iterations: 1}.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		splits := [2]int{}
		for i, m := range []*scorer.Model{one, all} {
			for _, f := range m.Features() {
				splits[i] += f.Splits
			}
		}
		if splits[0] == 0 || splits[0] >= splits[1] || one.Trees() >= all.Trees() {
			t.Errorf("%s: %d splits in %d trees of one iteration, %d in %d of all", file, splits[0],
				one.Trees(), splits[1], all.Trees())
		}
		x := []float32{1, 0, -1, 0.5, 2, 0}
		moved, sum, err := one.Explain(nil, nil, x, 0)
		if errors.Is(err, scorer.ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range moved {
			sum += c.Value
		}
		if raw := must(one.Raw(nil, x)); sum-raw > 1e-5 || raw-sum > 1e-5 {
			t.Errorf("%s: contributions add up to %v, the output is %v", file, sum, raw)
		}
	}
}

func TestIterationsThatAModelDoesNotHave(t *testing.T) {
	files := unpack(t, filepath.Join("testdata", "iterations.zip"))
	for _, n := range []int{-1, 9, 1 << 40} {
		if _, err := (scorer.Loader{Iterations: n}).Load(files["lgb-classes.txt"]); !errors.Is(err,
			scorer.ErrIterations) {
			t.Errorf("%d of 8 iterations: %v", n, err)
		}
	}
}
