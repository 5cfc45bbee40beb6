package scorer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/headgate/headgate/scorer"
)

func TestRawAllocatesNothing(t *testing.T) {
	for _, name := range []string{"classification", "mixed-depths", "many-borders", "depth-16"} {
		f := fixtureNamed(t, name)
		m := load(t, f.cbm)
		scratch := m.NewScratch()
		i := 0
		if n := testing.AllocsPerRun(100, func() { must(m.Raw(scratch, f.rows[i])); i++ }); n != 0 {
			t.Errorf("%s: %v allocations for each row", name, n)
		}
	}
}

// A row that has not one value for each feature is an error wherever rows are taken, and leaves dst
// as it was.
func TestRowsOfOtherLengths(t *testing.T) {
	for _, f := range fixtures(t) {
		m := load(t, f.cbm)
		for _, x := range [][]float32{{}, f.rows[5][1:], append(slices.Clone(f.rows[5]), 1)} {
			refusesRow(t, f.name, m, m.NewScratch(), x)
		}
		refusesRow(t, f.name+", nothing at all", m, m.NewScratch(), nil)
	}
	for name, data := range smallForests(t) {
		m := load(t, data)
		refusesRow(t, name, m, m.NewScratch(), make([]float32, len(m.Features())-1))
		refusesRow(t, name, m, nil, make([]float32, len(m.Features())+1))
	}
}

// refusesRow makes sure that a model, and a set of it, refuse a row for its length.
func refusesRow(t *testing.T, name string, m *scorer.Model, scratch *scorer.Scratch, x []float32) {
	t.Helper()
	refused := func(what string, err error) {
		if !errors.Is(err, scorer.ErrMismatch) || !strings.Contains(err.Error(),
			fmt.Sprintf("it has %d values, the model takes %d ", len(x), len(m.Features()))) {
			t.Errorf("%s: %s of %d values for %d features: error %v", name, what, len(x),
				len(m.Features()), err)
		}
	}
	raw, err := m.Raw(scratch, x)
	if refused("Raw", err); raw == raw {
		t.Errorf("%s: Raw gives %v beside its error, expected NaN", name, raw)
	}
	class, err := m.Class(scratch, x)
	if refused("Class", err); class != -1 {
		t.Errorf("%s: class %d beside an error, expected -1", name, class)
	}
	if _, _, err := m.Explain(nil, scratch, x, 0); !errors.Is(err, scorer.ErrNoWeights) &&
		!errors.Is(err, scorer.ErrUnsupported) {
		refused("Explain", err)
	}
	calls := map[string]func([]float64, *scorer.Scratch, []float32) ([]float64,
		error){"AppendRaw": m.AppendRaw, "AppendPrediction": m.AppendPrediction}
	if s, err := scorer.NewSet(m); err == nil { // not for features of one name
		calls["AppendRaw of a set"], calls["AppendPrediction of a set"] = s.AppendRaw, s.AppendPrediction
	}
	for what, score := range calls {
		dst, err := score([]float64{7}, scratch, x)
		if refused(what, err); !slices.Equal(dst, []float64{7}) {
			t.Errorf("%s: %s gives %v beside its error", name, what, dst)
		}
	}
}

// Where all values are set in the row, there need be no slice: what is not set is missing then.
func TestRowsWithoutASlice(t *testing.T) {
	for _, f := range fixtures(t) {
		m := load(t, f.cbm)
		scratch := m.NewScratch()
		for i, x := range f.rows[:100] {
			scratch.Reset()
			for j, v := range x {
				if v == v || j == 0 { // at least one is set
					scratch.SetFloat(j, float64(v))
				}
			}
			if got := must(m.Raw(scratch, nil)); !sameBits(got, f.raw[i]) {
				t.Fatalf("%s, row %d: %v, expected %v", f.name, i, got, f.raw[i])
			}
		}
	}
}

// One Scratch can be used for models of any size in turn, and need not come from NewScratch.
func TestRowsOfOtherModels(t *testing.T) {
	wide := load(t, wideModel(t))
	small := fixtureNamed(t, "classification")
	m := load(t, small.cbm)
	x := make([]float32, len(wide.Features()))
	want := must(wide.Raw(wide.NewScratch(), x))
	for name, scratch := range map[string]*scorer.Scratch{"of a smaller model": m.NewScratch(),
		"zero": {}, "nil": nil} {
		for range 2 {
			if got := must(wide.Raw(scratch, x)); !sameBits(got, want) {
				t.Errorf("row %s: %v, expected %v", name, got, want)
			}
			if got := must(m.Raw(scratch, small.rows[0])); !sameBits(got, small.raw[0]) {
				t.Errorf("row %s, back in the smaller model: %v, expected %v", name, got,
					small.raw[0])
			}
		}
	}
}

// wideModel uses more features than a byte can number.
func wideModel(t testing.TB) []byte {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"features_info":{"float_features":[`)
	for i := range 700 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"borders":[0.5],"flat_feature_index":` + itoa(i) + `}`)
	}
	b.WriteString(`]},"oblivious_trees":[{"splits":[{"split_index":699}],"leaf_values":[1,2]}]}`)
	return []byte(b.String())
}

func TestModelIsSharedByGoroutines(t *testing.T) {
	f := fixtureNamed(t, "nan-max")
	m := load(t, f.cbm)
	var wg sync.WaitGroup
	for start := range 4 {
		wg.Go(func() {
			scratch := m.NewScratch()
			for i := range f.rows {
				i = (i + start*250) % len(f.rows)
				if got := must(m.Raw(scratch, f.rows[i])); !sameBits(got, f.raw[i]) {
					t.Errorf("row %d: %v, expected %v", i, got, f.raw[i])
					return
				}
			}
		})
	}
	wg.Wait()
}

