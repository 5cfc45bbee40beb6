package scorer

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// lightgbmTree is the block of one tree, read column by column; the columns of the splits are equally long.
type lightgbmTree struct {
	leaves     int
	features   []int32
	thresholds []float64
	decisions  []int32
	left       []int32
	right      []int32
	boundaries []int32  // first word of each set, and the end of the last
	words      []uint32 // sets of categories as bits
	taken      []bool   // sets that belong to a split
}

// Bits of a decision.
const (
	decisionCategorical = 1
	decisionDefaultLeft = 2
	decisionMissing     = 2 // shift to the kind of missing values: 0 none, 1 zero, 2 NaN
)

// tree reads a tree and appends it to the ensemble.
func (d *lightgbm) tree(f fields) error {
	var t lightgbmTree
	var err error
	if t.leaves, err = d.count(f, "num_leaves", maxTreeNodes+1); err != nil {
		return err
	}
	first := len(d.b.leaves)
	values, err := numbersOf(d, f, "leaf_value", t.leaves, parseFloat)
	if err != nil {
		return err
	}
	d.b.leaves = append(d.b.leaves, values...)
	for number := range values {
		d.b.numbers = append(d.b.numbers, int32(number))
	}
	if f["is_linear"] == "1" {
		if err := d.linear(f, t.leaves, first); err != nil {
			return err
		}
	}
	tree := binaryTree{first: int32(len(d.b.splits)), output: int32(d.number % d.b.outputs)}
	switch {
	case t.leaves == 0:
		return d.damaged("tree %d has no leaves", d.number)
	case t.leaves == 1:
		tree.root = int32(^first)
		d.b.weights.counts = append(d.b.weights.counts, 1) // it has all rows, however many; LightGBM 2 does not say
	default:
		if err := d.columns(&t, f); err != nil {
			return err
		}
		if err := d.counts(t.leaves, f); err != nil {
			return err
		}
		tree.count = int32(t.leaves - 1)
		for i := range t.leaves - 1 {
			if err := d.split(&t, i, first); err != nil {
				return err
			}
		}
	}
	d.b.trees = append(d.b.trees, tree)
	return nil
}

// counts reads how many training rows each leaf had, if the file says so. LightGBM's own explanations look at these and at internal_count, which
// are the sums of them; leaf_weight is of no account.
func (d *lightgbm) counts(leaves int, f fields) error {
	if _, ok := f["leaf_count"]; !ok {
		return nil
	}
	counts, err := numbersOf(d, f, "leaf_count", leaves, parseInt)
	d.b.weights.counts = append(d.b.weights.counts, counts...)
	return err
}

