package scorer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// thresholdsModel is a LightGBM model of stumps that compare feature a with the thresholds, and b
// with 0.5.
func thresholdsModel(info string, thresholds ...float64) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\n"+
		"objective=binary\nfeature_names=a b\nfeature_infos=%s [0:1]\n\n", info)
	stump := func(i, feature int, threshold float64) {
		fmt.Fprintf(&b, "Tree=%d\nnum_leaves=2\nnum_cat=0\nsplit_feature=%d\nthreshold=%s\n"+
			"decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 1\n"+
			"leaf_count=1 1\nis_linear=0\n"+
			"shrinkage=1\n\n\n", i, feature, strconv.FormatFloat(threshold, 'g', 17, 64))
	}
	for i, threshold := range thresholds {
		stump(i, 0, threshold)
	}
	stump(len(thresholds), 1, 0.5)
	b.WriteString("end of trees\n")
	return []byte(b.String())
}

// LightGBM compares float64. Where float32 is too coarse for a feature's thresholds, the model says
// so by the feature's name.
func TestThresholdsThatFloat32IsTooCoarseFor(t *testing.T) {
	spread := func(from, to float64, n int) (all []float64) {
		for i := range n {
			all = append(all, from+(to-from)*(float64(i)+0.5)/float64(n))
		}
		return all
	}
	for what, c := range map[string]struct {
		info       string
		thresholds []float64
		warned     bool
	}{
		"seconds since 1970, of a day": {"[1.7e+09:1.7000864e+09]",
			spread(1.7e9, 1.7000864e9, 100), true},
		"the same, the range is not known": {"none", spread(1.7e9, 1.7000864e9, 100), true},
		"the same, one threshold": {"[1.7e+09:1.7000864e+09]", []float64{1.70004e9},
			true},
		"of a year": {"[1.7e+09:1.7315e+09]", spread(1.7e9, 1.7315e9, 250),
			true},
		"none between two thresholds": {"[0:1]", []float64{0.1, 0.1 + 1e-12}, true},
		"ordinary numbers":            {"[-3:3]", spread(-3, 3, 255), false},
		"large numbers from zero on":  {"[0:1e+12]", spread(0, 1e12, 1023), false},
		"small integers":              {"[0:5]", []float64{0.5, 1.5, 2.5, 3.5, 4.5}, false},
		"beside zero": {"[-1:1]", []float64{-1.0000000180025095e-35,
			1.0000000180025095e-35}, false},
		"one threshold, range is not known": {"none", []float64{1.7e9}, false},
		"a range that is none":              {"[1:", spread(0, 1, 10), false},
	} {
		m := load(t, thresholdsModel(c.info, c.thresholds...))
		warnings := m.Warnings()
		if (len(warnings) > 0) != c.warned || len(warnings) > 1 || c.warned && !strings.HasPrefix(warnings[0], `feature "a": LightGBM compares float64`) {
			t.Errorf("%s: %q", what, warnings)
		}
	}
}

// Of the models that the libraries trained for these tests only the one of values beside each other
// is warned of.
func TestOrdinaryModelsHaveNoWarnings(t *testing.T) {
	for _, library := range []string{"lightgbm", "xgboost"} {
		for _, f := range forestFixtures(t, library, 90) {
			for extension, data := range f.files {
				if warnings := load(t, data).Warnings(); (len(warnings) > 0) != (library == "lightgbm" && f.name == "neighbours") {
					t.Errorf("%s %s/%s.%s: %q", library, f.version, f.name, extension, warnings)
				}
			}
		}
	}
}
