package explain_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/app/explain"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

func builtIn(t *testing.T) (*scorer.Model, *explain.Explainer) {
	t.Helper()
	m, err := scorer.Load(models.Default())
	if err != nil {
		t.Fatal(err)
	}
	e, err := explain.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return m, e
}

// The base and all shares are the raw output, and so are the base and the reasons: nothing is left
// out or counted twice.
func TestSharesAddUp(t *testing.T) {
	m, e := builtIn(t)
	draw := rand.New(rand.NewPCG(1, 2))
	inputs := make([]float32, len(m.Features()))
	for range 200 {
		for i := range inputs {
			inputs[i] = float32(draw.IntN(3)) * float32(draw.ExpFloat64())
			if draw.IntN(4) == 0 {
				inputs[i] = nan
			}
		}
		x, err := e.Explain(inputs)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := m.Raw(nil, inputs)
		if err != nil || x.Raw != raw || int(x.Score) != scorer.Score(m.Probability(raw)) {
			t.Fatalf("raw %v and score %d, want %v, %v", x.Raw, x.Score, raw, err)
		}
		features, reasons, told := x.Base, x.Base, make(map[string]bool)
		for _, f := range x.Features {
			features += f.Share
		}
		for i, r := range x.Reasons {
			reasons += r.Share
			if i > 0 && math.Abs(r.Share) > math.Abs(x.Reasons[i-1].Share) || r.Words == "" || r.IsForBot() != (r.Share > 0) {
				t.Errorf("reason %d: %+v", i, r)
			}
			for _, name := range r.Features {
				if told[name] {
					t.Errorf("%s is in two reasons", name)
				}
				told[name] = true
			}
		}
		if math.Abs(features-raw) > 1e-9 || math.Abs(reasons-raw) > 1e-9 {
			t.Errorf("features add up to %v, reasons to %v, the raw output is %v", features, reasons, raw)
		}
		if len(x.Features) != len(inputs) {
			t.Errorf("%d features, want %d", len(x.Features), len(inputs))
		}
	}
}

// Features with the same topic are one reason, in the words of the feature that counts most.
func TestReasonsJoinFeatures(t *testing.T) {
	_, e := builtIn(t)
	names, values := []string{"request/method", "request/path_kind", "request/referer", "ip/requests_10s", "ip/requests_1m", "ip/acceleration_10s",
		"ip/no_referer_share_10m", "ip/client_error_share_10m", "ip/distinct_agents_10m"}, []float32{1, 3, 0, 300, 1800, 1, 1, 1, 1}
	x, err := e.Explain(e.Inputs(names, values))
	if err != nil {
		t.Fatal(err)
	}
	find := func(feature string) explain.Reason {
		at := slices.IndexFunc(x.Reasons, func(r explain.Reason) bool { return slices.Contains(r.Features, feature) })
		if at < 0 {
			t.Fatalf("%s is in none of %+v", feature, x.Reasons)
		}
		return x.Reasons[at]
	}
	if r := find("ip/requests_10s"); !slices.Contains(r.Features, "ip/requests_1m") || r.Words != "the address made 300 requests in 10 s" {
		t.Errorf("requests: %+v", r)
	}
	if r := find("ip_ua/requests_10s"); !strings.HasPrefix(r.Words, "nothing is known of ") || !slices.Contains(r.Features, "ip_ua/gap_min") {
		t.Errorf("what is absent: %+v", r)
	}
	if r := find("ip/gap_variation"); !strings.HasPrefix(r.Words, "what is not known of the request") {
		t.Errorf("what is not known: %+v", r)
	}
}

func TestStrength(t *testing.T) {
	for share, want := range map[float64]string{0: "slightly", 0.4: "slightly", -0.6: "clearly", 1.3: "clearly", 1.4: "strongly", -7: "strongly"} {
		if got := explain.Strength(share); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}

// New returns an error for a model that cannot be explained.
func TestModelsThatCannotBeExplained(t *testing.T) {
	strange, err := scorer.Load(tree("f0", "f1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := explain.New(strange); !errors.Is(err, explain.ErrNoKnownFeature) || !strings.Contains(err.Error(), `"f0"`) {
		t.Errorf("a model of other features: %v", err)
	}
	weightless, err := scorer.LoadFile(filepath.Join("..", "..", "..", "featurestore", "pipeline", "testdata", "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := explain.New(weightless); !errors.Is(err, scorer.ErrNoWeights) {
		t.Errorf("a model without weights: %v", err)
	}
}

// A model of a later release is explained by the features that this release has.
func TestFeaturesOfAnotherRelease(t *testing.T) {
	m, err := scorer.Load(tree("ip/of_a_later_release", "ip/requests_1m"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := explain.New(m)
	if err != nil {
		t.Fatal(err)
	}
	x, err := e.Explain(e.Inputs([]string{"ip/requests_1m"}, []float32{90}))
	if err != nil {
		t.Fatal(err)
	}
	if known := e.Known(); !slices.Equal(known, []string{"ip/requests_1m"}) {
		t.Errorf("%q are known", known)
	}
	var words []string
	for _, r := range x.Reasons {
		words = append(words, r.Words)
	}
	slices.Sort(words)
	if want := []string{"the address made 90 requests in 1 min", "what is not known of the request: features of another release"}; !slices.Equal(words, want) {
		t.Errorf("%q, want %q", words, want)
	}
}

// tree returns a model of one tree over two features, each of which is compared with 1.
func tree(first, second string) []byte {
	return []byte(`{"features_info":{"float_features":[{"flat_feature_index":0,"feature_id":"` + first + `","borders":[1]},
{"flat_feature_index":1,"feature_id":"` + second + `","borders":[1]}]},"scale_and_bias":[1,[0]],
"oblivious_trees":[{"splits":[{"split_index":0},{"split_index":1}],"leaf_values":[-2,-1,1,3],"leaf_weights":[4,3,2,1]}],
"model_info":{"params":{"loss_function":{"type":"Logloss"}}}}`)
}
