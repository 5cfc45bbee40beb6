package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// MaxFileSize is the largest model file, in bytes, that Load and LoadFile accept.
const MaxFileSize = 256 << 20

// Names of the formats, as Model.Format and FormatError.Format give them.
const (
	formatCBM  = "catboost-cbm"
	formatJSON = "catboost-json"
)

// Model is a loaded model. It is immutable and safe for concurrent use.
type Model struct {
	format   string
	features []Feature
	depths   []uint16 // of each tree
	outputs  int
	columns  columns
	// The trees, laid out for one of the families. A further family is a further pointer, and a case in evaluate: a call through an
	// interface would make every slice of inputs escape to the heap.
	oblivious  *oblivious
	asymmetric *asymmetric
	binary     *binaryForest
	objective  objective
	weights    leafWeights // for Explain
}

// Load reads a model in any supported format, told apart by its first bytes: "CBM1" for CatBoost's binary format, "tree" for
// LightGBM's text, '{' for JSON (white space may precede it) of CatBoost or, by the first key, XGBoost, and for XGBoost's UBJ. The
// model keeps no reference to data. Errors are of type *FormatError; one that wraps ErrUnsupported is about a sound model that
// this package cannot evaluate. Only an environment variable TierVariable that names no tier of this machine gives another error,
// which wraps ErrTier.
func Load(data []byte) (*Model, error) {
	m, err := decode(data)
	if err != nil {
		return nil, err
	}
	return m.On(TierAuto)
}

func decode(data []byte) (*Model, error) {
	if len(data) > MaxFileSize {
		return nil, damaged("", "%d bytes, at most %d are accepted", len(data), MaxFileSize)
	}
	start := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case bytes.HasPrefix(data, []byte(cbmMagic)):
		return newModel(decodeCBM(data))
	case bytes.HasPrefix(data, []byte(lightgbmMagic)), bytes.HasPrefix(data, []byte("tree\r\n")):
		return newBinaryModel(decodeLightGBM(data))
	case isUBJ(data):
		return newBinaryModel(decodeXGBoost(newUBJ(data)))
	case isXGBoostJSON(start):
		return newBinaryModel(decodeXGBoost(newJSONDocument(start)))
	case bytes.HasPrefix(start, []byte("{")):
		return newModel(decodeJSON(start))
	}
	return nil, damaged("", "starts with %q, expected %q (CatBoost binary), \"{\" (CatBoost or XGBoost JSON, XGBoost UBJ) or %q (LightGBM text)",
		data[:min(len(data), 8)], cbmMagic, lightgbmMagic)
}

// LoadFile reads a model from a regular file of at most MaxFileSize bytes. The error names the path.
func LoadFile(path string) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read model file: %w", err)
	}
	m, err := Load(data)
	if errors.Is(err, ErrTier) {
		return nil, err
	}
	if errors.Is(err, ErrUnsupported) {
		return nil, fmt.Errorf("model file %s: %w; see docs/models.md for what can be evaluated", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("model file %s: %w; write it again with save_model", path, err)
	}
	return m, nil
}

// readFile never waits. The kind of file is looked at before opening, because opening a device may have effects, and
// after it, because the file may have been replaced between the two.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := acceptable(path, info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := acceptable(path, info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, MaxFileSize+1)) // Load refuses what has grown beyond the limit since
}

// acceptable reports why a file cannot be a model's.
func acceptable(path string, info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file (%s)", path, info.Mode().Type())
	}
	if info.Size() > MaxFileSize {
		return fmt.Errorf("%s has %d bytes, at most %d are accepted", path, info.Size(), MaxFileSize)
	}
	return nil
}

// newModel lays out an ensemble that passed its check, unless it could not be decoded.
func newModel(e *ensemble, err error) (*Model, error) {
	if err != nil {
		return nil, err
	}
	columns, conditions, err := newColumns(e)
	if err != nil {
		return nil, err
	}
	m := &Model{format: e.format, features: describe(e), outputs: e.outputs, columns: columns,
		objective: e.objective, weights: leafWeights{doubles: e.weights}}
	for _, depth := range e.depths {
		m.depths = append(m.depths, uint16(depth))
	}
	if e.roots != nil {
		m.asymmetric = newAsymmetric(e, &m.columns, conditions)
	} else {
		m.oblivious = newOblivious(e, &m.columns, conditions)
	}
	return m, nil
}

