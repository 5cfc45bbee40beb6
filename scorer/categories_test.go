package scorer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// categoryFixture is a model that a library trained on a data frame with category columns, with
// what the library answered to rows of such: see testdata/make/train_categories.py.
type categoryFixture struct {
	Columns  []string `json:"columns"`
	Category []bool   `json:"category"`
	Rows     []struct {
		Values []any   `json:"values"`
		Unseen bool    `json:"unseen"`
		Raw    float64 `json:"raw"`
		Error  string  `json:"error"`
	} `json:"rows"`

	library, name string
	files         map[string][]byte // by extension
}

func categoryFixtures(t testing.TB) (all []categoryFixture) {
	t.Helper()
	paths, err := filepath.Glob("testdata/categories/*.zip")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		files := unpack(t, path)
		for file, data := range files {
			name, ok := strings.CutSuffix(file, ".rows")
			if !ok {
				continue
			}
			f := categoryFixture{name: strings.TrimSuffix(filepath.Base(path), ".zip") + "/" + name,
				files: map[string][]byte{}}
			f.library, _, _ = strings.Cut(f.name, "-")
			if err := json.Unmarshal(data, &f); err != nil {
				t.Fatal(err)
			}
			for _, extension := range []string{"txt", "json", "ubj"} {
				if model, ok := files[name+"."+extension]; ok {
					f.files[extension] = model
				}
			}
			all = append(all, f)
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d models in testdata/categories, expected at least 20: run "+
			"testdata/make/train_forests.sh categories", len(all))
	}
	return all
}

func categoryFixtureNamed(t testing.TB, name string) categoryFixture {
	t.Helper()
	all := categoryFixtures(t)
	i := slices.IndexFunc(all, func(f categoryFixture) bool { return f.name == name })
	if i < 0 {
		t.Fatalf("no model %s in testdata/categories", name)
	}
	return all[i]
}

// set puts row i into row, categories as texts, and returns the numbers.
func (f *categoryFixture) set(scratch *scorer.Scratch, i int) []float32 {
	scratch.Reset()
	x := make([]float32, len(f.Columns))
	for j, v := range f.Rows[i].Values {
		x[j] = float32(math.NaN())
		switch v := v.(type) {
		case float64:
			x[j] = float32(v)
		case string:
			scratch.SetString(j, v)
		}
	}
	return x
}

func TestCategoriesOfDataFrames(t *testing.T) {
	seen, unseen, missing := 0, 0, 0
	for _, f := range categoryFixtures(t) {
		if strings.HasSuffix(f.name, "/doubt") || strings.HasSuffix(f.name, "/cut") {
			continue
		}
		for extension, data := range f.files {
			t.Run(f.name+"/"+extension, func(t *testing.T) {
				m := load(t, data)
				for kind, scratch := range map[string]*scorer.Scratch{"its own": m.NewScratch(),
					"another": {}} {
					for i, want := range f.Rows {
						x := f.set(scratch, i)
						got, err := m.Raw(scratch, x)
						if want.Unseen && f.library == "xgboost" {
							unseen++
							if !errors.Is(err, scorer.ErrUnseen) || got == got {
								t.Fatalf("%s row %d %v: %v, %v, expected an error", kind, i,
									want.Values, got, err)
							}
							continue
						}
						if err != nil || !sameBits(got, want.Raw) {
							t.Fatalf("%s row %d %q: %v, %v, %s says %v", kind, i, want.Values, got,
								err, f.library, want.Raw)
						}
						seen++
						if slices.Contains(want.Values, nil) {
							missing++
						}
					}
				}
			})
		}
	}
	if seen < 1500 || unseen < 100 || missing < 500 {
		t.Errorf("%d rows, of them %d with missing values, and %d with categories that "+
			"training did not see", seen, missing, unseen)
	}
}

// What the library answers to a category that training did not see is the same, whether it refuses
// the row or not: it takes some for others.
func TestXGBoostTakesUnseenCategoriesForOthers(t *testing.T) {
	refused, taken := 0, 0
	for _, f := range categoryFixtures(t) {
		for _, r := range f.Rows {
			switch {
			case f.library != "xgboost" || !r.Unseen:
				if r.Error != "" {
					t.Errorf("%s: %q", f.name, r.Error)
				}
			case r.Error == "":
				taken++
			default:
				refused++
			}
		}
	}
	if refused == 0 || taken == 0 {
		t.Errorf("the library refuses %d rows and answers to %d: what docs/models.md says of it "+
			"holds no more", refused, taken)
	}
}

