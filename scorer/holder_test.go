package scorer_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// schemaModel answers with a constant; its features are rate, country and, as far as asked for, others.
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
		schemaRate:                       "", // it does not look at the country
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
		case reason != "" && (!errors.Is(err, scorer.ErrMismatch) || err.Error() != reason || h.Model() != before):
			t.Errorf("%s: error %v, expected %q", features, err, reason)
		}
		h = scorer.Holder{}
		if err := h.Replace(first); err != nil {
			t.Fatal(err)
		}
	}
	two := load(t, []byte(`{"features_info":{`+schemaRate+`},"oblivious_trees":[{"leaf_values":[1,2]}]}`))
	if err := h.Replace(two); err == nil || err.Error() != "features do not fit: the model has 2 outputs, expected 1" {
		t.Errorf("two outputs: %v", err)
	}
}

// Readers see one model or the other while models are replaced, and a Row serves both.
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
			row := h.Model().NewRow()
			for {
				if got := h.Model().Raw(row, nil); got != 1 && got != 2 {
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
