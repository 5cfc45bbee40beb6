package scorer_test

import (
	"math"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// Values set in a row take the place of those in the slice, until Reset; what is out of range is
// ignored.
func TestValuesSetInARow(t *testing.T) {
	m := load(t, []byte(document(`[{"leaf_values":[10,20],"splits":[{"split_index":0}]}]`, ``))) // rate > 0.5
	scratch := m.NewScratch()
	for _, c := range []struct {
		what string
		set  func()
		want float64
	}{
		{"nothing", func() {}, 10},
		{"a number", func() { scratch.SetFloat(0, 0.75) }, 20},
		{"nothing new", func() {}, 20},
		{"a number on the border once it is rounded", func() { scratch.SetFloat(0, 0.5+1e-12) },
			10},
		{"an integer", func() { scratch.SetInt(0, 3) }, 20},
		{"missing", func() { scratch.SetFloat(0, math.NaN()) }, 10},
		{"another position", func() { scratch.Reset(); scratch.SetFloat(2, 1) }, 10},
		{"beyond the features", func() {
			scratch.SetInt(700, 1)
			scratch.SetInt(-1,
				1)
			scratch.SetInt(1<<30, 1)
		}, 10},
	} {
		c.set()
		if got := must(m.Raw(scratch, padded(m, 0.25))); got != c.want {
			t.Errorf("%s: %v, expected %v", c.what, got, c.want)
		}
	}
	scratch.SetFloat(0, 1)
	scratch.Reset()
	if got := must(m.Raw(scratch, padded(m, 0.25))); got != 10 {
		t.Errorf("after Reset: %v", got)
	}
}

func TestSettingAllocatesNothing(t *testing.T) {
	m := load(t, []byte(document(`[{"leaf_values":[10,20],"splits":[{"split_index":2}]}]`, ``)))
	scratch := m.NewScratch()
	x := padded(m, 0, 0)
	agent := []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	var got float64
	if n := testing.AllocsPerRun(100, func() {
		scratch.Reset()
		scratch.SetBytes(1, agent) // no tree compares it
		scratch.SetString(1, "nl")
		scratch.SetInt(2, math.MinInt64)
		scratch.SetFloat(3, 5)
		got = must(m.Raw(scratch, x))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got != 20 {
		t.Errorf("%v, expected 20", got)
	}
}

func TestFeatureKindString(t *testing.T) {
	for kind, want := range map[scorer.FeatureKind]string{
		scorer.Numeric: "numeric", scorer.Categorical: "categorical", 9: "FeatureKind(9)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}
