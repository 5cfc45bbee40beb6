package scorer_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// absentFixtures are classifiers for classes that their training rows did not have.
func absentFixtures(t *testing.T) (absent []libraryFixture) {
	t.Helper()
	for _, f := range libraryFixtures(t) {
		if strings.HasPrefix(f.name, "absent-classes") && f.library == "catboost" {
			absent = append(absent, f)
		}
	}
	if len(absent) < 12 {
		t.Fatalf("%d models with absent classes, expected at least 12: run "+
			"testdata/make/catboost.sh", len(absent))
	}
	return absent
}

// Such a class is -Inf for every row, is not the class of a row, and cannot be explained. The
// others can, under their own numbers.
func TestAbsentClasses(t *testing.T) {
	for _, f := range absentFixtures(t) {
		m := load(t, f.models["model.cbm"])
		absent, x := 0, f.rows(t)[0].x
		for k, raw := range must(m.AppendRaw(nil, nil, x)) {
			kept := []scorer.Contribution{{Feature: 7}}
			values, mean, err := m.Explain(kept, nil, x, k)
			if !math.IsInf(raw, -1) {
				if err != nil || math.IsInf(mean, 0) || len(values) < 2 {
					t.Errorf("%s: output %d: %v, %v, %v", f.title(), k, values, mean, err)
				}
				continue
			}
			absent++
			if !errors.Is(err, scorer.ErrAbsentClass) || !slices.Equal(values, kept) ||
				slices.Contains(f.Class, k) {
				t.Errorf("%s: output %d: %v, %v, error %v", f.title(), k, values, mean, err)
			}
			if warnings := m.Warnings(); len(warnings) != 1 ||
				!strings.Contains(warnings[0], fmt.Sprintf("%q", m.Classes()[k])) {
				t.Errorf("%s: warnings %q, expected one about class %q", f.title(), warnings,
					m.Classes()[k])
			}
		}
		if len(m.Classes()) != m.Outputs() || m.Outputs() != f.Outputs || absent < 2 ||
			absent > f.Outputs-3 {
			t.Errorf("%s: %d of %d outputs are absent classes, %q", f.title(), absent, m.Outputs(),
				m.Classes())
		}
	}
}

// A batch, the models of a set and a model of the first iterations have such classes too.
func TestAbsentClassesInBatchesSetsAndFirstIterations(t *testing.T) {
	var models []*scorer.Model
	fixtures := absentFixtures(t)
	for _, f := range fixtures {
		models = append(models, load(t, f.models["model.cbm"]))
	}
	s := newSet(t, models...)
	for i, in := range fixtures[0].rows(t) {
		var raw, prediction []float64
		for _, m := range models {
			raw, prediction = must(m.AppendRaw(raw, nil, in.x)), must(m.AppendPrediction(prediction,
				nil, in.x))
		}
		if got := must(s.AppendRaw(nil, nil, in.x)); !slices.EqualFunc(got, raw, sameBits) {
			t.Fatalf("row %d: raw %v, alone %v", i, got, raw)
		}
		if got := must(s.AppendPrediction(nil, nil, in.x)); !slices.EqualFunc(got, prediction,
			sameBits) {
			t.Fatalf("row %d: %v, alone %v", i, got, prediction)
		}
	}
	for i, f := range fixtures {
		batch := scorer.Batch{Rows: f.Rows, Values: f.floats32(t, "rows.f32")}
		if got := must(models[i].AppendRawBatch(nil, batch)); !slices.EqualFunc(got,
			f.floats64(t, "raw.f64"), sameBits) {
			t.Errorf("%s: a batch has other raw outputs than the library", f.title())
		}
		m, err := scorer.Loader{Iterations: 1}.Load(f.models["model.cbm"])
		if err != nil {
			t.Fatal(err)
		}
		for k, raw := range must(m.AppendRaw(nil, nil, f.rows(t)[0].x)) {
			if math.IsInf(raw, -1) == slices.Contains(f.Seen, k) && f.Seen != nil ||
				math.IsNaN(raw) {
				t.Errorf("%s, first iteration: output %d is %v", f.title(), k, raw)
			}
		}
	}
}

// classModel is a model whose three outputs are 1, 2 and 3.
func classModel(info string) []byte {
	return []byte(`{"model_info":{` + info + `},"features_info":{` + schemaRate + `},"oblivious_trees":[{"leaf_values":[1,2,3]}]}`)
}

