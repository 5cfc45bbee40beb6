package scorer_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// naiveForest is an ensemble of binary trees, evaluated by the letter of the libraries'
// sources: float64 and bit sets for LightGBM, float32 and lists of categories for XGBoost.
type naiveForest struct {
	features, outputs int
	trees             []*naiveNode
}

// naiveNode is a leaf if it has no children.
type naiveNode struct {
	left, right *naiveNode
	value       float64
	rows        float64 // of the training that a leaf had

	feature     int
	threshold   float64
	categories  []int // the set of a categorical split; nil if it is numeric
	missing     int   // LightGBM: 0 none, 1 zero, 2 NaN
	defaultLeft bool
}

// forestShape bounds a random forest.
type forestShape struct{ features, outputs, trees, depth int }

func randomForest(rng *rand.Rand, s forestShape) *naiveForest {
	f := &naiveForest{features: s.features, outputs: s.outputs}
	for range s.trees * s.outputs {
		f.trees = append(f.trees, randomNode(rng, s, s.depth))
	}
	return f
}

// randomNode grows lopsided trees. The first third of the features is categorical.
func randomNode(rng *rand.Rand, s forestShape, depth int) *naiveNode {
	if depth == 0 || rng.IntN(6) == 0 {
		leaf := &naiveNode{value: float64(float32(rng.NormFloat64())),
			rows: float64(1 + rng.IntN(1000))}
		if rng.IntN(10) == 0 {
			leaf.rows = 0
		}
		return leaf
	}
	n := &naiveNode{feature: rng.IntN(s.features), missing: rng.IntN(3),
		defaultLeft: rng.IntN(2) == 0}
	n.left, n.right = randomNode(rng, s, depth-1), randomNode(rng, s, depth-1)
	if n.feature < s.features/3 {
		most := []int{3, 40, 5000}[n.feature%3]
		set := map[int]bool{}
		for range 1 + rng.IntN(min(most, 50)) {
			set[rng.IntN(most)] = true
		}
		n.categories = slices.Sorted(maps.Keys(set))
		return n
	}
	for n.threshold = math.NaN(); n.threshold != n.threshold; {
		n.threshold = float64(randomValue(rng))
	}
	if rng.IntN(3) == 0 { // a float64 beside a float32
		n.threshold = math.Nextafter(n.threshold, math.Inf(1-2*rng.IntN(2)))
	}
	return n
}

// lightgbm evaluates as LightGBM does.
func (f *naiveForest) lightgbm(x []float32) []float64 {
	out := make([]float64, f.outputs)
	for i, leaf := range f.reachedLightGBM(x) {
		out[i%f.outputs] += leaf
	}
	return out
}

// reachedLightGBM returns the value of the leaf of each tree that LightGBM finds.
func (f *naiveForest) reachedLightGBM(x []float32) (leaves []float64) {
	for _, n := range f.trees {
		for n.left != nil {
			n = n.lightgbm(x)
		}
		leaves = append(leaves, n.value)
	}
	return leaves
}

// lightgbm returns the child that a row goes to in LightGBM.
func (n *naiveNode) lightgbm(x []float32) *naiveNode {
	v := float64(x[n.feature])
	if math.Abs(v) <= float64(float32(1e-35)) {
		v = 0
	}
	left := v <= n.threshold
	switch {
	case n.categories != nil:
		left = v == v && math.Abs(v) < 1<<31 && slices.Contains(n.categories, int(v)) && v > -1
	case n.missing == 2 && v != v, n.missing == 1 && (v != v || v == 0):
		left = n.defaultLeft
	case v != v:
		left = 0 <= n.threshold
	}
	return map[bool]*naiveNode{true: n.left, false: n.right}[left]
}

// xgboost evaluates as XGBoost does.
func (f *naiveForest) xgboost(x []float32) []float64 {
	out := make([]float32, f.outputs)
	for k := range out {
		out[k] = naiveBase
	}
	for i, leaf := range f.reachedXGBoost(x) {
		out[i%f.outputs] += float32(leaf)
	}
	wide := make([]float64, f.outputs)
	for k, v := range out {
		wide[k] = float64(v)
	}
	return wide
}

// naiveBase is the base score of XGBoost's models.
const naiveBase = 0.25

// reachedXGBoost returns the value of the leaf of each tree that XGBoost finds.
func (f *naiveForest) reachedXGBoost(x []float32) (leaves []float64) {
	for _, n := range f.trees {
		for n.left != nil {
			n = n.xgboost(x)
		}
		leaves = append(leaves, n.value)
	}
	return leaves
}

// xgboost returns the child that a row goes to in XGBoost.
func (n *naiveNode) xgboost(x []float32) *naiveNode {
	v := x[n.feature]
	left := v < float32(n.threshold)
	switch {
	case v != v:
		left = n.defaultLeft
	case n.categories != nil:
		left = !(v >= 0 && v < 1<<24 && slices.Contains(n.categories, int(v)))
	}
	return map[bool]*naiveNode{true: n.left, false: n.right}[left]
}

