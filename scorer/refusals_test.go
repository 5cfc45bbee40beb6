package scorer_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// loadError is the error of LoadFile for a file of that content.
func loadError(t *testing.T, content string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := scorer.LoadFile(path)
	return err
}

// Files that people take for models are named, with what to do instead.
func TestFilesThatAreNoModels(t *testing.T) {
	for content, want := range map[string]string{
		"\x1f\x8b\x08\x00\x00\x00":  "compressed with gzip: unpack it",
		"\xef\xbb\xbf{\"learner\":": "byte order mark",
		"PK\x03\x04\x14\x00":        "zip archive",
		"\x80\x04\x95\x80\x30\x00\x00\x00\x00\x00\x00\x8c\x0dcatboost.core\x94": `Python pickle: load it there and write the model itself with save_model("m.cbm") in CatBoost`,
		"\x80\x02cxgboost.sklearn\nXGBClassifier\n":                             "Python pickle",
		"\x08\x03\x12\x08CatBoost\x1a\xd8\x02": "ONNX model: " +
			"write it in the library's own format",
		"<?xml version=\"1.0\"?>\n<PMML version=\"4.3\">":                    "PMML model",
		`{"name": "tree", "version": "v4", "num_class": 1, "tree_info": []}`: `LightGBM's dump_model, which leaves things out: write it with Booster.save_model("m.txt")`,
		"booster[0]:\n0:[f1<-1.3] yes=1,no=2,missing=2\n":                    `XGBoost's dump_model, which leaves things out: write it with save_model("m.json")`,
		"[\n  { \"nodeid\": 0, \"depth\": 0, " +
			"\"split\": \"f1\"": "XGBoost's dump_model",
		"binf\x00\x00\x00\x3f\x03\x00\x00\x00": `XGBoost's old binary format: load it with a release before 3.1 and write it with save_model("m.json")`,
	} {
		err := loadError(t, content)
		if !errors.Is(err, scorer.ErrUnsupported) || !strings.Contains(err.Error(), want) ||
			strings.HasSuffix(err.Error(), "write it again with save_model") {
			t.Errorf("%.20q: %v, expected %q", content, err, want)
		}
	}
	for content, want := range map[string]string{
		"garbage": `starts with "garbage", expected "CBM1"`, "": `starts with ""`, "{}": "not a CatBoost model",
		`{"version":[3,2,0],"learner":{}}`: `write it again with save_model("m.json")`, "tree\nversion=v4\n": `write it again with Booster.save_model("m.txt")`,
	} {
		if err := loadError(t, content); err == nil || errors.Is(err, scorer.ErrUnsupported) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", content, err, want)
		}
	}
}

// A model beyond the limits is not damaged: writing it again would not help.
func TestModelsBeyondTheLimits(t *testing.T) {
	named := `{"features_info":{"float_features":[{"flat_feature_index":0,"feature_id":"` + strings.Repeat("x", 2000) + `"}]},"oblivious_trees":[]}`
	for content, want := range map[string]string{
		named: "the name of feature 0 has 2000 bytes, at most 1024 are accepted",
		strings.Replace(stumpJSON, `"num_class":"0"`, `"num_class":"9999"`, 1):         `num_class is "9999", at most 4096 are accepted`,
		strings.Replace(stumpJSON, `"num_feature":"2"`, `"num_feature":"99999999"`, 1): `num_feature is "99999999", at most 65536 are accepted`,
		"tree\nversion=v4\nnum_class=5000\nmax_feature_idx=0\nfeature_names=a\n":       `num_class is "5000", at most 4096 are accepted`,
		"tree\nversion=v4\nnum_class=1\nmax_feature_idx=70000\nfeature_names=a\n":      `max_feature_idx is "70000", at most 65535 are accepted`,
	} {
		err := loadError(t, content)
		if !errors.Is(err, scorer.ErrUnsupported) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, expected %q and no advice", err, want)
		}
	}
}

// A model that was trained on one label has a base score of 0 or 1. These are the margins of
// XGBoost 3.2.0.
func TestXGBoostOfOneLabel(t *testing.T) {
	for score, want := range map[string]uint32{"[0E0]": 3244100692, "[1E0]": 1096543277} {
		m := load(t, []byte(`{"learner":{"gradient_booster":{"name":"gbtree","model":{"trees":[],"tree_info":[]}},
			"learner_model_param":{"base_score":"`+score+`","num_class":"0","num_feature":"3"},"objective":{"name":"binary:logistic"}},"version":[3,2,0]}`))
		if got := must(m.Raw(nil, padded(m))); got != float64(math.Float32frombits(want)) {
			t.Errorf("base score %s: %v, the library says %v", score, got,
				math.Float32frombits(want))
		}
	}
}

// Early files of version v2 have no line "end of trees". That all trees are there is known from
// their sizes, or from what follows.
func TestEarlyLightGBMFiles(t *testing.T) {
	tree := func(i int) string {
		return fmt.Sprintf("Tree=%d\nnum_leaves=1\nnum_cat=0\nleaf_value=1.5\nshrinkage=1\n\n\n", i)
	}
	header := "tree\nversion=v2\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n" +
		"objective=xentropy\nfeature_names=a\n"
	const tail = "feature importances:\na=3\n\nparameters:\n[boosting: gbdt]\nend of parameters\n"
	for what, c := range map[string]struct {
		file string
		ok   bool
	}{
		"importances follow": {header + "\n" + tree(0) + tree(1) + tail, true},
		"sizes":              {header + "tree_sizes=60 60\n\n" + tree(0) + tree(1), true},
		"sizes, and a tail": {header + "tree_sizes=60 60\n\n" + tree(0) + tree(1) + tail,
			true},
		"a tree too few":        {header + "tree_sizes=60 60 60\n\n" + tree(0) + tree(1), false},
		"nothing tells the end": {header + "\n" + tree(0) + tree(1), false},
		"version v4": {strings.Replace(header, "v2", "v4", 1) + "tree_sizes=60 60\n\n" +
			tree(0) + tree(1) + tail, false},
		"with the line that all": {header + "\n" + tree(0) + tree(1) + "end of trees\n\n" + tail,
			true},
	} {
		m, err := scorer.Load([]byte(c.file))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if c.ok && (m.Trees() != 2 || must(m.Raw(nil, padded(m))) != 3 ||
			m.Objective() != "cross_entropy") {
			t.Errorf("%s: %d trees, %v, %s", what, m.Trees(), must(m.Raw(nil, padded(m))),
				m.Objective())
		}
	}
}

// CatBoost can leave the tables of target statistics out of a file. Such a model answers nothing,
// there or here.
func TestCatBoostWithoutTables(t *testing.T) {
	files := unpack(t, filepath.Join("testdata", "skipped-tables.zip"))
	for name, content := range files {
		if err := loadError(t, string(content)); !errors.Is(err, scorer.ErrUnsupported) ||
			!strings.Contains(err.Error(), "final_ctr_computation_mode=Default, not Skip") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}
