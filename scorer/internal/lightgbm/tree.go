package lightgbm

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// treeBlock is the block of one tree, read column by column; the columns of the splits are equally
// long.
type treeBlock struct {
	leaves     int
	features   []int32
	thresholds []float64
	decisions  []int32
	left       []int32
	right      []int32
	boundaries []int32  // first word of each set, and the end of the last
	words      []uint32 // sets of categories as bits
	hasSplit   []bool   // sets that belong to a split
}

// Bits of a decision.
const (
	decisionCategorical = 1
	decisionDefaultLeft = 2
	decisionMissing     = 2 // shift to the kind of missing values: 0 none, 1 zero, 2 NaN
)

// tree reads a tree and appends it to the ensemble.
func (d *decoder) tree(f fields) error {
	var t treeBlock
	var err error
	if t.leaves, err = d.count(f, "num_leaves", forest.MaxTreeNodes+1); err != nil {
		return err
	}
	first := len(d.e.Leaves)
	if err := d.leaves(f, t.leaves, first); err != nil {
		return err
	}
	tree := forest.BinaryTree{First: int32(len(d.b.Splits)), Output: int32(d.number % d.e.Outputs)}
	switch {
	case t.leaves == 0:
		return d.damaged("tree %d has no leaves", d.number)
	case t.leaves == 1:
		tree.Root = int32(^first)
		// it has all rows; LightGBM 2 does not write how many
		d.e.Weights.Counts = append(d.e.Weights.Counts, 1)
	default:
		if err := d.columns(&t, f); err != nil {
			return err
		}
		if err := d.counts(t.leaves, f); err != nil {
			return err
		}
		tree.Count = int32(t.leaves - 1)
		for i := range t.leaves - 1 {
			if err := d.split(&t, i, first); err != nil {
				return err
			}
		}
	}
	d.b.Trees = append(d.b.Trees, tree)
	return nil
}

// leaves reads the values of a tree's leaves.
func (d *decoder) leaves(f fields, count, first int) error {
	values, err := readNumbers(d, f, "leaf_value", count, parseFloat)
	if err != nil {
		return err
	}
	d.e.Leaves = append(d.e.Leaves, values...)
	for number := range values {
		d.b.Numbers = append(d.b.Numbers, int32(number))
	}
	if f["is_linear"] == "1" {
		return d.linear(f, count, first)
	}
	return nil
}

// counts reads the number of training rows of each leaf, if the file has it. LightGBM's own
// explanations use it and internal_count, which is the sum of it, but not leaf_weight.
func (d *decoder) counts(leaves int, f fields) error {
	if _, ok := f["leaf_count"]; !ok {
		return nil
	}
	counts, err := readNumbers(d, f, "leaf_count", leaves, parseInt)
	d.e.Weights.Counts = append(d.e.Weights.Counts, counts...)
	return err
}

// columns reads the columns of the splits.
func (d *decoder) columns(t *treeBlock, f fields) (err error) {
	splits := t.leaves - 1
	read := func(key string, n int) (values []int32) {
		if err == nil {
			values, err = readNumbers(d, f, key, n, parseInt)
		}
		return values
	}
	t.features = read("split_feature", splits)
	t.left = read("left_child", splits)
	t.right = read("right_child", splits)
	if _, ok := f["decision_type"]; ok {
		t.decisions = read("decision_type", splits)
	} else {
		t.decisions = make([]int32, splits)
	}
	sets, counted := d.count(f, "num_cat", splits)
	if counted != nil {
		return counted
	}
	if sets > 0 {
		t.boundaries = read("cat_boundaries", sets+1)
	}
	if err != nil {
		return err
	}
	if t.thresholds, err = readNumbers(d, f, "threshold", splits, parseFloat); err != nil ||
		sets == 0 {
		return err
	}
	if !slices.IsSorted(t.boundaries) || t.boundaries[0] < 0 {
		return d.damaged("cat_boundaries of tree %d are not ascending", d.number)
	}
	t.hasSplit = make([]bool, sets)
	t.words, err = readNumbers(d, f, "cat_threshold", int(t.boundaries[sets]), parseWord)
	return err
}

// split translates a split and appends it to the ensemble.
func (d *decoder) split(t *treeBlock, i, firstLeaf int) error {
	s := forest.BinarySplit{
		Feature: t.features[i],
		Left:    childNumber(t.left[i], t.leaves, firstLeaf),
		Right:   childNumber(t.right[i], t.leaves, firstLeaf),
	}
	decision := t.decisions[i]
	if decision&decisionCategorical != 0 {
		start := len(d.b.Categories)
		if err := d.set(t, i); err != nil {
			return err
		}
		s.Kind, s.Missing = forest.InSetLeft, forest.MissingRight
		s.Set = [2]int32{int32(start), int32(len(d.b.Categories))}
		d.b.Splits = append(d.b.Splits, s)
		return nil
	}
	var known bool
	if s.Missing, known = missingRule(decision); !known {
		return d.damaged("decision type %d of split %d of tree %d is not known", decision, i,
			d.number)
	}
	border, ok := lastBelow(t.thresholds[i])
	if !ok {
		return d.damaged("threshold %d of tree %d is NaN", i, d.number)
	}
	s.Border = forest.OrderKey(border)
	if s.Feature >= 0 && int(s.Feature) < len(d.thresholds) { // checked later
		d.addThreshold(s.Feature, t.thresholds[i])
	}
	d.b.Splits = append(d.b.Splits, s)
	return nil
}