// The same categories by their codes, in a set beside a model of other categories, in fast mode and
// explained.
func TestCategoriesByOtherWays(t *testing.T) {
	for _, name := range []string{"lightgbm-4.6.0/several", "xgboost-3.2.0/several"} {
		f := categoryFixtureNamed(t, name)
		few := categoryFixtureNamed(t, map[string]string{"lightgbm": "lightgbm-4.6.0/few",
			"xgboost": "xgboost-3.2.0/dart"}[f.library])
		for extension, data := range f.files {
			m, other := load(t, data), load(t, few.files[extension])
			set := must(scorer.NewSet(other, m))
			at := make([]int, len(f.Columns))
			for j, column := range f.Columns {
				at[j], _ = set.FeatureIndex(column)
			}
			scratch, setRow := m.NewScratch(), set.NewScratch()
			for i, want := range f.Rows {
				if want.Unseen {
					continue
				}
				x := f.set(scratch, i)
				codes, inputs := slices.Clone(x), make([]float32, len(set.Features()))
				setRow.Reset()
				for j, v := range want.Values {
					inputs[at[j]] = x[j]
					if text, ok := v.(string); ok {
						code, ok := m.Category(j, text)
						if codes[j] = float32(code); !ok {
							t.Fatalf("%s: no category %q of %s", name, text, f.Columns[j])
						}
						setRow.SetString(at[j], text)
					}
				}
				if got := must(m.Raw(nil, codes)); !sameBits(got, want.Raw) {
					t.Fatalf("%s, row %d by codes: %v, expected %v", name, i, got, want.Raw)
				}
				if got := must(set.AppendRaw(nil, setRow, inputs)); !sameBits(got[1], want.Raw) {
					t.Fatalf("%s, row %d in a set: %v, expected %v", name, i, got[1], want.Raw)
				}
				if got := must(m.Fast().Raw(scratch, x)); math.Abs(got-want.Raw) > 1e-5 {
					t.Fatalf("%s, row %d in fast mode: %v, expected %v", name, i, got, want.Raw)
				}
				moved, sum, err := m.Explain(nil, scratch, x, 0)
				for _, c := range moved {
					sum += c.Value
				}
				if err != nil || math.Abs(sum-want.Raw) > 1e-4 {
					t.Fatalf("%s, row %d: explained as %v, %v, expected %v", name, i, sum, err,
						want.Raw)
				}
			}
		}
	}
}

// stump is a LightGBM model of one tree that asks whether feature 0 has code 1, with lines of its
// own.
func stump(infos, parameters, pandas string) []byte {
	names := strings.Repeat(" f", strings.Count(infos, " ")+1)
	for i := range strings.Count(infos, " ") + 1 {
		names = strings.Replace(names, " f", fmt.Sprintf(" %c", 'a'+i), 1)
	}
	return []byte("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n" +
		"max_feature_idx=" +
		strconv.Itoa(strings.Count(infos, " ")) + "\nobjective=regression\nfeature_names=" +
		names[1:] + "\nfeature_infos=" + infos +
		"\n\nTree=0\nnum_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold=0\ndecision_type=1\n" +
		"left_child=-1\nright_child=-2\n" +
		"leaf_value=1 -1\nleaf_count=1 1\ncat_boundaries=0 1\ncat_threshold=2\nshrinkage=1\n\n\n" +
		"end of trees\n\nparameters:\n" +
		parameters + "\nend of parameters\n\n" + pandas)
}