// newBinaryModel is newModel for ordinary binary trees.
func newBinaryModel(b *binaryTrees, err error) (*Model, error) {
	if err != nil {
		return nil, err
	}
	forest, depths, err := newBinaryForest(b)
	if err != nil {
		return nil, err
	}
	return &Model{format: b.format, features: b.describe(), depths: depths, outputs: b.outputs, objective: b.objective,
		binary: forest, weights: b.weights}, nil
}

// describe lists the positions of the input row. A position that the file does not mention is an input the model ignores.
func describe(e *ensemble) []Feature {
	features := make([]Feature, e.inputs())
	for i := range e.floats {
		f := &e.floats[i]
		features[f.flat] = Feature{Name: f.name, Borders: len(f.borders), NaN: f.nan}
	}
	for i := range e.cats {
		features[e.cats[i].flat] = Feature{Name: e.cats[i].name, Kind: Categorical}
	}
	for i := range e.oneHots {
		features[e.cats[e.oneHots[i].cat].flat].Borders += len(e.oneHots[i].values)
	}
	for i := range e.statistics {
		for _, cat := range e.statistics[i].id.combination.cats {
			features[e.cats[cat].flat].Borders += len(e.statistics[i].borders)
		}
	}
	e.countSplits(features)
	for i := range features {
		if features[i].Name == "" {
			features[i].Name = strconv.Itoa(i)
		}
	}
	return features
}

// Format names the file format the model came from: "catboost-cbm", "catboost-json", "lightgbm", "xgboost-json" or
// "xgboost-ubj".
func (m *Model) Format() string { return m.format }

// Features describes the inputs of Raw, in their order: the flat feature index of CatBoost, with the features the model does
// not use. The slice is the caller's.
func (m *Model) Features() []Feature { return append([]Feature(nil), m.features...) }

// Trees returns the number of trees; a model without trees answers its bias.
func (m *Model) Trees() int { return len(m.depths) }

// Depth returns the depth of the deepest tree: 0 to 16 for symmetric trees, up to 255 for CatBoost's others, up to 4096 for
// LightGBM's and XGBoost's.
func (m *Model) Depth() int {
	deepest := uint16(0)
	for _, depth := range m.depths {
		deepest = max(deepest, depth)
	}
	return int(deepest)
}

// Outputs returns how many numbers the model answers a row with: 1 for a binary classifier and most regressions, one for each
// class or target otherwise.
func (m *Model) Outputs() int { return m.outputs }

// Raw evaluates the model on x, the values of Features in their order, and returns the untransformed output: for a
// classifier the log-odds of the positive class, for a regression the prediction; the first of several outputs. NaN is a missing
// value; values that x is too short for are missing, further ones are ignored. Values set in the row take the place of those in x.
// The result is finite, but for LightGBM's linear trees on infinite inputs. It has the bits of the original library, unless the model
// came from Fast.
//
// Raw allocates nothing if row came from NewRow of this model or has served it or a wider one before; another row grows. A nil row
// costs an allocation for each call.
func (m *Model) Raw(row *Row, x []float32) float64 {
	if row == nil {
		row = &Row{}
	}
	if m.outputs > 1 {
		row.outputs = m.AppendRaw(row.outputs[:0], row, x)
		return row.outputs[0]
	}
	var one [1]float64
	m.evaluate(row, x, one[:])
	return one[0]
}

// AppendRaw is Raw for models with several outputs: it appends all of them to dst. It allocates only if dst is too short.
func (m *Model) AppendRaw(dst []float64, row *Row, x []float32) []float64 {
	if row == nil {
		row = &Row{}
	}
	dst = slices.Grow(dst, m.outputs)
	all := dst[len(dst) : len(dst)+m.outputs]
	m.evaluate(row, x, all)
	return dst[:len(dst)+m.outputs]
}

// evaluate writes all outputs to dst.
func (m *Model) evaluate(row *Row, x []float32, dst []float64) {
	switch {
	case m.binary != nil:
		m.binary.raw(row, x, dst)
		return
	case m.asymmetric != nil:
		m.asymmetric.raw(row, x, dst)
		return
	}
	m.oblivious.raw(row, x, dst)
}
