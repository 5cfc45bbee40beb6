// Package lightgbm decodes LightGBM's text format.
package lightgbm

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Format names the format in errors.
const Format = "lightgbm"

// Magic is the first line of LightGBM's text format.
const Magic = "tree\n"

// decoder reads LightGBM's text format, of versions v2 to v4: lines of key=value, first of the
// model, then of each tree from "Tree=0" on, then "end of trees". Of what follows (importances,
// parameters, the values of pandas categories), the values are read, and two of the parameters: see
// early and categoryColumns.
type decoder struct {
	rest        []byte
	e           *forest.Ensemble
	b           *forest.BinaryTrees // of e
	number      int                 // of the tree that is read, for errors
	tellsLinear bool                // trees have is_linear, as since release 3.2
	thresholds  []*thresholds       // of each feature; nil: none
}

// fields are the lines of a block by key; a line without "=" has an empty value.
type fields map[string]string

// IsModel reports whether the first line is that of the format.
func IsModel(data []byte) bool {
	return bytes.HasPrefix(data, []byte(Magic)) || bytes.HasPrefix(data, []byte("tree\r\n"))
}

// Decode decodes a model.
func Decode(data []byte) (*forest.Ensemble, error) {
	b := &forest.BinaryTrees{Width: 1, Linear: map[int]forest.Linear{}, Truncating: true,
		Flushed: forest.NearZero}
	d := &decoder{rest: data, b: b, e: &forest.Ensemble{Format: Format, Binary: b}}
	header, next, err := d.block()
	if err != nil {
		return nil, err
	}
	if err := d.header(header); err != nil {
		return nil, err
	}
	if next, err = d.trees(next); err != nil {
		return nil, err
	}
	if next != endOfTrees && !d.endsWithout(header, next) {
		return nil, d.damaged("the file ends before %q", endOfTrees)
	}
	if _, ok := header["average_output"]; ok && d.number > 0 {
		d.e.Objective.Divisor = float64(d.number / d.e.Outputs)
	}
	d.e.PerIteration = d.e.Outputs
	d.e.Warnings = d.coarseFeatures(header)
	d.b.Values = d.categories(header)
	if d.number%d.e.Outputs != 0 {
		return nil, d.damaged("%d trees are not the same number for each of %d outputs", d.number,
			d.e.Outputs)
	}
	if d.e.Objective.Link == forest.SoftplusLink && d.early() {
		d.e.Objective.Link = forest.EarlySoftplusLink
	}
	return d.e, d.e.Check()
}

// trees reads the trees. It takes the line that begins the first, and returns the one that follows
// the last.
func (d *decoder) trees(next string) (string, error) {
	for ; strings.HasPrefix(next, "Tree="); d.number++ {
		if d.number >= forest.MaxTrees {
			return next, forest.Beyond(Format, forest.MaxTrees, "too many trees")
		}
		var tree fields
		var err error
		if tree, next, err = d.block(); err != nil {
			return next, err
		}
		_, d.tellsLinear = tree["is_linear"]
		if err := d.tree(tree); err != nil {
			return next, err
		}
	}
	return next, nil
}

// endOfTrees is the line after the trees, and tailLines are all lines that may follow them. Early
// files of version v2 have no endOfTrees.
const endOfTrees = "end of trees"

var tailLines = []string{endOfTrees, "feature importances:", "feature_importances:", "parameters:"}

// endsWithout reports whether a file without the line endOfTrees is complete: its trees are
// counted, or something follows.
func (d *decoder) endsWithout(header fields, next string) bool {
	if header["version"] != "v2" {
		return false
	}
	if sizes, ok := header["tree_sizes"]; ok {
		return len(strings.Fields(sizes)) == d.number
	}
	return next != ""
}

// early reports whether a release before 3.3 wrote the file: it lacks a parameter that later
// releases write. A file without parameters counts as a later one.
func (d *decoder) early() bool {
	if !d.tellsLinear {
		return true
	}
	_, parameters, ok := bytes.Cut(d.rest, []byte("\nparameters:"))
	return ok && !bytes.Contains(parameters, []byte("[precise_float_parser:"))
}

func (d *decoder) damaged(reason string, args ...any) error {
	return forest.Damaged(Format, reason, args...)
}

// maxFields is far above the two dozen keys of a block.
const maxFields = 100