// The caller may do with the bytes and the list of features what it likes.
func TestModelKeepsNothingOfTheCaller(t *testing.T) {
	f := fixtureNamed(t, "classification")
	for _, data := range [][]byte{f.cbm, f.json} {
		m := load(t, data)
		clear(data)
		clear(m.Features())
		if got := must(m.Raw(m.NewScratch(), f.rows[0])); !sameBits(got, f.raw[0]) {
			t.Errorf("%s: %v after the bytes were cleared, expected %v", m.Format(), got, f.raw[0])
		}
		if name := m.Features()[0].Name; name != "f00" {
			t.Errorf("%s: name %q", m.Format(), name)
		}
	}
}

func TestLoadFile(t *testing.T) {
	f := fixtureNamed(t, "depth-1")
	folder := t.TempDir()
	good, bad := filepath.Join(folder, "good.cbm"), filepath.Join(folder, "bad.cbm")
	write(t, good, f.cbm)
	write(t, bad, f.cbm[:100])
	m, err := scorer.LoadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(m.Raw(m.NewScratch(), f.rows[0])); !sameBits(got, f.raw[0]) {
		t.Errorf("%v, expected %v", got, f.raw[0])
	}
	big := filepath.Join(folder, "big.cbm")
	write(t, big, nil)
	if err := os.Truncate(big, scorer.MaxFileSize+1); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		bad:                              "cut off",
		folder:                           "not a regular file",
		big:                              "at most",
		filepath.Join(folder, "missing"): "no such file",
	} {
		_, err := scorer.LoadFile(path)
		if err == nil || !strings.Contains(err.Error(), path) ||
			!strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error %v, expected the path and %q", path, err, reason)
		}
	}
}

// endless is a reader that never ends, and counts what was read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestLoadReader(t *testing.T) {
	f := fixtureNamed(t, "depth-1")
	for what, r := range map[string]io.Reader{"at once": bytes.NewReader(f.cbm),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(f.cbm))} {
		m, err := scorer.LoadReader(r)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := must(m.Raw(nil, f.rows[0])); !sameBits(got, f.raw[0]) {
			t.Errorf("%s: %v, expected %v", what, got, f.raw[0])
		}
	}
	if m, err := (scorer.Loader{Iterations: 1}).LoadReader(bytes.NewReader(f.cbm)); err != nil ||
		m.Trees() != 1 {
		t.Errorf("the first iteration: %v", err)
	}
	broken := errors.New("connection reset")
	if _, err := scorer.LoadReader(io.MultiReader(bytes.NewReader(f.cbm),
		iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a reader that fails after the model: error %v", err)
	}
	var format *scorer.FormatError
	if _, err := scorer.LoadReader(bytes.NewReader(f.cbm[:100])); !errors.As(err, &format) {
		t.Errorf("a model that is cut off: error %v", err)
	}
}

// A reader without an end is read up to the limit and refused by it.
func TestLoadReaderIsBounded(t *testing.T) {
	var e endless
	_, err := scorer.LoadReader(&e)
	var format *scorer.FormatError
	if !errors.As(err, &format) || !strings.Contains(err.Error(),
		"at most 268435456 are accepted") {
		t.Errorf("error %v", err)
	}
	if e.read > scorer.MaxFileSize+1 {
		t.Errorf("%d bytes were read", e.read)
	}
}

// Features are found by names that one of them has.
func TestFeatureIndex(t *testing.T) {
	m := load(t, []byte(`{"features_info":{"float_features":[{"feature_id":"rate","flat_feature_index":0},{"feature_id":"age","flat_feature_index":3},
		{"feature_id":"twice","flat_feature_index":4},{"feature_id":"twice","flat_feature_index":5}]},"oblivious_trees":[]}`))
	type found struct {
		at int
		ok bool
	}
	for name, want := range map[string]found{"rate": {0, true}, "age": {3, true}, "1": {1, true},
		"twice": {}, "": {}, "Rate": {}} {
		if at, ok := m.FeatureIndex(name); (found{at, ok}) != want {
			t.Errorf("%q: %d, %v, expected %v", name, at, ok, want)
		}
	}
	s := newSet(t, schemaModel(t, 1, schemaRate), schemaModel(t, 1, schemaRate+","+schemaCountry))
	for name, want := range map[string]found{"rate": {0, true}, "country": {1, true}, "age": {}} {
		if at, ok := s.FeatureIndex(name); (found{at, ok}) != want {
			t.Errorf("%q in a set: %d, %v, expected %v", name, at, ok, want)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Setting categories and scoring allocates nothing, for every kind of statistic, for trees of all
// shapes and several outputs.
func TestCategoriesAllocateNothing(t *testing.T) {
	models, rows := categoricalModels(t)
	agent := []byte(strings.Repeat("agent", 20))
	for _, m := range models {
		scratch, dst := m.NewScratch(), make([]float64, 0, m.Outputs())
		i := 0
		if n := testing.AllocsPerRun(50, func() {
			scratch.SetString(3, "nl")
			scratch.SetBytes(4, agent)
			dst = must(m.AppendPrediction(dst[:0], scratch, rows[i].x))
			must(m.Class(scratch, rows[i].x))
			scratch.SetInt(3, math.MaxInt64)
			scratch.Reset() // categories are numbers then
			must(m.Raw(scratch, rows[i].x))
			i++
		}); n != 0 {
			t.Errorf("%v allocations for each row", n)
		}
	}
}
