package proxyhook_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

func loadModel(t testing.TB, document string) *scorer.Model {
	t.Helper()
	m, err := scorer.Load([]byte(document))
	must(t, err)
	return m
}

func defaultModel(t testing.TB) *scorer.Model {
	t.Helper()
	m, err := scorer.Load(models.Default())
	must(t, err)
	return m
}

func featureNames(m *scorer.Model) (names []string) {
	for _, f := range m.Features() {
		names = append(names, f.Name)
	}
	return names
}

// randomModel writes a CatBoost model of symmetric trees of depth 6: random splits among borders of
// the named features, random leaves.
func randomModel(seed uint64, trees int, names []string) string {
	const depth, borders = 6, 24
	random := rand.New(rand.NewPCG(seed, 1))
	type object = map[string]any
	var features, forest []object
	for i, name := range names {
		var all []float32
		for range borders {
			all = append(all, float32(random.IntN(400))/4)
		}
		slices.Sort(all)
		features = append(features, object{"flat_feature_index": i, "feature_index": i, "feature_id": name,
			"borders": slices.Compact(all), "has_nans": true, "nan_value_treatment": "AsFalse"})
	}
	count := 0
	for _, f := range features {
		count += len(f["borders"].([]float32))
	}
	for range trees {
		var splits []object
		for range depth {
			splits = append(splits, object{"split_index": random.IntN(count), "split_type": "FloatFeature"})
		}
		leaves := make([]float64, 1<<depth)
		for i := range leaves {
			leaves[i] = random.NormFloat64() / 8
		}
		forest = append(forest, object{"splits": splits, "leaf_values": leaves})
	}
	text, err := json.Marshal(object{"features_info": object{"float_features": features}, "oblivious_trees": forest,
		"scale_and_bias": []any{1, []float64{0}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// constantModel returns a model that scores every request about the same, higher with the bias, and
// uses the named features.
func constantModel(bias float64, names ...string) string {
	var features, trees []string
	for i, name := range names {
		features = append(features, fmt.Sprintf(`{"flat_feature_index":%d,"feature_id":%q,"borders":[0.5]}`, i, name))
		trees = append(trees, fmt.Sprintf(`{"leaf_values":[0,0],"splits":[{"split_index":%d}]}`, i))
	}
	return fmt.Sprintf(`{"features_info":{"float_features":[%s]},"oblivious_trees":[%s],"scale_and_bias":[1,[%v]]}`,
		strings.Join(features, ","), strings.Join(trees, ","), bias)
}

// lateModel is for a daemon of the future; its score is lateScore.
var (
	lateModel = constantModel(-3, "ip/requests_1m", "ip/of_the_future")
	lateScore = constantScore(-3)
)

func constantScore(bias float64) uint8 { return uint8(scorer.Score(scorer.Probability(bias))) }

// turnedModel scores the inputs of testModel, in another order and with one more, into other
// scores: see turnedScoreOf.
const turnedModel = `{"features_info":{"float_features":[
	{"flat_feature_index":0,"feature_id":"ip/distinct_agents_10m","borders":[1000]},
	{"flat_feature_index":1,"feature_id":"ip/requests_1m","borders":[5.5]},
	{"flat_feature_index":2,"feature_id":"request/headers","borders":[50]},
	{"flat_feature_index":3,"feature_id":"request/query_length","borders":[9.5,19.5,29.5,39.5]}]},
	"oblivious_trees":[
	{"leaf_values":[0,5],"splits":[{"split_index":0}]},
	{"leaf_values":[0,-9],"splits":[{"split_index":1}]},
	{"leaf_values":[0,5],"splits":[{"split_index":2}]},
	{"leaf_values":[0,-1],"splits":[{"split_index":3}]},
	{"leaf_values":[0,-1],"splits":[{"split_index":4}]},
	{"leaf_values":[0,-1],"splits":[{"split_index":5}]},
	{"leaf_values":[0,-1],"splits":[{"split_index":6}]}],
	"scale_and_bias":[1,[0.5]]}`

// turnedScoreOf is turnedModel's score for tens of bytes of query, from a client about whom nothing
// is known; turnedKnown is that for a client that was seen often.
var turnedScoreOf = func() (scores [5]uint8) {
	for tens := range scores {
		scores[tens] = constantScore(0.5 - float64(tens))
	}
	return scores
}()

const turnedKnown = 99

// infiniteText is a LightGBM model whose only tree is linear: infinite requests of the last hour
// give infinity minus infinity.
const infiniteText = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=ip/requests_1h ip/requests_1m
feature_infos=none none

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=10
left_child=-1
right_child=-2
leaf_value=1 2
is_linear=1
leaf_const=10 20
num_features=2 2
leaf_features=0 1 0 1
leaf_coeff=1 -1 1 -1
shrinkage=1

end of trees
`