// Values of all kinds are found by their texts, and integers also by SetInt.
func TestTextsOfPandasCategories(t *testing.T) {
	for _, c := range []struct {
		list      string
		one, zero []any // values of codes 1 and 0
	}{
		{`["de", "nl"]`, []any{"nl", 1}, []any{"de", 0, "DE", " nl", "", 7}},
		{`[" a\u00e9", "\ud83d\ude00"]`, []any{"😀"}, []any{" aé"}},
		{`[200, 404]`, []any{"404", 404, "404.0", 404.0}, []any{"200", 200, "200.0", 1, 0, "1", "", math.NaN()}},
		{`[0.5, 1.0, 1e-05]`, []any{"1.0", "1", 1, 1.0}, []any{"0.5", 0.5, "1e-05", 1e-5, ".5", "01", 0}},
		{`[-1, -20]`, []any{"-20", -20}, []any{"-1", -1, "20"}},
		{`[false, true]`, []any{"True", "true", 1, "1"}, []any{"False", "false", 0, "0", "TRUE"}},
		{`["true", true]`, []any{"True", 1}, []any{"true", 0, "1.00"}},
		{`[9007199254740993, 9007199254740992]`, []any{"9007199254740992", 9007199254740992}, []any{"9007199254740993", 9007199254740993}},
		{`["x", 7]`, []any{"7", "7.0", 1}, []any{"x", 7, 0}},
	} {
		m := load(t, stump("0:1 [0:2.5]", "[categorical_feature: 0]",
			"pandas_categorical:["+c.list+"]\n"))
		for want, values := range map[float64][]any{1: c.one, -1: c.zero} {
			for _, v := range values {
				scratch := m.NewScratch()
				switch v := v.(type) {
				case string:
					scratch.SetBytes(0, []byte(v))
				case int:
					scratch.SetInt(0, int64(v))
				case float64:
					scratch.SetFloat(0, v)
				}
				if got, err := m.Raw(scratch, nil); err != nil || got != want {
					t.Errorf("%s: %T %v gives %v (%v), expected %v", c.list, v, v, got, err, want)
				}
			}
		}
	}
}

