package scorer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// document completes a JSON model of two features (three borders) from its trees and an optional
// end.
func document(trees, end string) string {
	return `{"features_info":{"float_features":[
		{"borders":[0.5,1.5],"flat_feature_index":0,"feature_id":"rate"},
		{"borders":null,"flat_feature_index":1},
		{"borders":[-1],"flat_feature_index":3,"feature_id":""}]},
		"oblivious_trees":` + trees + end + `}`
}

// What older exports leave out or write differently.
func TestJSONVariants(t *testing.T) {
	stump := `[{"leaf_values":[10,20],"splits":[{"split_index":2}]}]`
	for _, c := range []struct {
		what, data string
		want       float64
	}{
		{"no scale, no bias", document(stump, ``), 20},
		{"a bias for each output", document(stump, `,"scale_and_bias":[2,[0.5]]`), 40.5},
		{"a single bias", document(stump, `,"scale_and_bias":[2,0.5]`), 40.5},
		{"no bias", document(stump, `,"scale_and_bias":[2,[]]`), 40},
		{"null scale and bias", document(stump, `,"scale_and_bias":null`), 20},
		{"depth 0, null", document(`[{"leaf_values":[7],"splits":null}]`, ``), 7},
		{"depth 0, empty", document(`[{"leaf_values":[7],"splits":[]}]`, ``), 7},
		{"no trees", document(`[]`, `,"scale_and_bias":[1,[3]]`), 3},
		{"null trees", document(`null`, `,"scale_and_bias":[1,[3]]`), 3},
		{"unknown keys", document(stump, `,"model_info":{"a":[{}]},"ctr_data":null`), 20},
		{"white space", " \n\t" + document(stump, ``) + "\n", 20},
	} {
		m := load(t, []byte(c.data))
		if got := must(m.Raw(m.NewScratch(), []float32{0, 0, 0, 5})); got != c.want {
			t.Errorf("%s: %v, expected %v", c.what, got, c.want)
		}
	}
}

// Positions that the file does not mention are inputs the model ignores.
func TestJSONFeatures(t *testing.T) {
	m := load(t, []byte(document(`[]`, ``)))
	want := []scorer.Feature{{Name: "rate", Borders: 2}, {Name: "1"}, {Name: "2"},
		{Name: "3", Borders: 1}}
	got := m.Features()
	if len(got) != len(want) {
		t.Fatalf("%v, expected %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("feature %d: %v, expected %v", i, got[i], want[i])
		}
	}
}

