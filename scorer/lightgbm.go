package scorer

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// lightgbmMagic is the first line of LightGBM's text format.
const lightgbmMagic = "tree\n"

// lightgbm reads LightGBM's text format, of versions v2 to v4: lines of key=value, first of the model, then of each tree from
// "Tree=0" on, then "end of trees". Of what follows (importances, parameters, the values of pandas categories) the last are
// read, and of the parameters two: see early and categoryColumns.
type lightgbm struct {
	rest        []byte
	b           *binaryTrees
	number      int           // of the tree that is read, for errors
	tellsLinear bool          // trees say whether they are linear, as they do since release 3.2
	thresholds  []*thresholds // of each feature; nil: none
}

// nearZero is the magnitude up to which LightGBM takes a value for zero: it drops such values from its rows before it looks at
// trees. LightGBM compares in float64 with a constant written as float32, which makes no difference to a float32 input.
const nearZero float32 = 1e-35

// fields are the lines of a block by key; a line without "=" has an empty value.
type fields map[string]string

func decodeLightGBM(data []byte) (*binaryTrees, error) {
	d := &lightgbm{rest: data, b: &binaryTrees{format: formatLightGBM, width: 1, linear: map[int]linear{}, truncating: true,
		flushed: nearZero}}
	header, next, err := d.block()
	if err != nil {
		return nil, err
	}
	if err := d.header(header); err != nil {
		return nil, err
	}
	for ; strings.HasPrefix(next, "Tree="); d.number++ {
		if d.number >= maxTrees {
			return nil, beyond(formatLightGBM, maxTrees, "too many trees")
		}
		var tree fields
		if tree, next, err = d.block(); err != nil {
			return nil, err
		}
		_, d.tellsLinear = tree["is_linear"]
		if err := d.tree(tree); err != nil {
			return nil, err
		}
	}
	if next != endOfTrees && !d.endsWithout(header, next) {
		return nil, d.damaged("the file ends before %q", endOfTrees)
	}
	if _, ok := header["average_output"]; ok && d.number > 0 {
		d.b.objective.divisor = float64(d.number / d.b.outputs)
	}
	d.b.perIteration = d.b.outputs
	d.b.warnings = d.coarseFeatures(header)
	d.b.values = d.categories(header)
	if d.number%d.b.outputs != 0 {
		return nil, d.damaged("%d trees are not the same number for each of %d outputs", d.number, d.b.outputs)
	}
	if d.b.objective.link == softplusLink && d.early() {
		d.b.objective.link = earlySoftplusLink
	}
	return d.b, d.b.check()
}

// endOfTrees stands behind the trees, and lightgbmTail are lines that follow it. Early files of version v2 have only those.
const endOfTrees = "end of trees"

var lightgbmTail = []string{endOfTrees, "feature importances:", "feature_importances:", "parameters:"}

// endsWithout says whether a file without the line endOfTrees has all of its trees: they are counted, or something follows.
func (d *lightgbm) endsWithout(header fields, next string) bool {
	if header["version"] != "v2" {
		return false
	}
	if sizes, ok := header["tree_sizes"]; ok {
		return len(strings.Fields(sizes)) == d.number
	}
	return next != ""
}

// early says whether a release before 3.3 wrote the file: 3.2 lacks a parameter that later ones write. A file whose parameters were cut
// off counts as a later one.
func (d *lightgbm) early() bool {
	if !d.tellsLinear {
		return true
	}
	_, parameters, ok := bytes.Cut(d.rest, []byte("\nparameters:"))
	return ok && !bytes.Contains(parameters, []byte("[precise_float_parser:"))
}

func (d *lightgbm) damaged(reason string, args ...any) error {
	return damaged(formatLightGBM, reason, args...)
}

// maxFields is far above the two dozen keys of a block.
const maxFields = 100

// block reads lines up to the one that begins a tree or ends them, and returns that one too.
func (d *lightgbm) block() (fields, string, error) {
	f := fields{}
	for len(d.rest) > 0 {
		line, rest, complete := bytes.Cut(d.rest, []byte("\n"))
		d.rest = rest
		line = bytes.TrimRight(line, "\r")
		if bytes.HasPrefix(line, []byte("Tree=")) || slices.Contains(lightgbmTail, string(line)) {
			return f, string(line), nil
		}
		key, value, _ := bytes.Cut(line, []byte("="))
		if len(line) == 0 {
			continue
		}
		if !complete || len(f) >= maxFields {
			return nil, "", d.damaged("a line of the block before tree %d is cut off, or the block has more than %d lines", d.number, maxFields)
		}
		if _, twice := f[string(key)]; twice {
			return nil, "", d.damaged("%q stands twice in the block before tree %d", clipped(string(key)), d.number)
		}
		f[string(key)] = string(value)
	}
	return f, "", nil
}

// header reads what the file says of the whole model.
func (d *lightgbm) header(f fields) error {
	switch version := f["version"]; version {
	case "v2", "v3", "v4":
	default:
		return d.damaged("version %q, expected v2, v3 or v4", clipped(version))
	}
	classes, err := d.count(f, "num_class", maxOutputs)
	if err != nil {
		return err
	}
	d.b.outputs = classes
	if _, ok := f["num_tree_per_iteration"]; ok {
		if d.b.outputs, err = d.count(f, "num_tree_per_iteration", maxOutputs); err != nil {
			return err
		}
	}
	if d.b.outputs == 0 {
		return d.damaged("no trees in an iteration")
	}
	d.b.base = make([]float64, d.b.outputs)
	last, err := d.count(f, "max_feature_idx", maxFeatures-1)
	if err != nil {
		return err
	}
	if d.b.names = strings.Fields(f["feature_names"]); len(d.b.names) != last+1 {
		return d.damaged("%d feature names for %d features", len(d.b.names), last+1)
	}
	d.thresholds = make([]*thresholds, len(d.b.names))
	d.b.objective, err = lightgbmObjective(f["objective"], d.b.outputs)
	return err
}

// count reads a number from 0 to most.
func (d *lightgbm) count(f fields, key string, most int) (int, error) {
	return countOf(formatLightGBM, f, key, most)
}

// lightgbmAliases are names that releases up to 2.2 wrote.
var lightgbmAliases = map[string]string{"xentropy": "cross_entropy", "xentlambda": "cross_entropy_lambda"}

// lightgbmObjective reads such as "binary sigmoid:1". A model of a custom objective has none, and its sums are its predictions.
func lightgbmObjective(text string, outputs int) (objective, error) {
	words := strings.Fields(text)
	o := objective{slope: 1}
	if len(words) == 0 {
		o.name = "custom"
		return o, nil
	}
	o.name = words[0]
	if name, ok := lightgbmAliases[o.name]; ok {
		o.name = name
	}
	classes := outputs
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, ":")
		var err error
		switch key {
		case "sigmoid":
			o.slope, err = strconv.ParseFloat(value, 64)
		case "num_class":
			classes, err = strconv.Atoi(value)
		case "sqrt":
			o.link = squareLink
		}
		if err != nil || classes != outputs || !(o.slope > 0) {
			return o, damaged(formatLightGBM, "objective %q of a model with %d outputs", clipped(text), outputs)
		}
	}
	switch o.name {
	case "binary", "multiclassova", "cross_entropy":
		o.link = sigmoidLink
	case "multiclass":
		o.link = softmaxLink
	case "poisson", "gamma", "tweedie":
		o.link = expLink
	case "cross_entropy_lambda":
		o.link = softplusLink
	case "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom":
	default:
		return o, unsupported(formatLightGBM, "objective %q", clipped(o.name))
	}
	return o, nil
}
