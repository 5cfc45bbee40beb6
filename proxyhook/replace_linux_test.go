package proxyhook_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// A model with other inputs takes the place of one: the decisions that begin afterwards are those
// of a filter that was made with it.
func TestReplaceModel(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{})
	for i, document := range []string{turnedModel, randomModel(3, 50, featureNames(defaultModel(t))), testModel, constantModel(0)} {
		m := loadModel(t, document)
		must(t, f.ReplaceModel(m))
		if got := f.Features(); !slices.Equal(got, featureNames(m)) {
			t.Errorf("features are %q, expected %q", got, featureNames(m))
		}
		for tens := range 5 {
			ev := visit(1, tens)
			ev.Time = now.UnixNano()
			if d, want := f.Decide(&ev), offline(t, h, m, &ev); d.Score != want || d.Reason != proxyhook.Scored {
				t.Errorf("model %d: %+v, offline %d", i, d, want)
			}
		}
		if s := f.Stats(); s.ModelsReplaced != uint64(i+1) || s.ModelsRefused != 0 || s.NoFeatures != 0 || len(s.Unknown) != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// While models, their shadow and the daemon's files are replaced all the time, every decision has
// the score of one of the models, for features that are whole; and one that begins after a
// replacement has the new model's.
func TestReplaceUnderLoad(t *testing.T) {
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{})
	awaitKnown(t, f)
	expected := func(client, tens int, score uint8) bool {
		if client == 1 {
			return score == knownBot || score == turnedKnown
		}
		return score == modelScore[tens] || score == turnedScoreOf[tens]
	}
	stop := make(chan struct{})
	var decided atomic.Uint64
	var deciders sync.WaitGroup
	for client := range 4 {
		deciders.Go(func() {
			for tens := 0; ; tens = (tens + 1) % 5 {
				select {
				case <-stop:
					return
				default:
				}
				ev := visit(client, tens)
				if d := f.Decide(&ev); d.Reason != proxyhook.Scored || !expected(client, tens, d.Score) {
					t.Errorf("client %d, %d bytes of query: %+v", client, 10*tens, d)
					return
				}
				decided.Add(1)
			}
		})
	}
	shadows := []*scorer.Model{nil, loadModel(t, turnedModel), loadModel(t, randomModel(5, 10, featureNames(defaultModel(t)))), defaultModel(t)}
	active := []*scorer.Model{loadModel(t, turnedModel), loadModel(t, testModel)}
	scores := [][5]uint8{turnedScoreOf, modelScore}
	for n := 0; n < 200 || decided.Load() < 20_000 && !t.Failed(); n++ {
		must(t, f.ReplaceModel(active[n%2]))
		if ev := visit(5, n%5); f.Decide(&ev).Score != scores[n%2][n%5] {
			t.Errorf("replacement %d: %d, expected %d", n, ev.Score, scores[n%2][n%5])
		}
		must(t, f.ReplaceShadow(shadows[n%len(shadows)]))
		if n%20 == 0 && !raceEnabled { // a replaced file looks like a race to the detector: see TestPublisherIsKilled
			h.publish(time.Now(), visits(10, time.Now())...)
			proxyhook.Maintain(f)
		}
	}
	close(stop)
	deciders.Wait()
	s := f.Stats()
	if s.Faults != 0 || s.ModelsRefused != 0 || s.Shadow.Judged == 0 || s.Shadow.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// Which models a filter rejects, why, and that the current model stays active.
func TestRefusedModels(t *testing.T) {
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{})
	awaitKnown(t, f)
	several := `{"features_info":{"float_features":[{"flat_feature_index":0,"feature_id":"ip/requests_1m","borders":[1]}]},
		"oblivious_trees":[{"leaf_values":[0,0,1,1],"splits":[{"split_index":0}]}],"scale_and_bias":[1,[0,0]]}`
	refused := uint64(0)
	for what, c := range map[string]struct{ document, reason string }{
		"request feature": {constantModel(0, "ip/requests_1m", "request/of_the_future"), `"request/of_the_future"`},
		"feature":         {lateModel, `"ip/of_the_future"`},
		"dimension":       {constantModel(0, "orbit/requests_1m"), `"orbit/requests_1m"`},
		"no feature":      {constantModel(0, "request"), `"request"`},
		"two of them":     {constantModel(0, "b", "a"), `"b" is neither one that this release knows nor one that the daemon publishes (2 such)`},
		"long name":       {constantModel(0, strings.Repeat("x", 1000)), `"` + strings.Repeat("x", 100) + `"`},
		"outputs":         {several, "2 outputs, expected 1"},
		"regression":      {trainedFor(`"params":{"loss_function":{"type":"RMSE"}}`), `trained for "RMSE", which has no class probability`},
		"other class": {trainedFor(`"params":{"loss_function":{"type":"Logloss"}},"class_params":{"class_names":[1,0]}`),
			`the model predicts the class "0", and bots are the class "1"`},
		"categories": {categoryModel("[200, 404]"), `feature 0, "request/method", is a category with values such as "200", which trees know by codes`},
		"texts":      {categoryModel(`["GET", "POST"]`), `values such as "GET"`},
	} {
		m := loadModel(t, c.document)
		for name, replace := range map[string]func(*scorer.Model) error{"model": f.ReplaceModel, "shadow": f.ReplaceShadow} {
			refused++
			err := replace(m)
			if !errors.Is(err, scorer.ErrMismatch) || !strings.HasPrefix(err.Error(), "proxyhook: ") || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%s as a %s: %v, expected %s", what, name, err, c.reason)
			}
			if d, s := decide(f), f.Stats(); d.Score != knownBot || s.ModelsReplaced != 0 || s.ModelsRefused != refused || s.Shadow.Model {
				t.Errorf("%s: %+v, %+v", what, d, s)
			}
		}
	}
	if err := f.ReplaceModel(nil); err == nil || f.Stats().ModelsRefused != refused+1 {
		t.Errorf("no model: %v", err)
	}
	if err := f.ReplaceShadow(nil); err != nil || f.Stats().ModelsRefused != refused+1 {
		t.Errorf("no shadow: %v", err)
	}
}