// columns reads what the splits are made of.
func (d *lightgbm) columns(t *lightgbmTree, f fields) (err error) {
	splits := t.leaves - 1
	read := func(key string, n int) (values []int32) {
		if err == nil {
			values, err = numbersOf(d, f, key, n, parseInt)
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
	if t.thresholds, err = numbersOf(d, f, "threshold", splits, parseFloat); err != nil || sets == 0 {
		return err
	}
	if !slices.IsSorted(t.boundaries) || t.boundaries[0] < 0 {
		return d.damaged("cat_boundaries of tree %d are not ascending", d.number)
	}
	t.taken = make([]bool, sets)
	t.words, err = numbersOf(d, f, "cat_threshold", int(t.boundaries[sets]), parseWord)
	return err
}

// split translates a split and appends it to the ensemble.
func (d *lightgbm) split(t *lightgbmTree, i, firstLeaf int) error {
	s := binarySplit{
		feature: t.features[i],
		left:    lightgbmChild(t.left[i], t.leaves, firstLeaf),
		right:   lightgbmChild(t.right[i], t.leaves, firstLeaf),
	}
	decision := t.decisions[i]
	if decision&decisionCategorical != 0 {
		start := len(d.b.categories)
		if err := d.set(t, i); err != nil {
			return err
		}
		s.kind, s.missing = inSetLeft, missingRight
		s.set = [2]int32{int32(start), int32(len(d.b.categories))}
		d.b.splits = append(d.b.splits, s)
		return nil
	}
	left := decision&decisionDefaultLeft != 0
	switch kind := decision >> decisionMissing; {
	case kind == 0:
		s.missing = missingAsZero
	case kind == 1 && left:
		s.missing = missingZeroLeft
	case kind == 1:
		s.missing = missingZeroRight
	case kind == 2 && left:
		s.missing = missingLeft
	case kind == 2:
		s.missing = missingRight
	default:
		return d.damaged("decision type %d of split %d of tree %d is not known", decision, i, d.number)
	}
	border, ok := lastBelow(t.thresholds[i])
	if !ok {
		return d.damaged("threshold %d of tree %d is NaN", i, d.number)
	}
	s.border = orderKey(border)
	if s.feature >= 0 && int(s.feature) < len(d.thresholds) { // checked later
		d.note(s.feature, t.thresholds[i])
	}
	d.b.splits = append(d.b.splits, s)
	return nil
}

// lastBelow gives the largest float32 that is not above the threshold: the values that are at most it and at most the threshold
// are the same ones among float32.
func lastBelow(threshold float64) (float32, bool) {
	f := float32(threshold)
	if float64(f) > threshold {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f, threshold == threshold
}

// lightgbmChild turns leaves of the tree into leaves of the ensemble; one that the tree does not have becomes one that nobody has.
func lightgbmChild(child int32, leaves, first int) int32 {
	if child >= 0 {
		return child
	}
	if int(^child) >= leaves {
		return math.MinInt32
	}
	return ^(^child + int32(first))
}

// set turns the bits of a categorical split's set, which the threshold numbers, into categories.
func (d *lightgbm) set(t *lightgbmTree, split int) error {
	number := t.thresholds[split]
	if !(number >= 0 && number < float64(len(t.taken))) || t.taken[int(number)] {
		return d.damaged("split %d of tree %d refers to set %v of %d, or to that of another", split, d.number, number, len(t.taken))
	}
	set := int(number)
	t.taken[set] = true // a set belongs to one split: else a small file could ask for many categories
	start, end := t.boundaries[set], t.boundaries[set+1]
	if end-start > maxCategory/32 {
		return d.damaged("set %d of tree %d has categories above %d", set, d.number, maxCategory-1)
	}
	for i, word := range t.words[start:end] {
		for bit := range 32 {
			if word>>bit&1 != 0 {
				d.b.categories = append(d.b.categories, int32(i*32+bit))
			}
		}
	}
	return nil
}

// linear reads the linear functions of a tree's leaves.
func (d *lightgbm) linear(f fields, leaves, first int) error {
	constants, err := numbersOf(d, f, "leaf_const", leaves, parseFloat)
	if err != nil {
		return err
	}
	counts, err := numbersOf(d, f, "num_features", leaves, parseInt)
	if err != nil {
		return err
	}
	features, err := numbersOf(d, f, "leaf_features", -1, parseInt)
	if err != nil {
		return err
	}
	coefficients, err := numbersOf(d, f, "leaf_coeff", len(features), parseFloat)
	if err != nil {
		return err
	}
	for i, count := range counts {
		if count < 0 || int(count) > len(features) {
			return d.damaged("leaf %d of tree %d has %d features of %d", i, d.number, count, len(features))
		}
		l := linear{constant: constants[i], terms: make([]linearTerm, count)}
		for j := range l.terms {
			l.terms[j] = linearTerm{features[j], coefficients[j]}
		}
		features, coefficients = features[count:], coefficients[count:]
		d.b.linear[first+i] = l
	}
	return nil
}

// numbersOf reads the numbers of a line: count of them, or as many as there are if count is -1.
func numbersOf[T any](d *lightgbm, f fields, key string, count int, parse func(string) (T, error)) ([]T, error) {
	var values []T
	for word := range strings.FieldsSeq(f[key]) {
		if len(values) == count {
			return nil, d.damaged("%s of tree %d has more than %d numbers", key, d.number, count)
		}
		v, err := parse(word)
		if err != nil {
			return nil, d.damaged("%s of tree %d has %q where a number was expected", key, d.number, clipped(word))
		}
		values = append(values, v)
	}
	if count >= 0 && len(values) != count {
		return nil, d.damaged("%s of tree %d has %d numbers, expected %d", key, d.number, len(values), count)
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
