package scorer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// jsonCategorical is an element of features_info.categorical_features. Values are those of one-hot conditions.
type jsonCategorical struct {
	ID     string  `json:"feature_id"`
	Name   string  `json:"feature_name"`
	Index  *int    `json:"feature_index"`
	Flat   *int    `json:"flat_feature_index"`
	Values []int32 `json:"values"`
}

// jsonElement is a part of a combination.
type jsonElement struct {
	Kind   string  `json:"combination_element"`
	Cat    int32   `json:"cat_feature_index"`
	Float  int32   `json:"float_feature_index"`
	Border float64 `json:"border"`
	Value  int32   `json:"value"`
}

// jsonTableKey is what the keys of ctr_data hold, themselves JSON. They leave out which binarisation of the target is meant, so that the
// tables of two cannot be told apart; the library writes one of them.
type jsonTableKey struct {
	Elements []jsonElement `json:"identifier"`
	Kind     string        `json:"type"`
}

// jsonStatistic is an element of features_info.ctrs.
type jsonStatistic struct {
	Elements []jsonElement `json:"elements"`
	Kind     string        `json:"ctr_type"`
	Target   int32         `json:"target_border_idx"`
	Prior    float64       `json:"prior_numerator"`
	Trust    *float64      `json:"prior_denomerator"` // sic
	Shift    float64       `json:"shift"`
	Scale    *float64      `json:"scale"`
	Borders  []float64     `json:"borders"`
}

func (d *jsonModel) categorical(i int) error {
	if len(d.e.cats) >= maxFeatures {
		return beyond(formatJSON, maxFeatures, "too many features")
	}
	var in jsonCategorical
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("categorical feature %d: %w", i, err)
	}
	if in.Flat == nil || in.Index != nil && *in.Index != i {
		return damaged(formatJSON, "categorical feature %d has no flat_feature_index, or the feature_index of another", i)
	}
	f := catFeature{name: in.ID, flat: *in.Flat}
	if f.name == "" {
		f.name = in.Name
	}
	d.e.cats = append(d.e.cats, f)
	if len(in.Values) > 0 {
		d.e.oneHots = append(d.e.oneHots, oneHot{cat: int32(i), values: in.Values})
	}
	return nil
}

func (d *jsonModel) statistic(i int) error {
	if i >= maxColumns {
		return beyond(formatJSON, maxColumns, "too many target statistics")
	}
	trust, scale := 1.0, 1.0
	in := jsonStatistic{Trust: &trust, Scale: &scale}
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("target statistic %d: %w", i, err)
	}
	if in.Trust == nil || in.Scale == nil {
		return damaged(formatJSON, "target statistic %d has no scale or denominator", i)
	}
	id, err := jsonTableKey{Elements: in.Elements, Kind: in.Kind}.id()
	if err != nil {
		return err
	}
	d.e.statistics = append(d.e.statistics, statistic{
		id:      id,
		target:  in.Target,
		prior:   float32(in.Prior),
		trust:   float32(*in.Trust),
		shift:   float32(in.Shift),
		scale:   float32(*in.Scale),
		borders: narrowed(in.Borders),
	})
	return nil
}

// narrowed rounds numbers that were float32 when they were written.
func narrowed(wide []float64) []float32 {
	all := make([]float32, len(wide))
	for i, v := range wide {
		all[i] = float32(v)
	}
	return all
}

func (k jsonTableKey) id() (tableID, error) {
	kind := slices.Index(statisticNames[:], k.Kind)
	if kind < 0 {
		return tableID{}, unsupported(formatJSON, "a model with target statistics of kind %q", clipped(k.Kind))
	}
	id := tableID{kind: statisticKind(kind)}
	c := &id.combination
	for _, e := range k.Elements {
		switch e.Kind {
		case "cat_feature_value":
			c.cats = append(c.cats, e.Cat)
		case "float_feature":
			c.floats = append(c.floats, floatSplit{feature: e.Float, border: float32(e.Border)})
		case "cat_feature_exact_value":
			c.oneHots = append(c.oneHots, oneHotSplit{cat: e.Cat, value: e.Value})
		default:
			return id, unsupported(formatJSON, "a combination with %q", clipped(e.Kind))
		}
	}
	return id, nil
}

