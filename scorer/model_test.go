package scorer_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/scorer"
)

func TestRawAllocatesNothing(t *testing.T) {
	for _, name := range []string{"classification", "mixed-depths", "many-borders", "depth-16"} {
		f := fixtureNamed(t, name)
		m := load(t, f.cbm)
		row := m.NewRow()
		i := 0
		if n := testing.AllocsPerRun(100, func() { m.Raw(row, f.rows[i]); i++ }); n != 0 {
			t.Errorf("%s: %v allocations for each row", name, n)
		}
	}
}

// A row that is too short is a row whose other values are missing; what is beyond the features is ignored.
func TestRowsOfOtherLengths(t *testing.T) {
	for _, f := range fixtures(t) {
		m := load(t, f.cbm)
		row := m.NewRow()
		nan := float32(math.NaN())
		for length := range len(f.rows[0]) + 1 {
			full := append([]float32(nil), f.rows[5]...)
			for i := length; i < len(full); i++ {
				full[i] = nan
			}
			if a, b := m.Raw(row, full[:length]), m.Raw(row, full); !sameBits(a, b) {
				t.Errorf("%s: %d of %d values give %v, with NaN for the rest %v", f.name, length, len(full), a, b)
			}
		}
		longer := append(append([]float32(nil), f.rows[5]...), 1, nan, 2)
		if got := m.Raw(row, longer); !sameBits(got, f.raw[5]) {
			t.Errorf("%s: a longer row gives %v, expected %v", f.name, got, f.raw[5])
		}
	}
}

// One Row may serve models of any size in turn, and need not come from NewRow.
func TestRowsOfOtherModels(t *testing.T) {
	wide := load(t, wideModel(t))
	small := fixtureNamed(t, "classification")
	m := load(t, small.cbm)
	x := make([]float32, len(wide.Features()))
	want := wide.Raw(wide.NewRow(), x)
	for name, row := range map[string]*scorer.Row{"of a smaller model": m.NewRow(), "zero": {}, "nil": nil} {
		for range 2 {
			if got := wide.Raw(row, x); !sameBits(got, want) {
				t.Errorf("row %s: %v, expected %v", name, got, want)
			}
			if got := m.Raw(row, small.rows[0]); !sameBits(got, small.raw[0]) {
				t.Errorf("row %s, back in the smaller model: %v, expected %v", name, got, small.raw[0])
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
			row := m.NewRow()
			for i := range f.rows {
				i = (i + start*250) % len(f.rows)
				if got := m.Raw(row, f.rows[i]); !sameBits(got, f.raw[i]) {
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
		if got := m.Raw(m.NewRow(), f.rows[0]); !sameBits(got, f.raw[0]) {
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
	if got := m.Raw(m.NewRow(), f.rows[0]); !sameBits(got, f.raw[0]) {
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
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error %v, expected the path and %q", path, err, reason)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Setting categories and scoring allocates nothing, for every kind of statistic, for trees of all shapes and several outputs.
func TestCategoriesAllocateNothing(t *testing.T) {
	models, rows := categoricalModels(t)
	agent := []byte(strings.Repeat("agent", 20))
	for _, m := range models {
		row, dst := m.NewRow(), make([]float64, 0, m.Outputs())
		i := 0
		if n := testing.AllocsPerRun(50, func() {
			row.SetString(3, "nl")
			row.SetBytes(4, agent)
			dst = m.AppendPrediction(dst[:0], row, rows[i].x)
			m.Class(row, rows[i].x)
			row.SetInt(3, math.MaxInt64)
			row.Reset() // categories are numbers then
			m.Raw(row, rows[i].x)
			i++
		}); n != 0 {
			t.Errorf("%v allocations for each row", n)
		}
	}
}