// The lists of values are given to the features of which they can be, and to none where there is a
// doubt.
func TestListsOfPandasCategories(t *testing.T) {
	x, yz, abc, none := `["x"]`, `["y", "z"]`, `["a", "b", "c"]`, []string(nil)
	for _, c := range []struct {
		what, infos, parameters string
		lists                   []string
		want                    [][]string // by feature
	}{
		{"in order", "-1:1:0 [0:1.5] 2:0", "[categorical_feature: 0,2]", []string{yz, abc},
			[][]string{{"y", "z"}, none, {"a", "b", "c"}}},
		{"with one of one value", "-1:1:0 none 2:0", "[categorical_feature: 0,1,2]",
			[]string{yz, x, abc}, [][]string{{"y", "z"}, {"x"}, {"a", "b", "c"}}},
		{"with flags", "1:0 [0:1] [0:1]", "[categorical_feature: 0]", []string{yz},
			[][]string{{"y", "z"}, none, none}},
		{"without parameters", "-1:1:0 [0:1.5] 2:0", "", []string{yz, abc},
			[][]string{{"y", "z"}, none, {"a", "b", "c"}}},
		{"without parameters, of one value", "-1:1:0 none [0:1.5]", "", []string{yz, x},
			[][]string{{"y", "z"}, {"x"}, none}},
		{"without parameters, one of two", "-1:1:0 none none", "", []string{yz, x},
			[][]string{{"y", "z"}, none, none}},
		{"an ordered one", "1:0 [0:2] [0:1.5]", "[categorical_feature: 0]", []string{yz, abc},
			[][]string{{"y", "z"}, {"a", "b", "c"}, none}},
		{"an ordered one of two", "1:0 [0:2] [0:2]", "[categorical_feature: 0]", []string{yz, abc},
			[][]string{{"y", "z"}, none, none}},
		{"a column of integers", "1:0 7:0:1", "[categorical_feature: 0,1]", []string{yz},
			[][]string{{"y", "z"}, none}},
		{"either column", "1:0 0:1", "[categorical_feature: 0,1]", []string{yz},
			[][]string{none, none}},
		{"no column", "5:1 [0:7]", "[categorical_feature: 0]", []string{yz},
			[][]string{none, none}},
		{"more lists than columns", "1:0", "[categorical_feature: 0]", []string{yz, abc},
			[][]string{none}},
		{"a value twice", "1:0 2:0", "[categorical_feature: 0,1]", []string{`["a", "a"]`, abc}, [][]string{none, {"a", "b", "c"}}},
		{"a list in a list", "1:0", "[categorical_feature: 0]", []string{`[["a"], "b"]`}, [][]string{none}},
		{"null", "1:0", "[categorical_feature: 0]", []string{`["a", null]`}, [][]string{none}},
		{"an object", "1:0", "[categorical_feature: 0]", []string{`{}`}, [][]string{none}},
		{"damaged", "1:0", "[categorical_feature: 0]", []string{`["a", "b"`}, [][]string{none}},
		{"no lists", "1:0", "[categorical_feature: 0]", nil, [][]string{none}},
		{"odd parameters", "1:0 [0:1]", "[categorical_feature: name:a,b,-1,99,]", []string{yz},
			[][]string{{"y", "z"}, none}},
	} {
		m := load(t, stump(c.infos, c.parameters, "pandas_categorical:["+strings.Join(c.lists,
			", ")+"]\n"))
		for i, want := range c.want {
			if got := m.Categories(i); !slices.Equal(got, want) {
				t.Errorf("%s: feature %d has %q, expected %q", c.what, i, got, want)
			}
		}
		scratch := m.NewScratch()
		scratch.SetString(0, "z")
		got, err := m.Raw(scratch, nil)
		if known := c.want[0] != nil; known != (err == nil) || known && got != 1 {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
		scratch.SetInt(0, 1)
		if got, err := m.Raw(scratch, nil); err != nil || got != 1 {
			t.Errorf("%s: by its code %v, %v", c.what, got, err)
		}
	}
}

// A value that its feature does not take is an error, in a row of the model as in another, until it
// is set anew.
func TestValuesThatFeaturesDoNotTake(t *testing.T) {
	forest := func(library, version, name, extension string) *scorer.Model {
		for _, f := range forestFixtures(t, library, 90) {
			if f.version == version && f.name == name {
				return load(t, f.files[extension])
			}
		}
		t.Fatalf("no model %s of %s %s", name, library, version)
		return nil
	}
	catboost := load(t, []byte(document(`[{"leaf_values":[10,20],"splits":[{"split_index":0}]}]`, ``)))
	categories := libraryFixtureNamed(t, "catboost-1.2.10", "one-hot")
	doubt := categoryFixtureNamed(t, "lightgbm-4.6.0/doubt")
	cut := categoryFixtureNamed(t, "xgboost-3.2.0/cut")
	xgboost := categoryFixtureNamed(t, "xgboost-3.1.1/several")
	for _, c := range []struct {
		what   string
		model  *scorer.Model
		at     int
		set    func(scratch *scorer.Scratch, at int)
		is     error
		reason string
	}{
		{"a text for a number of CatBoost", catboost, 0, func(r *scorer.Scratch, at int) { r.SetString(at, "3") }, scorer.ErrMismatch, `"rate", to a text: features do not fit: it is numeric (set it by SetFloat)`},
		{"a text for a number of LightGBM", forest("lightgbm", "4.6.0", "categorical", "txt"), 0,
			func(r *scorer.Scratch, at int) {
				r.SetBytes(at, []byte("3"))
			}, scorer.ErrMismatch, "it is numeric"},
		{"a text for a code of LightGBM", forest("lightgbm", "4.6.0", "categorical", "txt"), 4,
			func(r *scorer.Scratch, at int) {
				r.SetString(at, "3")
			}, scorer.ErrMismatch, "pandas_categorical), only codes (set the code of the " +
				"category by SetInt)"},
		{"a text for a code of LightGBM in doubt", load(t, doubt.files["txt"]), 1,
			func(r *scorer.Scratch, at int) {
				r.SetString(at, "nl")
			}, scorer.ErrMismatch, "does not say which of its lists"},
		{"a text for a number of XGBoost", forest("xgboost", "3.2.0", "partition", "ubj"), 0,
			func(r *scorer.Scratch, at int) {
				r.SetString(at, "3")
			}, scorer.ErrMismatch, "it is numeric"},
		{"a text for a code of XGBoost", forest("xgboost", "3.2.0", "partition", "json"), 4,
			func(r *scorer.Scratch, at int) {
				r.SetString(at, "3")
			}, scorer.ErrMismatch, "only codes (XGBoost writes them since 3.1"},
		{"a text that XGBoost cuts", load(t, cut.files["json"]), 1,
			func(r *scorer.Scratch, at int) {
				r.SetString(at, "nl")
			}, scorer.ErrMismatch, "cut in wrong places"},
		{"an unseen text of XGBoost", load(t, xgboost.files["ubj"]), 1, func(r *scorer.Scratch, at int) { r.SetString(at, "xx") }, scorer.ErrUnseen, `"country", to this category`},
		{"an unseen number of XGBoost", load(t, xgboost.files["json"]), 4, func(r *scorer.Scratch, at int) { r.SetInt(at, 250) }, scorer.ErrUnseen, `"status", to this category`},
		{"a fraction for a category of CatBoost", load(t, categories.models["model.cbm"]),
			categories.Categorical[0], func(r *scorer.Scratch,
				at int) {
				r.SetFloat(at, 1.5)
			}, scorer.ErrMismatch, "texts and integers (set it " +
				"by SetString)"},
		{"infinity for a category of CatBoost", load(t, categories.models["model.cbm"]),
			categories.Categorical[0], func(r *scorer.Scratch,
				at int) {
				r.SetFloat(at, math.Inf(1))
			}, scorer.ErrMismatch, "texts and integers"},
	} {
		set := must(scorer.NewSet(c.model))
		for kind, scratch := range map[string]*scorer.Scratch{"its own": c.model.NewScratch(),
			"another": {}, "of a set": set.NewScratch()} {
			for range 2 {
				c.set(scratch, c.at)
			}
			got, err := c.model.Raw(scratch, nil)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.reason) || got == got {
				t.Errorf("%s, row %s: %v, %v, expected %q", c.what, kind, got, err, c.reason)
			}
			if _, _, err := c.model.Explain(nil, scratch, nil, 0); !errors.Is(err, c.is) &&
				!errors.Is(err, scorer.ErrNoWeights) {
				t.Errorf("%s, row %s, explained: %v", c.what, kind, err)
			}
			if all, err := set.AppendRaw(nil, scratch, nil); !errors.Is(err, c.is) ||
				len(all) != 0 {
				t.Errorf("%s, row %s, in a set: %v, %v", c.what, kind, all, err)
			}
			scratch.SetFloat(c.at, math.NaN())
			if _, err := c.model.Raw(scratch, nil); err != nil {
				t.Errorf("%s, row %s, set anew: %v", c.what, kind, err)
			}
			c.set(scratch, c.at)
			scratch.Reset()
			if _, err := c.model.Raw(scratch, make([]float32,
				len(c.model.Features()))); err != nil {
				t.Errorf("%s, row %s, after Reset: %v", c.what, kind, err)
			}
		}
	}
}