// categoryModel returns a LightGBM model that tests for the category of code 1 of a data frame with
// these values.
func categoryModel(values string) string {
	return "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=binary sigmoid:1\nfeature_names=request/method\n" +
		"feature_infos=0:1\n\nTree=0\nnum_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold=0\ndecision_type=1\nleft_child=-1\nright_child=-2\n" +
		"leaf_value=1 -1\ncat_boundaries=0 1\ncat_threshold=2\n\nend of trees\n\npandas_categorical:[" + values + "]\n"
}

// A category of numbers that are their codes may be given as a number.
func TestCategoriesThatAreTheirCodes(t *testing.T) {
	f := newHost(t).filter(proxyhook.Config{})
	must(t, f.ReplaceModel(loadModel(t, categoryModel("[0, 1]"))))
}

// trainedFor is a model of a constant whose file says what it was trained for.
func trainedFor(info string) string {
	return `{"model_info":{` + info + `},"features_info":{"float_features":[{"flat_feature_index":0,"feature_id":"ip/requests_1m","borders":[1]}]},
		"oblivious_trees":[{"leaf_values":[0,1],"splits":[{"split_index":0}]}]}`
}

// A filter may be configured with the class of bots. It then accepts only models of that class,
// from the first one on.
func TestClassOfBots(t *testing.T) {
	bots := trainedFor(`"params":{"loss_function":{"type":"Logloss"}},"class_params":{"class_names":["person","bot"]}`)
	people := trainedFor(`"params":{"loss_function":{"type":"Logloss"}},"class_params":{"class_names":["bot","person"]}`)
	path := filepath.Join(t.TempDir(), "model.json")
	must(t, os.WriteFile(path, []byte(people), 0o600))
	if _, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), ModelFile: path, BotClass: "bot"}); !errors.Is(err, scorer.ErrMismatch) {
		t.Errorf("a model of people: %v", err)
	}
	must(t, os.WriteFile(path, []byte(bots), 0o600))
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ModelFile: path, BotClass: "bot"})
	if err := f.ReplaceModel(loadModel(t, people)); !errors.Is(err, scorer.ErrMismatch) {
		t.Errorf("a model of people: %v", err)
	}
	must(t, f.ReplaceModel(loadModel(t, bots)))
}