// block reads lines up to the one that begins a tree or ends them, and returns that one too.
func (d *decoder) block() (fields, string, error) {
	f := fields{}
	for len(d.rest) > 0 {
		line, rest, complete := bytes.Cut(d.rest, []byte("\n"))
		d.rest = rest
		line = bytes.TrimRight(line, "\r")
		if bytes.HasPrefix(line, []byte("Tree=")) || slices.Contains(tailLines, string(line)) {
			return f, string(line), nil
		}
		key, value, _ := bytes.Cut(line, []byte("="))
		if len(line) == 0 {
			continue
		}
		if !complete || len(f) >= maxFields {
			return nil, "", d.damaged("a line of the block before tree %d is cut off, or the "+
				"block has more than %d lines", d.number, maxFields)
		}
		if _, twice := f[string(key)]; twice {
			return nil, "", d.damaged("%q occurs twice in the block before tree %d",
				forest.Clipped(string(key)), d.number)
		}
		f[string(key)] = string(value)
	}
	return f, "", nil
}

// header reads the parameters of the whole model.
func (d *decoder) header(f fields) error {
	switch version := f["version"]; version {
	case "v2", "v3", "v4":
	default:
		return d.damaged("version %q, expected v2, v3 or v4", forest.Clipped(version))
	}
	classes, err := d.count(f, "num_class", forest.MaxOutputs)
	if err != nil {
		return err
	}
	d.e.Outputs = classes
	if _, ok := f["num_tree_per_iteration"]; ok {
		if d.e.Outputs, err = d.count(f, "num_tree_per_iteration", forest.MaxOutputs); err != nil {
			return err
		}
	}
	if d.e.Outputs == 0 {
		return d.damaged("no trees in an iteration")
	}
	d.e.Bias = make([]float64, d.e.Outputs)
	last, err := d.count(f, "max_feature_idx", forest.MaxFeatures-1)
	if err != nil {
		return err
	}
	if d.b.Names = strings.Fields(f["feature_names"]); len(d.b.Names) != last+1 {
		return d.damaged("%d feature names for %d features", len(d.b.Names), last+1)
	}
	d.thresholds = make([]*thresholds, len(d.b.Names))
	d.e.Objective, err = parseObjective(f["objective"], d.e.Outputs)
	return err
}

// count reads a number from 0 to most.
func (d *decoder) count(f fields, key string, most int) (int, error) {
	return forest.ParseCount(Format, f, key, most)
}

// aliases are names that releases up to 2.2 wrote.
var aliases = map[string]string{"xentropy": "cross_entropy", "xentlambda": "cross_entropy_lambda"}

// parseObjective parses an objective such as "binary sigmoid:1". A model of a custom objective has
// no such line, and its sums are its predictions.
func parseObjective(text string, outputs int) (forest.Objective, error) {
	words := strings.Fields(text)
	o := forest.Objective{Slope: 1}
	if len(words) == 0 {
		o.Name = "custom"
		return o, nil
	}
	o.Name = words[0]
	if name, ok := aliases[o.Name]; ok {
		o.Name = name
	}
	classes := outputs
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, ":")
		var err error
		switch key {
		case "sigmoid":
			o.Slope, err = strconv.ParseFloat(value, 64)
		case "num_class":
			classes, err = strconv.Atoi(value)
		case "sqrt":
			o.Link = forest.SquareLink
		}
		if err != nil || classes != outputs || !(o.Slope > 0) {
			return o, forest.Damaged(Format, "objective %q of a model with %d outputs",
				forest.Clipped(text), outputs)
		}
	}
	err := setLink(&o)
	return o, err
}

// setLink sets the link of an objective, unless a parameter has set it.
func setLink(o *forest.Objective) error {
	switch o.Name {
	case "binary", "multiclassova", "cross_entropy":
		o.Link = forest.SigmoidLink
	case "multiclass":
		o.Link = forest.SoftmaxLink
	case "poisson", "gamma", "tweedie":
		o.Link = forest.ExpLink
	case "cross_entropy_lambda":
		o.Link = forest.SoftplusLink
	case "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank",
		"rank_xendcg", "custom":
	default:
		return forest.Unsupported(Format, "objective %q", forest.Clipped(o.Name))
	}
	return nil
}
