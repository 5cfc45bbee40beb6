package catboost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// jsonModel decodes CatBoost's JSON export. It walks the document and decodes one feature and one
// tree at a time, so that the memory it needs stays in proportion to the file and limits take
// effect while it reads.
type jsonModel struct {
	dec  *json.Decoder
	e    *forest.Ensemble
	seen map[string]bool

	metadata metadata
}

// jsonFloat is an element of features_info.float_features. Older files lack names and the treatment
// of NaN.
type jsonFloat struct {
	ID        string    `json:"feature_id"`
	Name      string    `json:"feature_name"`
	Flat      *int      `json:"flat_feature_index"`
	Borders   []float64 `json:"borders"` // null: the feature is not used
	HasNaNs   bool      `json:"has_nans"`
	Treatment string    `json:"nan_value_treatment"`
}

// jsonOther is a feature of a kind that is not supported.
type jsonOther struct {
	ID   string `json:"feature_id"`
	Flat int    `json:"flat_feature_index"`
}

// jsonTree is an element of oblivious_trees. A split describes its condition in several ways; only
// split_index is unambiguous.
type jsonTree struct {
	Leaves  []float64 `json:"leaf_values"`
	Weights []float64 `json:"leaf_weights"`
	Splits  []struct {
		Index *int32 `json:"split_index"`
	} `json:"splits"` // null: depth 0
}

// DecodeJSON decodes a model in JSON.
func DecodeJSON(data []byte) (*forest.Ensemble, error) {
	d := &jsonModel{
		dec:  json.NewDecoder(bytes.NewReader(data)),
		e:    newEnsemble(formatJSON),
		seen: map[string]bool{},
	}
	if err := d.object(d.top); err != nil {
		return nil, asFormatError(err)
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, forest.Damaged(formatJSON, "something follows the model")
	}
	if !d.seen["features_info"] {
		return nil, forest.Damaged(formatJSON, "no \"features_info\": not a CatBoost model")
	}
	if d.seen["oblivious_trees"] == d.seen["trees"] {
		return nil, forest.Damaged(formatJSON,
			"one of \"oblivious_trees\" and \"trees\" was expected")
	}
	d.countOutputs()
	if err := d.e.Check(); err != nil {
		return nil, err
	}
	return d.e, d.metadata.describe(d.e)
}

// countOutputs fills in what a file without trees or biases does not say.
func (d *jsonModel) countOutputs() {
	if d.e.Outputs == 0 {
		d.e.Outputs = max(len(d.e.Bias), 1)
	}
	if len(d.e.Bias) == 0 {
		d.e.Bias = make([]float64, d.e.Outputs)
	}
}

// asFormatError wraps errors of the JSON decoder in a FormatError.
func asFormatError(err error) error {
	if _, ok := err.(*forest.FormatError); ok {
		return err
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &forest.FormatError{Format: formatJSON, Reason: "cannot be decoded", Err: err}
}

// top reads the value of a key of the model.
func (d *jsonModel) top(key string) error {
	if d.seen[key] {
		return forest.Damaged(formatJSON, "%q occurs twice in the file", key)
	}
	switch key {
	case "features_info":
		d.seen[key] = true
		return d.object(d.features)
	case "oblivious_trees":
		d.seen[key] = true
		return d.array(d.tree)
	case "trees":
		d.seen[key] = true
		d.e.Conditions.Roots = []int32{}
		return d.array(d.walkTree)
	case "ctr_data":
		d.seen[key] = true
		return d.object(d.table)
	case "model_info":
		d.seen[key] = true
		return d.info()
	case "learner":
		return forest.Unsupported(formatJSON, "an XGBoost model")
	case "scale_and_bias":
		d.seen[key] = true
		return d.scaleAndBias()
	}
	return d.skip()
}

// info reads the metadata. Values of an unexpected shape are skipped.
func (d *jsonModel) info() error {
	var raw json.RawMessage
	if err := d.dec.Decode(&raw); err != nil {
		return err
	}
	_ = json.Unmarshal(raw, &d.metadata)
	return nil
}

// features reads the value of a key of features_info. A model with text or embedding features is
// refused by the name of the first of them.
func (d *jsonModel) features(key string) error {
	switch key {
	case "float_features":
		return d.array(d.float)
	case "categorical_features":
		return d.array(d.categorical)
	case "text_features":
		return d.array(d.other("text"))
	case "embedding_features":
		return d.array(d.other("embedding"))
	case "ctrs":
		return d.array(d.statistic)
	}
	return d.skip()
}

func (d *jsonModel) other(kind string) func(int) error {
	return func(int) error {
		var f jsonOther
		if err := d.dec.Decode(&f); err != nil {
			return err
		}
		if f.ID != "" {
			return forest.Unsupported(formatJSON, "%s feature %q", kind, forest.Clipped(f.ID))
		}
		return forest.Unsupported(formatJSON, "%s feature %d", kind, f.Flat)
	}
}

// float reads a numeric feature. Numbers are decoded as float64 and then rounded, as CatBoost's own
// reader does; files hold enough digits for that to be exact.
func (d *jsonModel) float(i int) error {
	if len(d.e.Conditions.Floats) >= forest.MaxFeatures {
		return forest.Beyond(formatJSON, forest.MaxFeatures, "too many features")
	}
	var in jsonFloat
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("float feature %d: %w", i, err)
	}
	if in.Flat == nil {
		return forest.Damaged(formatJSON, "float feature %d has no flat_feature_index", i)
	}
	f := forest.FloatFeature{Name: in.ID, Flat: *in.Flat, Borders: narrowed(in.Borders)}
	if f.Name == "" {
		f.Name = in.Name
	}
	switch in.Treatment {
	case "", "AsIs", "AsFalse":
	case "AsTrue":
		if in.HasNaNs {
			f.HighNaN = true
		}
	default:
		return forest.Damaged(formatJSON, "feature %d treats NaN in the unknown way %q", f.Flat,
			in.Treatment)
	}
	d.e.Conditions.Floats = append(d.e.Conditions.Floats, f)
	return nil
}