// missingRule returns where a numeric decision sends missing values.
func missingRule(decision int32) (rule forest.MissingRule, ok bool) {
	left := decision&decisionDefaultLeft != 0
	switch kind := decision >> decisionMissing; {
	case kind == 0:
		return forest.MissingAsZero, true
	case kind == 1 && left:
		return forest.MissingZeroLeft, true
	case kind == 1:
		return forest.MissingZeroRight, true
	case kind == 2 && left:
		return forest.MissingLeft, true
	case kind == 2:
		return forest.MissingRight, true
	}
	return 0, false
}

// lastBelow returns the largest float32 that is not above the threshold: a float32 is at most the
// threshold exactly if it is at most that value.
func lastBelow(threshold float64) (float32, bool) {
	f := float32(threshold)
	if float64(f) > threshold {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f, threshold == threshold
}

// childNumber converts a leaf of the tree to a leaf of the ensemble; a leaf that the tree does not
// have becomes an invalid one.
func childNumber(child int32, leaves, first int) int32 {
	if child >= 0 {
		return child
	}
	if int(^child) >= leaves {
		return math.MinInt32
	}
	return ^(^child + int32(first))
}

// set turns the bits of a categorical split's set, which the threshold numbers, into categories.
func (d *decoder) set(t *treeBlock, split int) error {
	number := t.thresholds[split]
	if !(number >= 0 && number < float64(len(t.hasSplit))) || t.hasSplit[int(number)] {
		return d.damaged("split %d of tree %d refers to set %v of %d, or to that of another", split,
			d.number, number, len(t.hasSplit))
	}
	set := int(number)
	t.hasSplit[set] = true // a set belongs to one split: else a small file could take much memory
	start, end := t.boundaries[set], t.boundaries[set+1]
	if end-start > forest.MaxCategory/32 {
		return d.damaged("set %d of tree %d has categories above %d", set, d.number,
			forest.MaxCategory-1)
	}
	for i, word := range t.words[start:end] {
		for bit := range 32 {
			if word>>bit&1 != 0 {
				d.b.Categories = append(d.b.Categories, int32(i*32+bit))
			}
		}
	}
	return nil
}

// linear reads the linear functions of a tree's leaves.
func (d *decoder) linear(f fields, leaves, first int) error {
	constants, err := readNumbers(d, f, "leaf_const", leaves, parseFloat)
	if err != nil {
		return err
	}
	counts, err := readNumbers(d, f, "num_features", leaves, parseInt)
	if err != nil {
		return err
	}
	features, err := readNumbers(d, f, "leaf_features", -1, parseInt)
	if err != nil {
		return err
	}
	coefficients, err := readNumbers(d, f, "leaf_coeff", len(features), parseFloat)
	if err != nil {
		return err
	}
	for i, count := range counts {
		if count < 0 || int(count) > len(features) {
			return d.damaged("leaf %d of tree %d has %d features of %d", i, d.number, count,
				len(features))
		}
		l := forest.Linear{Constant: constants[i], Terms: make([]forest.LinearTerm, count)}
		for j := range l.Terms {
			l.Terms[j] = forest.LinearTerm{Feature: features[j], Coefficient: coefficients[j]}
		}
		features, coefficients = features[count:], coefficients[count:]
		d.b.Linear[first+i] = l
	}
	return nil
}

// readNumbers parses the numbers of a line: count of them, or all if count is -1.
func readNumbers[T any](d *decoder, f fields, key string, count int,
	parse func(string) (T, error)) ([]T, error) {
	var values []T
	for word := range strings.FieldsSeq(f[key]) {
		if len(values) == count {
			return nil, d.damaged("%s of tree %d has more than %d numbers", key, d.number, count)
		}
		v, err := parse(word)
		if err != nil {
			return nil, d.damaged("%s of tree %d has %q where a number was expected", key, d.number,
				forest.Clipped(word))
		}
		values = append(values, v)
	}
	if count >= 0 && len(values) != count {
		return nil, d.damaged("%s of tree %d has %d numbers, expected %d", key, d.number,
			len(values), count)
	}
	return values, nil
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func parseInt(s string) (int32, error) {
	v, err := strconv.ParseInt(s, 10, 32)
	return int32(v), err
}

func parseWord(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err
}