// The score is that of the library's probability, also where its sigmoid has another slope.
func TestScoreHeedsTheSigmoid(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir()})
	must(t, f.ReplaceModel(loadModel(t, "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=binary sigmoid:0.25\n"+
		"feature_names=ip/requests_1m\nfeature_infos=none\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=4\nis_linear=0\nshrinkage=1\n\n\nend of trees\n")))
	if d := decide(f); d.Score != constantScore(1) { // 0.25 times 4
		t.Errorf("score %d, expected %d", d.Score, constantScore(1))
	}
}

// A feature that is of no consequence may have any name.
func TestUnusedFeatureNeedsNoName(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir()})
	must(t, f.ReplaceModel(loadModel(t, `{"features_info":{"float_features":[
		{"flat_feature_index":0,"feature_id":"id","borders":[]},{"flat_feature_index":1,"feature_id":"ip/requests_1m","borders":[1]}]},
		"oblivious_trees":[{"leaf_values":[1,2],"splits":[{"split_index":0}]}]}`)))
	if d := decide(f); d.Score != constantScore(1) {
		t.Errorf("%+v", d)
	}
}

// futureDaemon publishes a feature that this release does not know.
func (h *host) futureDaemon() {
	h.t.Helper()
	h.stopPublisher()
	schema := featurestore.Schema{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{{Name: "of_the_future"}, {Name: "requests_1m"}}}}}
	p, err := featurestore.OpenPublisher(h.dir.Features(), schema, featurestore.PublisherConfig{Capacity: []int{1}})
	must(h.t, err)
	h.t.Cleanup(func() { p.Close() })
	ev := visit(1, 0)
	must(h.t, p.Put(0, traffic.NewKeys(&ev, p.Seed())[traffic.DimIP], time.Now().UnixNano(), []float32{1, 10}))
	must(h.t, p.Publish(time.Now().UnixNano()))
}

// A daemon of a later release publishes what its models need.
func TestFeatureThatOnlyTheDaemonKnows(t *testing.T) {
	h := newHost(t)
	h.futureDaemon()
	f := h.filter(proxyhook.Config{})
	awaitKnown(t, f)
	must(t, f.ReplaceModel(loadModel(t, lateModel)))
	if d, s := decide(f), f.Stats(); d.Score != lateScore || len(s.Unknown) != 0 {
		t.Errorf("%+v, %+v", d, s)
	}
}

// A model and a shadow that take a feature for a number and for a category cannot be read together.
func TestModelAndShadowContradict(t *testing.T) {
	const categorical = `{"features_info":{"categorical_features":[
		{"flat_feature_index":0,"feature_index":0,"feature_id":"request/query_length","values":[1]}]},
		"oblivious_trees":[{"leaf_values":[1,2],"splits":[{"split_index":0,"split_type":"OneHotFeature","cat_feature_index":0,"value":1}]}]}`
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir()})
	err := f.ReplaceShadow(loadModel(t, categorical))
	if !errors.Is(err, scorer.ErrMismatch) || !strings.Contains(err.Error(), `"request/query_length" is categorical`) {
		t.Error(err)
	}
	if d, s := decide(f), f.Stats(); d != unknownClient || s.Shadow.Model || s.ModelsRefused != 1 {
		t.Errorf("%+v, %+v", d, s)
	}
}

// After Close models may come and go; there are no features.
func TestReplaceAfterClose(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	f := h.filter(proxyhook.Config{})
	must(t, f.Close())
	must(t, f.ReplaceModel(loadModel(t, turnedModel)))
	if d := decide(f); d.Score != turnedScoreOf[0] || f.Stats().NoFeatures != 1 {
		t.Errorf("%+v, %+v", d, f.Stats())
	}
}