// table reads a value of ctr_data: the table for what the key describes.
func (d *jsonModel) table(key string) error {
	var k jsonTableKey
	if err := json.Unmarshal([]byte(key), &k); err != nil {
		return fmt.Errorf("key of ctr_data: %w", err)
	}
	id, err := k.id()
	if err != nil {
		return err
	}
	in := jsonTable{statisticTable: statisticTable{id: id}}
	err = d.object(func(key string) error {
		switch key {
		case "hash_map":
			return d.array(func(int) error { return in.number(d.dec) })
		case "hash_stride":
			return d.dec.Decode(&in.stride)
		case "counter_denominator":
			return d.dec.Decode(&in.denominator)
		}
		return d.skip()
	})
	if err != nil {
		return err
	}
	if err := in.finish(); err != nil {
		return err
	}
	d.e.tables = append(d.e.tables, in.statisticTable)
	return nil
}

// jsonTable collects hash_map: for each entry its hash, as a string, and the numbers of the entry.
type jsonTable struct {
	statisticTable
	stride  int
	raw     []uint64  // hashes
	numbers []float64 // what follows each hash
}

func (t *jsonTable) number(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case float64:
		t.numbers = append(t.numbers, v)
		return nil
	case string:
		hash, err := strconv.ParseUint(v, 10, 64)
		t.raw = append(t.raw, hash)
		return err
	}
	return damaged(formatJSON, "%v in a table of statistics", token)
}

// finish sorts the numbers. The library writes empty places of its hash table too.
func (t *jsonTable) finish() error {
	width := t.stride - 1
	if width < 1 || width > maxOutputs || len(t.numbers) != len(t.raw)*width || t.id.kind.isMean() && width != 2 {
		return damaged(formatJSON, "%d hashes and %d numbers in a table of stride %d", len(t.raw), len(t.numbers), t.stride)
	}
	t.classes = width
	if t.id.kind.isMean() {
		t.classes = 1
	}
	for i, hash := range t.raw {
		if hash == noHash {
			continue
		}
		t.hashes = append(t.hashes, hash)
		for j, v := range t.numbers[i*width:][:width] {
			if t.id.kind.isMean() && j == 0 {
				t.sums = append(t.sums, float32(v))
				continue
			}
			if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
				return damaged(formatJSON, "%v in a table of statistics, expected a count", v)
			}
			t.counts = append(t.counts, int32(v))
		}
	}
	t.raw, t.numbers = nil, nil
	return nil
}

// jsonNode is a node or a leaf of an element of trees.
type jsonNode struct {
	Split *struct {
		Index *int32 `json:"split_index"`
	} `json:"split"`
	Left   *jsonNode `json:"left"`  // the condition does not hold
	Right  *jsonNode `json:"right"` // it does
	Value  leafValue `json:"value"`
	Weight float64   `json:"weight"`
}

// leafValue is a number, or one number for each output.
type leafValue []float64

func (v *leafValue) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]float64)(v))
	}
	var one float64
	err := json.Unmarshal(data, &one)
	*v = leafValue{one}
	return err
}

// walkTree reads a tree that is not symmetric.
func (d *jsonModel) walkTree(i int) error {
	if i >= maxTrees {
		return beyond(formatJSON, maxTrees, "too many trees")
	}
	var in jsonNode
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("tree %d: %w", i, err)
	}
	root, err := d.addNode(&in, 0)
	d.e.roots = append(d.e.roots, root)
	return err
}

// addNode adds a node and all below it, and returns its place in the terms of treeNode.
func (d *jsonModel) addNode(in *jsonNode, depth int) (int32, error) {
	if in.Split == nil {
		d.e.weights = append(d.e.weights, in.Weight)
		return d.addLeaf(in.Value)
	}
	if in.Split.Index == nil || in.Left == nil || in.Right == nil {
		return 0, damaged(formatJSON, "a tree node has no split_index, left or right")
	}
	if depth >= maxWalk {
		return 0, damaged(formatJSON, "a tree is deeper than %d", maxWalk)
	}
	at := len(d.e.nodes)
	d.e.nodes = append(d.e.nodes, treeNode{split: *in.Split.Index})
	for k, child := range []*jsonNode{in.Left, in.Right} {
		next, err := d.addNode(child, depth+1)
		if err != nil {
			return 0, err
		}
		d.e.nodes[at].next[k] = next
	}
	return int32(at), nil
}

func (d *jsonModel) addLeaf(v leafValue) (int32, error) {
	if d.e.outputs == 0 {
		d.e.outputs = min(len(v), maxOutputs)
	}
	if len(v) == 0 || len(v) != d.e.outputs {
		return 0, damaged(formatJSON, "a leaf has %d values, expected %d", len(v), d.e.outputs)
	}
	at := len(d.e.leaves)
	d.e.leaves = append(d.e.leaves, v...)
	return int32(^at), nil
}
