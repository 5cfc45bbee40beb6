// Package xgboost decodes XGBoost's models, in JSON and in UBJ.
package xgboost

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Names of the formats, for errors.
const (
	formatJSON = "xgboost-json"
	formatUBJ  = "xgboost-ubj"
)

// maxParameters is far above the number of parameters of a file.
const maxParameters = 100

// decoder reads XGBoost's JSON and UBJ models, which have the same content: trees and the
// parameters of the learner, in any order. Everything is float32.
type decoder struct {
	document
	e          *forest.Ensemble
	b          *forest.BinaryTrees // of e
	seen       map[string]bool     // keys that were read, by path
	parameters map[string]string
	booster    string
	best       string            // number of the best iteration, by early stopping
	boosting   map[string]string // parameters of the booster
	classes    []int32           // output of each tree
	weights    []float32         // of each tree in a dart model
	cats       categoryLists
}

// IsJSON reports whether the first key is one of XGBoost's, not CatBoost's.
func IsJSON(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte("{"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return ok && (bytes.HasPrefix(rest, []byte(`"learner"`)) ||
		bytes.HasPrefix(rest, []byte(`"version"`)))
}

// DecodeUBJ decodes a model in UBJ.
func DecodeUBJ(data []byte) (*forest.Ensemble, error) { return decode(newUBJ(data)) }

// DecodeJSON decodes a model in JSON.
func DecodeJSON(data []byte) (*forest.Ensemble, error) { return decode(newJSONDocument(data)) }

func decode(doc document) (*forest.Ensemble, error) {
	b := &forest.BinaryTrees{Width: 1, Single: true}
	d := &decoder{
		document:   doc,
		b:          b,
		e:          &forest.Ensemble{Format: doc.format(), Binary: b},
		seen:       map[string]bool{},
		parameters: map[string]string{},
		boosting:   map[string]string{},
	}
	if err := d.members("", map[string]func() error{"learner": d.learner}); err != nil {
		return nil, err
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	if err := d.assemble(); err != nil {
		return nil, err
	}
	return d.e, d.e.Check()
}

// members reads an object: each key by its function; other keys are skipped.
func (d *decoder) members(path string, read map[string]func() error) error {
	return d.object(func(key string) error {
		f, ok := read[key]
		if !ok {
			return d.skip()
		}
		if full := path + key; d.seen[full] {
			return forest.Damaged(d.format(), "%q occurs twice in the file", full)
		} else if path != treePath { // there are many trees
			d.seen[full] = true
		}
		return f()
	})
}

func (d *decoder) learner() error {
	return d.members("learner.", map[string]func() error{
		"feature_names":       d.names,
		"gradient_booster":    d.gradientBooster,
		"learner_model_param": func() error { return d.texts(d.parameters) },
		"attributes": func() error {
			return d.members("attributes.", map[string]func() error{"best_iteration": into(d.text,
				&d.best)})
		},
		"objective": func() error {
			return d.members("objective.", map[string]func() error{"name": into(d.text,
				&d.e.Objective.Name)})
		},
	})
}

// into returns a function that reads a value into a variable.
func into[T any](read func() (T, error), place *T) func() error {
	return func() (err error) {
		*place, err = read()
		return err
	}
}

func (d *decoder) names() error {
	return d.array(func(int) error {
		name, err := d.text()
		if len(d.b.Names) >= forest.MaxFeatures {
			return forest.Beyond(d.format(), forest.MaxFeatures, "too many features")
		}
		d.b.Names = append(d.b.Names, name)
		return err
	})
}

// texts reads an object of texts, which is how XGBoost writes numbers.
func (d *decoder) texts(parameters map[string]string) error {
	return d.object(func(key string) error {
		text, err := d.text()
		if len(parameters) < maxParameters {
			parameters[key] = text
		}
		return err
	})
}

// gradientBooster reads the trees. A dart model has them one level deeper.
func (d *decoder) gradientBooster() error {
	model := func() error {
		return d.members("model.", map[string]func() error{
			"trees":              func() error { return d.array(d.tree) },
			"tree_info":          into(d.integers, &d.classes),
			"weight_drop":        into(d.floats, &d.weights),
			"gbtree_model_param": func() error { return d.texts(d.boosting) },
			"cats":               d.categories,
		})
	}
	return d.members("gradient_booster.", map[string]func() error{
		"name":        into(d.text, &d.booster),
		"model":       model,
		"weight_drop": into(d.floats, &d.weights),
		"gbtree": func() error {
			return d.members("gbtree.", map[string]func() error{"model": model})
		},
	})
}

// assemble combines the parts of the file.
func (d *decoder) assemble() error {
	if d.booster != "gbtree" && d.booster != "dart" {
		if d.booster == "" {
			return forest.Damaged(d.format(),
				"no gradient_booster.name: not an XGBoost model of trees")
		}
		return forest.Unsupported(d.format(), "booster %q", forest.Clipped(d.booster))
	}
	if !d.seen["model.trees"] {
		return forest.Damaged(d.format(), "no trees")
	}
	if err := d.features(); err != nil {
		return err
	}
	if err := d.setCategories(); err != nil {
		return err
	}
	if err := d.outputs(); err != nil {
		return err
	}
	if d.b.Width > 1 { // tree_info is 0 then
		clear(d.classes)
	}
	for i := range d.b.Trees {
		d.b.Trees[i].Output = d.classes[i]
	}
	if err := d.weigh(); err != nil {
		return err
	}
	if err := d.iterations(); err != nil {
		return err
	}
	return d.setObjective()
}

// iterations determines how many trees an iteration has, and the best iteration, which files count
// from 0.
func (d *decoder) iterations() error {
	parallel := 1
	if _, ok := d.boosting["num_parallel_tree"]; ok {
		var err error
		if parallel, err = forest.ParseCount(d.format(), d.boosting, "num_parallel_tree",
			forest.MaxTrees); err != nil {
			return err
		}
	}
	d.e.PerIteration = max(1, parallel)
	if d.b.Width == 1 {
		d.e.PerIteration *= d.e.Outputs
	}
	// attributes are free text
	if best, err := strconv.Atoi(d.best); err == nil && best >= 0 && best < forest.MaxTrees {
		d.e.Best = best + 1
	}
	return nil
}

// count reads a parameter of the learner that is a number.
func (d *decoder) count(key string, most int) (int, error) {
	return forest.ParseCount(d.format(), d.parameters, key, most)
}

// features makes sure that there is a name, maybe empty, for each feature.
func (d *decoder) features() error {
	n, err := d.count("num_feature", forest.MaxFeatures)
	if err != nil {
		return err
	}
	if len(d.b.Names) == 0 {
		d.b.Names = make([]string, n)
	}
	if len(d.b.Names) != n {
		return forest.Damaged(d.format(), "%d feature names for %d features", len(d.b.Names), n)
	}
	return nil
}

// outputs determines the number of outputs: classes or targets.
func (d *decoder) outputs() error {
	classes, err := d.count("num_class", forest.MaxOutputs)
	if err != nil {
		return err
	}
	targets := 1 // releases before 1.6 do not write it
	if _, ok := d.parameters["num_target"]; ok {
		if targets, err = d.count("num_target", forest.MaxOutputs); err != nil {
			return err
		}
	}
	d.e.Outputs = max(1, classes, targets)
	if len(d.classes) != len(d.b.Trees) {
		return forest.Damaged(d.format(), "tree_info has %d trees, the model has %d",
			len(d.classes), len(d.b.Trees))
	}
	return nil
}

// weigh multiplies the leaves of a dart model by the weights of their trees. XGBoost multiplies for
// every row, in float32.
func (d *decoder) weigh() error {
	if len(d.weights) == 0 {
		return nil
	}
	if len(d.weights) != len(d.b.Trees) {
		return forest.Damaged(d.format(), "weight_drop has %d weights for %d trees", len(d.weights),
			len(d.b.Trees))
	}
	if d.b.Width > 1 {
		return forest.Unsupported(d.format(), "a dart model with vectors in its leaves")
	}
	weigh := func(tree int, child int32) {
		if child < 0 && int64(^child) < int64(len(d.e.Leaves)) {
			leaf := &d.e.Leaves[^child]
			*leaf = float64(float32(*leaf) * d.weights[tree])
		}
	}
	for i := range d.b.Trees {
		t := &d.b.Trees[i]
		if t.Count == 0 {
			weigh(i, t.Root)
		}
		for j := t.First; j < t.First+t.Count; j++ {
			weigh(i, d.b.Splits[j].Left)
			weigh(i, d.b.Splits[j].Right)
		}
	}
	return nil
}

// setObjective sets the link, and converts the base score, which is a prediction in files, to a
// sum.
func (d *decoder) setObjective() error {
	o := &d.e.Objective
	o.Single, o.Slope = true, 1
	margin := func(v float32) float32 { return v }
	switch name := o.Name; name {
	case "binary:logistic", "reg:logistic":
		o.Link = forest.SigmoidLink
		margin = logit32
	case "multi:softprob", "multi:softmax":
		o.Link = forest.SoftmaxLink
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		o.Link = forest.ExpLink
		margin = log32
	case "binary:hinge":
		o.Link = forest.StepLink
	case "binary:logitraw", "reg:squarederror", "reg:linear", "reg:squaredlogerror",
		"reg:pseudohubererror", "reg:absoluteerror",
		"reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map":
	default:
		return forest.Unsupported(d.format(), "objective %q", forest.Clipped(name))
	}
	scores, err := d.baseScores()
	if err != nil {
		return err
	}
	d.e.Bias = make([]float64, d.e.Outputs)
	for i := range d.e.Bias {
		d.e.Bias[i] = float64(margin(scores[i%len(scores)]))
	}
	return nil
}

// logit32 returns the log-odds of a probability. XGBoost moves 0 and 1, the base scores of models
// trained on one label only, by 1e-6.
func logit32(p float32) float32 {
	const least = 1e-6
	if p >= 0 && p <= 1 {
		p = min(max(p, least), 1-least)
	}
	return -log32(1/p - 1)
}

// log32 returns the natural logarithm rounded to float32.
func log32(v float32) float32 { return float32(math.Log(float64(v))) }

// baseScores reads "5E-1" or, since version 3.1, "[5E-1]" with a value for each output.
func (d *decoder) baseScores() ([]float32, error) {
	text := d.parameters["base_score"]
	words := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ",")
	var scores []float32
	for _, word := range words {
		v, err := strconv.ParseFloat(word, 32)
		if err != nil {
			return nil, forest.Damaged(d.format(),
				"base_score is %q, expected a number or a list of them", forest.Clipped(text))
		}
		scores = append(scores, float32(v))
	}
	if len(scores) != 1 && len(scores) != d.e.Outputs {
		return nil, forest.Damaged(d.format(), "%d base scores for %d outputs", len(scores),
			d.e.Outputs)
	}
	return slices.Clip(scores), nil
}
