package scorer_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// schemaModel answers with a constant; its features are rate, country and, as far as asked for,
// others.
func schemaModel(t testing.TB, answer int, features string) *scorer.Model {
	t.Helper()
	return load(t, fmt.Appendf(nil, `{"features_info":{%s},"oblivious_trees":[{"leaf_values":[%d]}]}`, features, answer))
}

const (
	schemaRate    = `"float_features":[{"feature_id":"rate","flat_feature_index":0,"borders":[1]}]`
	schemaCountry = `"categorical_features":[{"feature_id":"country","flat_feature_index":1,"values":[1]}]`
)

func TestHolderKeepsWhatFits(t *testing.T) {
	var h scorer.Holder
	if h.Model() != nil {
		t.Error("the zero Holder has a model")
	}
	first := schemaModel(t, 1, schemaRate+","+schemaCountry)
	if err := h.Replace(first); err != nil {
		t.Fatal(err)
	}
	for features, reason := range map[string]string{
		schemaRate + "," + schemaCountry: "",
		schemaRate:                       `features do not fit: the model does not have feature 1, "country"`,
		schemaRate + `,"categorical_features":[{"feature_id":"agent","flat_feature_index":1}]`:                      `features do not fit: feature 1 is "agent", expected "country"`,
		`"float_features":[{"feature_id":"rate","flat_feature_index":1,"borders":[1]}]`:                             `features do not fit: feature 0 is "0", expected "rate"`,
		`"categorical_features":[{"feature_id":"rate","flat_feature_index":0,"values":[1]}]`:                        `features do not fit: feature 0, "rate", is categorical, expected numeric`,
		schemaCountry + `,"float_features":[{"feature_id":"rate","flat_feature_index":0},{"flat_feature_index":2}]`: `features do not fit: feature 2, "2", is beyond the 2 that are known`,
	} {
		before := h.Model()
		next := schemaModel(t, 2, features)
		err := h.Replace(next)
		switch {
		case reason == "" && (err != nil || h.Model() != next):
			t.Errorf("%s: %v", features, err)
		case reason != "" && (!errors.Is(err, scorer.ErrMismatch) || err.Error() != reason ||
			h.Model() != before):
			t.Errorf("%s: error %v, expected %q", features, err, reason)
		}
		h = scorer.Holder{}
		if err := h.Replace(first); err != nil {
			t.Fatal(err)
		}
	}
	two := load(t, []byte(`{"features_info":{`+schemaRate+`},"oblivious_trees":[{"leaf_values":[1,2]}]}`))
	if err := h.Replace(two); err == nil ||
		err.Error() != "features do not fit: the model has 2 outputs, expected 1" {
		t.Errorf("two outputs: %v", err)
	}
}

// A model whose output means something else is refused: a regression in the place of a classifier,
// and a classifier whose classes are the other way round.
func TestHolderKeepsTheMeaning(t *testing.T) {
	classifier := func(classes string) string {
		return `"params":{"loss_function":{"type":"Logloss"}},"class_params":{"class_names":` + classes + `}`
	}
	regression := `"params":{"loss_function":{"type":"RMSE"}}`
	model := func(info string) *scorer.Model {
		return load(t, []byte(`{"model_info":{`+info+`},"features_info":{`+schemaRate+`},"oblivious_trees":[{"leaf_values":[1]}]}`))
	}
	for _, c := range []struct{ first, second, reason string }{
		{classifier(`[0,1]`), classifier(`[0,1]`), ""},
		{classifier(`[0,1]`), classifier(`["0","1.0"]`), ""},
		{classifier(`[0,1]`), classifier(`[1,0]`), `features do not fit: the model predicts the class "0", expected "1"`},
		{classifier(`["human","bot"]`), classifier(`["bot","human"]`), `features do not fit: the model predicts the class "human", expected "bot"`},
		{classifier(`[0,1]`), regression, `features do not fit: the model was trained for "RMSE", expected "Logloss"`},
		{regression, classifier(`[0,1]`), `features do not fit: the model was trained for "Logloss", expected "RMSE"`},
		{regression, regression, ""},
		{classifier(`[0,1]`), "", ""}, // says nothing of itself: log-odds
	} {
		var h scorer.Holder
		if err := h.Replace(model(c.first)); err != nil {
			t.Fatal(err)
		}
		before := h.Model()
		err := h.Replace(model(c.second))
		if c.reason == "" && err != nil || c.reason != "" &&
			(!errors.Is(err, scorer.ErrMismatch) || err.Error() != c.reason ||
				h.Model() != before) {
			t.Errorf("%s after %s: error %v, expected %q", c.second, c.first, err, c.reason)
		}
	}
	var h scorer.Holder
	if err := h.Replace(nil); !errors.Is(err, scorer.ErrMismatch) {
		t.Errorf("no model: %v", err)
	}
}

// The probability of a model with a positive class is the library's prediction, whatever its
// sigmoid and however its trees are summed.
func TestProbabilityIsThePrediction(t *testing.T) {
	compared := map[string]bool{}
	for _, library := range []string{"lightgbm", "xgboost"} {
		for _, f := range forestFixtures(t, library, 90) {
			for extension, data := range f.files {
				m := load(t, data)
				// whose prediction is the raw output
				if _, ok := m.PositiveClass(); !ok || f.name == "logitraw" {
					continue
				}
				compared[f.name] = true
				for i, x := range f.rows {
					if got, want := m.Probability(must(m.Raw(nil, x))), f.out[i]; !near(got, want,
						library == "xgboost") {
						t.Fatalf("%s %s/%s.%s, row %d: %v, the library says %v", library, f.version,
							f.name, extension, i, got, want)
					}
				}
			}
		}
	}
	for _, name := range []string{"binary", "binary-sigmoid", "random-forest-binary", "logistic",
		"reg-logistic"} {
		if !compared[name] {
			t.Errorf("%s was not compared", name)
		}
	}
}

// Which models predict the probability of a class, and of which.
func TestPositiveClass(t *testing.T) {
	want := map[string]bool{"binary": true, "cross-entropy": true, "logistic": true,
		"logitraw": true, "squarederror": false, "hinge": false,
		"poisson": false, "softprob": false, "multiclass": false, "cross-entropy-lambda": false, "lambdarank": false, "rank": false, "l1": false}
	seen := map[string]bool{}
	for _, library := range []string{"lightgbm", "xgboost"} {
		for _, f := range forestFixtures(t, library, 90) {
			expected, listed := want[f.name]
			if !listed {
				continue
			}
			seen[f.name] = true
			for _, data := range f.files {
				if class, ok := load(t, data).PositiveClass(); ok != expected || ok &&
					class != "1" {
					t.Errorf("%s %s: %q, %v", library, f.name, class, ok)
				}
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("only %v are among the fixtures", seen)
	}
}

// Readers see one model or the other while models are replaced, and a Scratch works with both.
func TestHolderIsReplacedUnderReaders(t *testing.T) {
	var h scorer.Holder
	models := []*scorer.Model{schemaModel(t, 1, schemaRate), schemaModel(t, 2, schemaRate)}
	if err := h.Replace(models[0]); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			scratch := h.Model().NewScratch()
			for {
				if got := must(h.Model().Raw(scratch, []float32{0})); got != 1 && got != 2 {
					t.Errorf("%v", got)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 1000 {
		if err := h.Replace(models[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
}