// Neither values that are known nor such as are refused cost memory: clients choose them.
func TestValuesOfCategoriesAllocateNothing(t *testing.T) {
	for _, name := range []string{"lightgbm-4.6.0/several", "xgboost-3.1.1/several"} {
		f := categoryFixtureNamed(t, name)
		for _, data := range f.files {
			m := load(t, data)
			scratch, x := m.NewScratch(), make([]float32, len(f.Columns))
			if n := testing.AllocsPerRun(100, func() {
				scratch.SetString(1, "nl")
				scratch.SetInt(4, 404)
				must(m.Raw(scratch, x))
				scratch.SetString(1, "client's own")
				m.Raw(scratch, x)
			}); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	}
}

// Values in a damaged file are refused, or it has none: nothing panics, and the trees are as
// before.
func TestDamagedCategories(t *testing.T) {
	f := categoryFixtureNamed(t, "xgboost-3.2.0/several")
	data := f.files["json"]
	start := bytes.Index(data, []byte(`"cats":`))
	for what, cats := range map[string]string{
		"of fewer features": `{"enc":[{"type":15,"values":[1]}]}`,
		"beyond the bytes":  `{"enc":[{"offsets":[0,3],"values":[65]}]}`,
		"backwards":         `{"enc":[{"offsets":[1,0],"values":[65,66]}]}`,
		"below":             `{"enc":[{"offsets":[-1,1],"values":[65]}]}`,
		"no integers":       `{"enc":[{"type":15,"values":[1.5]}]}`,
		"twice":             `{"enc":[],"enc":[]}`,
		"no object":         `[]`,
	} {
		end := start + bytes.Index(data[start:], []byte(`,"gbtree_model_param"`))
		damaged := slices.Concat(data[:start], []byte(`"cats":`+cats), data[end:])
		var format *scorer.FormatError
		if _, err := scorer.Load(damaged); !errors.As(err, &format) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, f := range categoryFixtures(t) {
		for _, data := range f.files {
			for i := 0; i < len(data); i += 97 {
				changed := slices.Clone(data)
				changed[i] ^= 0x55
				if m, err := scorer.Load(changed); err == nil {
					scratch := m.NewScratch()
					for i := range m.Features() {
						scratch.SetString(i, "nl")
					}
					m.Raw(scratch, nil)
				}
			}
		}
	}
}