func TestDamagedJSON(t *testing.T) {
	feature := func(f string) string {
		return `{"features_info":{"float_features":[` + f + `]},"oblivious_trees":[]}`
	}
	for _, c := range []struct{ data, reason string }{
		{`{}`, `no "features_info"`},
		{`{"features_info":{}}`, `one of "oblivious_trees" and "trees"`},
		{document(`[]`, ``) + `{}`, "something follows"},
		{document(`[]`, `,"oblivious_trees":[]`), "twice"},
		{document(`[{"leaf_values":[1,2,3],"splits":[{"split_index":0}]}]`, ``), "3 leaf values, expected 2"},
		{document(`[{"leaf_values":[],"splits":[]}]`, ``), "0 leaf values, expected 1"},
		{document(`[{"leaf_values":[1,2],"splits":[{"split_index":3}]}]`, ``), "refers to condition 3 of 3"},
		{document(`[{"leaf_values":[1,2],"splits":[{"split_index":-1}]}]`, ``), "refers to condition -1"},
		{document(`[{"leaf_values":[1,2],"splits":[{"border":1}]}]`, ``), "no split_index"},
		{document(`[{"leaf_values":[1,2],"splits":[{"split_index":0.5}]}]`, ``), "tree 0"},
		{document(`[{"leaf_values":[1e999],"splits":[]}]`, ``), "tree 0"},
		{document(`[{"splits":[`+strings.Repeat(`{"split_index":0},`, 17)+`{}]}]`, ``), "depth 18"},
		{document(`[{"leaf_values":[1e308]},{"leaf_values":[1e308]}]`, ``), "not finite"},
		{document(`{}`, ``), "expected ["},
		{document(`[]`, `,"scale_and_bias":[1]`), "1 elements"},
		{document(`[]`, `,"scale_and_bias":["a",1]`), "scale"},
		{document(`[]`, `,"scale_and_bias":[1,"a"]`), "bias"},
		{feature(`{"borders":[1]}`), "no flat_feature_index"},
		{feature(`{"borders":[1],"flat_feature_index":-1}`), "flat index -1"},
		{feature(`{"borders":[1],"flat_feature_index":65536}`), "flat index 65536"},
		{feature(`{"flat_feature_index":1},{"flat_feature_index":1}`), "two features"},
		{feature(`{"borders":[2,1],"flat_feature_index":0}`), "border 1 of feature 0"},
		{feature(`{"flat_feature_index":0,"nan_value_treatment":"Never"}`), `"Never"`},
		{`{"features_info":` + strings.Repeat("[", 20000), "expected {"},
		{`{"model_info":` + strings.Repeat("[", 20000), "cannot be decoded"},
	} {
		_, err := scorer.Load([]byte(c.data))
		var format *scorer.FormatError
		if !errors.As(err, &format) || errors.Is(err, scorer.ErrUnsupported) ||
			!strings.Contains(err.Error(), c.reason) {
			t.Errorf("%.80s: error %v, expected %q", c.data, err, c.reason)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	for _, data := range []string{"", "CBM", "CBM1", "CBM2xxxx", "tree\nversion=v4\n",
		"\x1f\x8b\x08", "   "} {
		_, err := scorer.Load([]byte(data))
		var format *scorer.FormatError
		if !errors.As(err, &format) {
			t.Errorf("%q: error %v, expected a FormatError", data, err)
		}
	}
}

func TestUnsupportedJSON(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ features, reason string }{
		{`"text_features":[{"feature_id":"agent"}]`, `text feature "agent" is not supported`},
		{`"embedding_features":[{"feature_id":"` + long + `"}]`, `embedding feature "` + long[:64] + `..." is not`},
		{`"ctrs":[{"ctr_type":"Median"}]`, `target statistics of kind "Median" is not supported`},
	} {
		_, err := scorer.Load([]byte(`{"features_info":{` + c.features + `}}`))
		if !errors.Is(err, scorer.ErrUnsupported) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%.60s: error %v, expected %q", c.features, err, c.reason)
		}
	}
}

// The number of leaf values and of biases tell how many outputs a JSON model has.
func TestJSONOutputs(t *testing.T) {
	two := `[{"leaf_values":[1,2,3,4],"splits":[{"split_index":0}]},{"leaf_values":[10,20]}]`
	m := load(t, []byte(document(two, `,"scale_and_bias":[2,[100,200]]`)))
	scratch := m.NewScratch()
	if m.Outputs() != 2 || must(m.Raw(scratch, padded(m))) != 122 {
		t.Errorf("%d outputs, the first is %v, expected 2 and 122", m.Outputs(),
			must(m.Raw(scratch, padded(m))))
	}
	got := must(m.AppendRaw([]float64{7}, scratch, padded(m, 1)))
	if want := []float64{7, 126, 248}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
	m = load(t, []byte(document(`[]`, `,"scale_and_bias":[1,[3,4]]`)))
	if got := must(m.AppendRaw(nil, nil, padded(m))); !slices.Equal(got, []float64{3, 4}) {
		t.Errorf("without trees: %v", got)
	}
	for _, bad := range []string{
		document(`[{"leaf_values":[1,2]},{"leaf_values":[1]}]`, ``),
		document(`[{"leaf_values":[1,2]}]`, `,"scale_and_bias":[1,[1]]`),
	} {
		if _, err := scorer.Load([]byte(bad)); err == nil {
			t.Errorf("%s loads", bad)
		}
	}
}

func TestNaNModeString(t *testing.T) {
	for mode, want := range map[scorer.NaNMode]string{scorer.NaNLow: "low", scorer.NaNHigh: "high",
		7: "NaNMode(7)"} {
		if got := mode.String(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}
