package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
	depths   []uint8
	forest   forest
}

// Feature describes one position of the input row.
type Feature struct {
	// Name is the name in the model file, or the position as a decimal number if the file has none. Names are not
	// guaranteed to be distinct.
	Name string
	// Borders is the number of thresholds of the feature; 0 means that the model does not look at it.
	Borders int
	// NaN says how a missing value is treated.
	NaN NaNMode
}

// NaNMode says where a missing value (NaN) of a feature falls.
type NaNMode uint8

const (
	// NaNLow: NaN is on the low side of every border. CatBoost's modes Min and Forbidden, and any mode if no training row of
	// the feature had a missing value.
	NaNLow NaNMode = iota
	// NaNHigh: NaN counts as +Inf. CatBoost's mode Max, if training rows of the feature had missing values.
	NaNHigh
)

func (n NaNMode) String() string {
	switch n {
	case NaNLow:
		return "low"
	case NaNHigh:
		return "high"
	}
	return "NaNMode(" + strconv.Itoa(int(n)) + ")"
}

// Load reads a model in any supported format, told apart by its first bytes: "CBM1" for CatBoost's binary format, '{' for
// CatBoost's JSON (white space may precede it). The model keeps no reference to data. Errors are of type *FormatError; one
// that wraps ErrUnsupported is about a sound model that this package cannot evaluate.
func Load(data []byte) (*Model, error) {
	if len(data) > MaxFileSize {
		return nil, damaged("", "%d bytes, at most %d are accepted", len(data), MaxFileSize)
	}
	var e *ensemble
	var err error
	switch start := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(data, []byte(cbmMagic)):
		e, err = decodeCBM(data)
	case bytes.HasPrefix(start, []byte("{")):
		e, err = decodeJSON(start)
	default:
		return nil, damaged("", "starts with %q, expected %q (CatBoost binary) or \"{\" (CatBoost JSON)",
			data[:min(len(data), 8)], cbmMagic)
	}
	if err != nil {
		return nil, err
	}
	return newModel(e), nil
}

// LoadFile reads a model from a regular file of at most MaxFileSize bytes. The error names the path.
func LoadFile(path string) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read model file: %w", err)
	}
	m, err := Load(data)
	if errors.Is(err, ErrUnsupported) {
		return nil, fmt.Errorf("model file %s: %w; train with numeric features, symmetric trees and one output", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("model file %s: %w; write it again with save_model, format \"cbm\" or \"json\"", path, err)
	}
	return m, nil
}

// readFile asks for the kind of file before it opens it: opening a named pipe would wait for a writer.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (%s)", path, info.Mode().Type())
	}
	if info.Size() > MaxFileSize {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are accepted", path, info.Size(), MaxFileSize)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFileSize+1)) // Load refuses what has grown beyond the limit since
}

// newModel lays out an ensemble that passed its check.
func newModel(e *ensemble) *Model {
	return &Model{format: e.format, features: describe(e), depths: e.depths, forest: newForest(e)}
}

// describe lists the positions of the input row. A position that the file does not mention is an input the model ignores.
func describe(e *ensemble) []Feature {
	width := 0
	for i := range e.floats {
		width = max(width, e.floats[i].flat+1)
	}
	features := make([]Feature, width)
	for i := range e.floats {
		f := &e.floats[i]
		features[f.flat] = Feature{Name: f.name, Borders: len(f.borders), NaN: f.nan}
	}
	for i := range features {
		if features[i].Name == "" {
			features[i].Name = strconv.Itoa(i)
		}
	}
	return features
}

// Format names the file format the model came from: "catboost-cbm" or "catboost-json".
func (m *Model) Format() string { return m.format }

// Features describes the inputs of Raw, in their order: the flat feature index of CatBoost, with the features the model does
// not use. The slice is the caller's.
func (m *Model) Features() []Feature { return append([]Feature(nil), m.features...) }

// Trees returns the number of trees; a model without trees answers its bias.
func (m *Model) Trees() int { return len(m.depths) }

// Depth returns the depth of the deepest tree: 0 to 16.
func (m *Model) Depth() int {
	deepest := uint8(0)
	for _, depth := range m.depths {
		deepest = max(deepest, depth)
	}
	return int(deepest)
}

// Raw evaluates the model on x, the values of Features in their order, and returns the untransformed output: for a
// classifier the log-odds of the positive class, for a regression the prediction. NaN is a missing value; values that x is too
// short for are missing, further ones are ignored. The result is finite.
//
// row is scratch memory. Raw allocates nothing if row came from NewRow of this model or has served it or a wider one before;
// another row grows. A nil row costs an allocation for each call.
func (m *Model) Raw(row *Row, x []float32) float64 {
	if row == nil {
		row = &Row{}
	}
	return m.forest.eval(row, x)
}