// tree reads a tree. The number of its leaves determines the number of outputs: JSON does not state
// it.
func (d *jsonModel) tree(i int) error {
	if i >= forest.MaxTrees {
		return forest.Beyond(formatJSON, forest.MaxTrees, "too many trees")
	}
	var in jsonTree
	if err := d.dec.Decode(&in); err != nil {
		return fmt.Errorf("tree %d: %w", i, err)
	}
	depth := len(in.Splits)
	if depth > forest.MaxDepth {
		return forest.Damaged(formatJSON, "tree %d has depth %d, at most %d is accepted", i, depth,
			forest.MaxDepth)
	}
	if i == 0 {
		d.e.Outputs = min(max(len(in.Leaves)>>depth, 1), forest.MaxOutputs)
	}
	if n, want := len(in.Leaves), d.e.Outputs<<depth; n != want {
		return forest.Damaged(formatJSON, "tree %d of depth %d has %d leaf values, expected %d", i,
			depth, n, want)
	}
	for j, split := range in.Splits {
		if split.Index == nil {
			return forest.Damaged(formatJSON, "split %d of tree %d has no split_index", j, i)
		}
		d.e.Conditions.Splits = append(d.e.Conditions.Splits, *split.Index)
	}
	d.e.Conditions.Depths = append(d.e.Conditions.Depths, uint8(depth))
	d.e.Leaves = append(d.e.Leaves, in.Leaves...)
	d.e.Weights.Doubles = append(d.e.Weights.Doubles, in.Weights...)
	return nil
}

// scaleAndBias reads [scale, [bias]]; very old files have [scale, bias].
func (d *jsonModel) scaleAndBias() error {
	var pair []json.RawMessage
	if err := d.dec.Decode(&pair); err != nil {
		return fmt.Errorf("scale_and_bias: %w", err)
	}
	if pair == nil { // null
		return nil
	}
	if len(pair) != 2 {
		return forest.Damaged(formatJSON, "scale_and_bias has %d elements, expected 2", len(pair))
	}
	if err := json.Unmarshal(pair[0], &d.e.Conditions.Scale); err != nil {
		return fmt.Errorf("scale: %w", err)
	}
	var one float64
	if json.Unmarshal(pair[1], &one) == nil {
		d.e.Bias = []float64{one}
		return nil
	}
	if err := json.Unmarshal(pair[1], &d.e.Bias); err != nil {
		return fmt.Errorf("bias: %w", err)
	}
	return nil
}

// object calls each with every key of the next value, an object; each must consume the value of the
// key. null is an empty object.
func (d *jsonModel) object(each func(key string) error) error {
	open, err := d.open('{') // false for null
	if err != nil || !open {
		return err
	}
	for d.dec.More() {
		key, err := d.dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return forest.Damaged(formatJSON, "%v where a key was expected", key)
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err = d.dec.Token()
	return err
}

// array calls each for every element of the next value, an array; each must consume the element.
// null is an empty array.
func (d *jsonModel) array(each func(i int) error) error {
	open, err := d.open('[')
	if err != nil || !open {
		return err
	}
	for i := 0; d.dec.More(); i++ {
		if err := each(i); err != nil {
			return err
		}
	}
	_, err = d.dec.Token()
	return err
}

// open reads the delimiter that starts a value and reports false for null.
func (d *jsonModel) open(want json.Delim) (bool, error) {
	token, err := d.dec.Token()
	switch {
	case err != nil:
		return false, err
	case token == nil:
		return false, nil
	case token != want:
		return false, forest.Damaged(formatJSON, "%v at offset %d, expected %v", token,
			d.dec.InputOffset(), want)
	}
	return true, nil
}

// skip checks the syntax of a value and drops it.
func (d *jsonModel) skip() error {
	var ignored json.RawMessage
	return d.dec.Decode(&ignored)
}