// text is the forest as a LightGBM file.
func (f *naiveForest) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree\nversion=v4\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\n"+
		"max_feature_idx=%d\n", f.outputs, f.outputs,
		f.features-1)
	fmt.Fprintf(&b, "feature_names=f0%s\nfeature_infos=none\n\n",
		strings.Repeat(" f", f.features-1))
	for i, root := range f.trees {
		c := &lightgbmColumns{lines: map[string][]string{}, boundaries: []string{"0"}}
		c.add(root)
		fmt.Fprintf(&b, "Tree=%d\nnum_leaves=%d\nnum_cat=%d\n", i, c.leaves, len(c.boundaries)-1)
		for _, key := range []string{"split_feature", "threshold", "decision_type", "left_child",
			"right_child", "leaf_value", "leaf_count"} {
			fmt.Fprintf(&b, "%s=%s\n", key, strings.Join(c.lines[key], " "))
		}
		if len(c.boundaries) > 1 {
			fmt.Fprintf(&b, "cat_boundaries=%s\ncat_threshold=%s\n",
				strings.Join(c.boundaries, " "), strings.Join(c.words, " "))
		}
		b.WriteString("is_linear=0\nshrinkage=1\n\n\n")
	}
	b.WriteString("end of trees\n")
	return b.Bytes()
}

// lightgbmColumns are the lines of a tree.
type lightgbmColumns struct {
	lines             map[string][]string
	boundaries, words []string
	splits, leaves    int
}

// add writes a node down and returns its number, that of a leaf as LightGBM does.
func (c *lightgbmColumns) add(n *naiveNode) int {
	if n.left == nil {
		c.put("leaf_value", strconv.FormatFloat(n.value, 'g', 17, 64))
		c.put("leaf_count", strconv.FormatFloat(n.rows, 'f', 0, 64))
		c.leaves++
		return -c.leaves
	}
	number := c.splits
	c.splits++
	decision := n.missing << 2
	if n.defaultLeft {
		decision |= 2
	}
	threshold := strconv.FormatFloat(n.threshold, 'g', 17, 64)
	if n.categories != nil {
		decision, threshold = 1, strconv.Itoa(len(c.boundaries)-1)
		words := make([]uint32, n.categories[len(n.categories)-1]/32+1)
		for _, category := range n.categories {
			words[category/32] |= 1 << (category % 32)
		}
		for _, word := range words {
			c.words = append(c.words, strconv.FormatUint(uint64(word), 10))
		}
		c.boundaries = append(c.boundaries, strconv.Itoa(len(c.words)))
	}
	c.put("split_feature", strconv.Itoa(n.feature))
	c.put("threshold", threshold)
	c.put("decision_type", strconv.Itoa(decision))
	c.put("left_child", "")
	c.put("right_child", "")
	left, right := c.add(n.left), c.add(n.right) // these append to the lines
	c.lines["left_child"][number], c.lines["right_child"][number] = strconv.Itoa(left), strconv.Itoa(right)
	return number
}

func (c *lightgbmColumns) put(key, value string) { c.lines[key] = append(c.lines[key], value) }

// document is the forest as an XGBoost model. The base score is naiveBase for all outputs.
func (f *naiveForest) document() map[string]any {
	var trees []any
	info := []int32{}
	for i, root := range f.trees {
		c := &xgboostColumns{categories: []int32{}}
		c.add(root)
		trees = append(trees, map[string]any{
			"left_children": c.left, "right_children": c.right, "split_indices": c.features, "split_conditions": c.conditions,
			"default_left": c.defaults, "split_type": c.kinds, "categories": c.categories, "categories_nodes": c.nodes,
			"categories_segments": c.starts, "categories_sizes": c.sizes, "sum_hessian": c.hessians, "tree_param": map[string]any{"size_leaf_vector": "1"},
		})
		info = append(info, int32(i%f.outputs))
	}
	model := map[string]any{"trees": trees, "tree_info": info}
	return map[string]any{"learner": map[string]any{
		"gradient_booster": map[string]any{"name": "gbtree", "model": model},
		"learner_model_param": map[string]any{"base_score": "[2.5E-1]",
			"num_class": strconv.Itoa(f.outputs), "num_feature": strconv.Itoa(f.features)},
		"objective": map[string]any{"name": "reg:squarederror"},
	}}
}

// xgboostColumns are the arrays of a tree.
type xgboostColumns struct {
	left, right, features, defaults, kinds, categories, nodes, starts, sizes []int32
	conditions, hessians                                                     []float32
}

