package catboost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// jsonCategorical is an element of features_info.categorical_features. Values are those of one-hot
// conditions.
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

// jsonTableKey is what the keys of ctr_data hold, themselves JSON. They omit the binarisation of
// the target, so that the tables of two binarisations have one key; the library writes one of them.
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
	if len(d.e.Conditions.Cats) >= forest.MaxFeatures {
		return forest.Beyond(formatJSON, forest.MaxFeatures, "too many features")
	}
	var in jsonCategorical
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("categorical feature %d: %w", i, err)
	}
	if in.Flat == nil || in.Index != nil && *in.Index != i {
		return forest.Damaged(formatJSON,
			"categorical feature %d has no flat_feature_index, or the feature_index of another", i)
	}
	f := forest.CatFeature{Name: in.ID, Flat: *in.Flat}
	if f.Name == "" {
		f.Name = in.Name
	}
	d.e.Conditions.Cats = append(d.e.Conditions.Cats, f)
	if len(in.Values) > 0 {
		d.e.Conditions.OneHots = append(d.e.Conditions.OneHots,
			forest.OneHot{Cat: int32(i), Values: in.Values})
	}
	return nil
}

func (d *jsonModel) statistic(i int) error {
	if i >= forest.MaxColumns {
		return forest.Beyond(formatJSON, forest.MaxColumns, "too many target statistics")
	}
	trust, scale := 1.0, 1.0
	in := jsonStatistic{Trust: &trust, Scale: &scale}
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("target statistic %d: %w", i, err)
	}
	if in.Trust == nil || in.Scale == nil {
		return forest.Damaged(formatJSON, "target statistic %d has no scale or denominator", i)
	}
	id, err := jsonTableKey{Elements: in.Elements, Kind: in.Kind}.id()
	if err != nil {
		return err
	}
	d.e.Conditions.Statistics = append(d.e.Conditions.Statistics, forest.Statistic{
		ID:      id,
		Target:  in.Target,
		Prior:   float32(in.Prior),
		Trust:   float32(*in.Trust),
		Shift:   float32(in.Shift),
		Scale:   float32(*in.Scale),
		Borders: narrowed(in.Borders),
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

func (k jsonTableKey) id() (forest.TableID, error) {
	kind := slices.Index(forest.StatisticNames[:], k.Kind)
	if kind < 0 {
		return forest.TableID{}, forest.Unsupported(formatJSON,
			"a model with target statistics of kind %q", forest.Clipped(k.Kind))
	}
	id := forest.TableID{Kind: forest.StatisticKind(kind)}
	c := &id.Combination
	for _, e := range k.Elements {
		switch e.Kind {
		case "cat_feature_value":
			c.Cats = append(c.Cats, e.Cat)
		case "float_feature":
			c.Floats = append(c.Floats, forest.FloatSplit{Feature: e.Float,
				Border: float32(e.Border)})
		case "cat_feature_exact_value":
			c.OneHots = append(c.OneHots, forest.OneHotSplit{Cat: e.Cat, Value: e.Value})
		default:
			return id, forest.Unsupported(formatJSON, "a combination with %q",
				forest.Clipped(e.Kind))
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
	in := jsonTable{StatisticTable: forest.StatisticTable{ID: id}}
	err = d.object(func(key string) error {
		switch key {
		case "hash_map":
			return d.array(func(int) error { return in.number(d.dec) })
		case "hash_stride":
			return d.dec.Decode(&in.stride)
		case "counter_denominator":
			return d.dec.Decode(&in.Denominator)
		}
		return d.skip()
	})
	if err != nil {
		return err
	}
	if err := in.finish(); err != nil {
		return err
	}
	d.e.Conditions.Tables = append(d.e.Conditions.Tables, in.StatisticTable)
	return nil
}

// jsonTable collects hash_map: for each entry its hash, as a string, and the numbers of the entry.
type jsonTable struct {
	forest.StatisticTable
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
	return forest.Damaged(formatJSON, "%v in a table of statistics", token)
}

// finish assigns the numbers to the entries. The library writes the empty buckets of its hash table
// too.
func (t *jsonTable) finish() error {
	width := t.stride - 1
	if width < 1 || width > forest.MaxOutputs || len(t.numbers) != len(t.raw)*width ||
		t.ID.Kind.IsMean() && width != 2 {
		return forest.Damaged(formatJSON, "%d hashes and %d numbers in a table of stride %d",
			len(t.raw), len(t.numbers), t.stride)
	}
	t.Classes = width
	if t.ID.Kind.IsMean() {
		t.Classes = 1
	}
	for i, hash := range t.raw {
		if hash == forest.NoHash {
			continue
		}
		t.Hashes = append(t.Hashes, hash)
		for j, v := range t.numbers[i*width:][:width] {
			if t.ID.Kind.IsMean() && j == 0 {
				t.Sums = append(t.Sums, float32(v))
				continue
			}
			if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
				return forest.Damaged(formatJSON, "%v in a table of statistics, expected a count",
					v)
			}
			t.Counts = append(t.Counts, int32(v))
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
	if i >= forest.MaxTrees {
		return forest.Beyond(formatJSON, forest.MaxTrees, "too many trees")
	}
	var in jsonNode
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("tree %d: %w", i, err)
	}
	root, err := d.addNode(&in, 0)
	d.e.Conditions.Roots = append(d.e.Conditions.Roots, root)
	return err
}

// addNode adds a node and its descendants, and returns it as in TreeNode.Next.
func (d *jsonModel) addNode(in *jsonNode, depth int) (int32, error) {
	if in.Split == nil {
		d.e.Weights.Doubles = append(d.e.Weights.Doubles, in.Weight)
		return d.addLeaf(in.Value)
	}
	if in.Split.Index == nil || in.Left == nil || in.Right == nil {
		return 0, forest.Damaged(formatJSON, "a tree node has no split_index, left or right")
	}
	if depth >= forest.MaxWalk {
		return 0, forest.Damaged(formatJSON, "a tree is deeper than %d", forest.MaxWalk)
	}
	at := len(d.e.Conditions.Nodes)
	d.e.Conditions.Nodes = append(d.e.Conditions.Nodes, forest.TreeNode{Split: *in.Split.Index})
	for k, child := range []*jsonNode{in.Left, in.Right} {
		next, err := d.addNode(child, depth+1)
		if err != nil {
			return 0, err
		}
		d.e.Conditions.Nodes[at].Next[k] = next
	}
	return int32(at), nil
}

func (d *jsonModel) addLeaf(v leafValue) (int32, error) {
	if d.e.Outputs == 0 {
		d.e.Outputs = min(len(v), forest.MaxOutputs)
	}
	if len(v) == 0 || len(v) != d.e.Outputs {
		return 0, forest.Damaged(formatJSON, "a leaf has %d values, expected %d", len(v),
			d.e.Outputs)
	}
	at := len(d.e.Leaves)
	d.e.Leaves = append(d.e.Leaves, v...)
	return int32(^at), nil
}
