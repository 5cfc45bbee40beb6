package suites

import (
	"encoding/json"
	"math/rand/v2"
	"os"
)

// syntheticModel writes a CatBoost model, in its JSON form, of oblivious trees of depth 6 over the named features: random splits among 32 borders of
// each feature, random leaves. What a decision costs does not depend on what the trees were trained for.
func syntheticModel(path string, trees int, features []string) error {
	const depth, borders = 6, 32
	r := rand.New(rand.NewPCG(1, 2))
	type split struct {
		Index int    `json:"split_index"`
		Type  string `json:"split_type"`
	}
	type tree struct {
		Leaves []float64 `json:"leaf_values"`
		Splits []split   `json:"splits"`
	}
	type feature struct {
		ID      string    `json:"feature_id"`
		Index   int       `json:"feature_index"`
		Flat    int       `json:"flat_feature_index"`
		Borders []float32 `json:"borders"`
		NaNs    bool      `json:"has_nans"`
		NaN     string    `json:"nan_value_treatment"`
	}
	var model struct {
		Features struct {
			Float []feature `json:"float_features"`
		} `json:"features_info"`
		Trees []tree `json:"oblivious_trees"`
		Scale []any  `json:"scale_and_bias"`
	}
	for i, name := range features {
		f := feature{ID: name, Index: i, Flat: i, NaNs: true, NaN: "AsFalse"}
		for b := range borders {
			f.Borders = append(f.Borders, float32(b)*4+float32(i)/1000)
		}
		model.Features.Float = append(model.Features.Float, f)
	}
	for range trees {
		var t tree
		for range depth {
			t.Splits = append(t.Splits, split{r.IntN(borders * len(features)), "FloatFeature"})
		}
		for range 1 << depth {
			t.Leaves = append(t.Leaves, r.Float64()/100-0.005)
		}
		model.Trees = append(model.Trees, t)
	}
	model.Scale = []any{1, []float64{0}}
	text, err := json.Marshal(model)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