func (c *xgboostColumns) add(n *naiveNode) int32 {
	number := int32(len(c.left))
	value, kind, defaultLeft := float32(n.value), int32(0), int32(0)
	if n.left != nil {
		value = float32(n.threshold)
	}
	if n.defaultLeft {
		defaultLeft = 1
	}
	if n.categories != nil {
		kind = 1
		c.nodes = append(c.nodes, number)
		c.starts = append(c.starts, int32(len(c.categories)))
		c.sizes = append(c.sizes, int32(len(n.categories)))
		for _, category := range n.categories {
			c.categories = append(c.categories, int32(category))
		}
	}
	c.left, c.right = append(c.left, -1), append(c.right, -1)
	c.features, c.conditions = append(c.features, int32(n.feature)), append(c.conditions, value)
	c.hessians = append(c.hessians, float32(n.rows)) // of a split too, where nobody looks
	c.defaults, c.kinds = append(c.defaults, defaultLeft), append(c.kinds, kind)
	if n.left != nil {
		left := c.add(n.left)
		right := c.add(n.right)
		c.left[number], c.right[number] = left, right
	}
	return number
}

// json writes the document as XGBoost does: infinities are Infinity.
func (f *naiveForest) json() []byte { return appendJSON(nil, f.document()) }

func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(strconv.AppendQuote(b, key), ':')
			b = appendJSON(b, v[key])
		}
		return append(b, '}')
	case []any:
		return appendList(b, v, appendJSON)
	case []int32:
		return appendList(b, v, func(b []byte, v int32) []byte {
			return strconv.AppendInt(b,
				int64(v), 10)
		})
	case []float32:
		return appendList(b, v, func(b []byte, v float32) []byte {
			if math.IsInf(float64(v), 0) {
				return append(b, map[bool]string{true: "Infinity", false: "-Infinity"}[v > 0]...)
			}
			return strconv.AppendFloat(b, float64(v), 'E', -1, 32)
		})
	}
	return strconv.AppendQuote(b, value.(string))
}

func appendList[T any](b []byte, list []T, element func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = element(b, v)
	}
	return append(b, ']')
}

// ubj writes the document as XGBoost does: arrays of numbers have one marker for all elements.
func (f *naiveForest) ubj() []byte { return appendUBJ(nil, f.document()) }

func appendUBJ(b []byte, value any) []byte {
	length := func(b []byte, n int) []byte {
		return binary.BigEndian.AppendUint64(append(b, 'L'),
			uint64(n))
	}
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = append(length(b, len(key)), key...)
			b = appendUBJ(b, v[key])
		}
		return append(b, '}')
	case []any:
		b = length(append(b, "[#"...), len(v))
		for _, element := range v {
			b = appendUBJ(b, element)
		}
		return b
	case []int32:
		b = length(append(b, "[$l#"...), len(v))
		for _, element := range v {
			b = binary.BigEndian.AppendUint32(b, uint32(element))
		}
		return b
	case []float32:
		b = length(append(b, "[$d#"...), len(v))
		for _, element := range v {
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(element))
		}
		return b
	}
	text := value.(string)
	return append(length(append(b, 'S'), len(text)), text...)
}

// randomForestValue mixes what randomValue does with categories.
func randomForestValue(rng *rand.Rand) float32 {
	switch rng.IntN(4) {
	case 0:
		return float32(rng.IntN(60))
	case 1:
		return float32(rng.IntN(6000)) + float32(rng.IntN(2))/2
	}
	return randomValue(rng)
}

// Sizes rise over constants, stumps, blocks that are not full, more columns than a byte can index,
// and several outputs.
func TestForestsAgreeWithNaiveEvaluation(t *testing.T) {
	shapes := []forestShape{
		{1, 1, 1, 0}, {1, 1, 1, 1}, {2, 1, 7, 2}, {3, 1, 8, 3}, {6, 1, 17, 5}, {9, 3, 5, 6}, {30, 1,
			40, 8}, {300, 2, 40, 9}, {600, 1, 60, 10},
	}
	for i, s := range shapes {
		for seed := range seeds(3) {
			rng := rand.New(rand.NewPCG(uint64(i), seed))
			f := randomForest(rng, s)
			for name, c := range map[string]struct {
				data  []byte
				naive func([]float32) []float64
			}{"lightgbm": {f.text(), f.lightgbm}, "xgboost-json": {f.json(),
				f.xgboost}, "xgboost-ubj": {f.ubj(), f.xgboost}} {
				m := load(t, c.data)
				if m.Format() != name || m.Trees() != len(f.trees) || m.Outputs() != s.outputs ||
					len(m.Features()) != s.features {
					t.Fatalf("shape %v: a model of format %s, %d trees, %d outputs, %d features", s,
						m.Format(), m.Trees(), m.Outputs(),
						len(m.Features()))
				}
				scratch := m.NewScratch()
				x := make([]float32, s.features)
				for range 40 {
					for j := range x {
						x[j] = randomForestValue(rng)
					}
					got, want := must(m.AppendRaw(nil, scratch, x)), c.naive(x)
					if !slices.EqualFunc(got, want, sameBits) {
						t.Fatalf("shape %v, seed %d, %s: %v, expected %v for %v", s, seed, name,
							got, want, x)
					}
				}
			}
		}
	}
}