// What files say about classes in the ways that the library understands, and the outputs that it
// returns.
func TestClassesOfAFile(t *testing.T) {
	inf := math.Inf(-1)
	multi := `"params":{"loss_function":{"type":"MultiClass"},"data_processing_options":{"class_names":["x","y","z"]}}`
	for params, want := range map[string]struct {
		classes []string
		raw     []float64
	}{
		``:                                   {[]string{"x", "y", "z"}, []float64{1, 2, 3}},
		`"class_params":{"a":1}`:             {nil, []float64{1, 2, 3}},
		`"class_params":7`:                   {nil, []float64{1, 2, 3}}, // passed over
		`"class_params":{"classes_count":3}`: {[]string{"0", "1", "2"}, []float64{1, 2, 3}},
		`"class_params":{"class_names":["a","b","c","d"],"class_to_label":[0,2,3]}`:                                     {[]string{"a", "b", "c", "d"}, []float64{1, inf, 2, 3}},
		`"class_params":{"class_names":["a","b","c","d"],"class_to_label":[3.0,0.0,2]}`:                                 {[]string{"a", "b", "c", "d"}, []float64{2, inf, 3, 1}},
		`"class_params":{"class_names":["a","b","c"],"class_to_label":[2,0,1]}`:                                         {[]string{"a", "b", "c"}, []float64{2, 3, 1}},
		`"class_params":{"class_names":["a","b","c"],"class_to_label":[0,1,2]}`:                                         {[]string{"a", "b", "c"}, []float64{1, 2, 3}},
		`"class_params":{"class_names":[1,2.5,true],"class_to_label":[0,1,2]}`:                                          {[]string{"1", "2.5", "true"}, []float64{1, 2, 3}},
		`"class_params":{"class_names":[],"classes_count":5,"class_to_label":[0,2,4]}`:                                  {[]string{"0", "1", "2", "3", "4"}, []float64{1, inf, 2, inf, 3}},
		`"class_params":{"class_names":["a","b","c"],"classes_count":4,"class_to_label":[0,1,3]}`:                       {nil, []float64{1, 2, inf, 3}},
		`"class_params":{"class_names":[],"classes_count":0,"class_to_label":[7,9,11]}`:                                 {[]string{"7", "9", "11"}, []float64{1, 2, 3}},
		`"multiclass_params":{"class_names":["a","b","c","d"],"class_to_label":[0,2,3]}`:                                {[]string{"a", "b", "c", "d"}, []float64{1, inf, 2, 3}},
		`"multiclass_params":{"classes_count":9},"class_params":{"class_names":["a","b","c"],"class_to_label":[0,1,2]}`: {[]string{"a", "b", "c"}, []float64{1, 2, 3}},
	} {
		if params != "" {
			params += ","
		}
		m := load(t, classModel(params+multi))
		if got := must(m.AppendRaw(nil, nil, []float32{0})); !slices.Equal(m.Classes(),
			want.classes) || !slices.Equal(got, want.raw) {
			t.Errorf("%s: %q, %v, expected %q, %v", params, m.Classes(), got, want.classes,
				want.raw)
		}
	}
}

// A file that does not say which classes its outputs are is damaged: the library does not evaluate
// it either.
func TestClassesThatCannotBe(t *testing.T) {
	const four = `"class_names":["a","b","c","d"],`
	for params, want := range map[string]string{
		four + `"class_to_label":[0,2]`:                  "2 numbers of classes for 3 outputs",
		four + `"class_to_label":[0,2,3,1]`:              "4 numbers of classes for 3 outputs",
		`"class_names":["a","b","c","d"]`:                "0 numbers of classes for 3 outputs",
		four + `"class_to_label":[0,2,4]`:                `has "4", expected each`,
		four + `"class_to_label":[0,2,2]`:                `has "2", expected each`,
		four + `"class_to_label":[0,-1,2]`:               `has "-1", expected each`,
		four + `"class_to_label":[0,1.5,2]`:              `has "1.5", expected each`,
		four + `"class_to_label":[0,1e300,2]`:            `has "1e300", expected each`,
		four + `"class_to_label":["a","b","c"]`:          `has "\"a\"", expected each`,
		`"classes_count":-1`:                             "classes_count is -1",
		`"classes_count":4097,"class_to_label":[0,1,2]`:  "4097 classes, at most 4096 are accepted",
		`"classes_count":1000000000,"class_to_label":[]`: "1000000000 classes, at most 4096 are accepted",
	} {
		expectReason(t, classModel(`"class_params":{`+params+`}`), want)
	}
}

// A small file may ask for many values of many leaves.
func TestManyAbsentClassesOfManyLeaves(t *testing.T) {
	model := func(depth int) []byte {
		return []byte(`{"model_info":{"class_params":{"classes_count":4096,"class_to_label":[1,7]}},"features_info":{` + schemaRate +
			`},"oblivious_trees":[{"leaf_values":[` + strings.Repeat("0,", 2<<depth-1) + `1],"splits":[` +
			strings.Repeat(`{"split_index":0},`, depth-1) + `{"split_index":0}]}]}`)
	}
	if m := load(t, model(10)); m.Outputs() != 4096 {
		t.Errorf("%d outputs", m.Outputs())
	}
	expectReason(t, model(11), "8388608 leaf values for 4096 classes, at most 4194304 are accepted")
}
