package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/headgate/headgate/scorer/internal/catboost"
	"github.com/headgate/headgate/scorer/internal/forest"
	"github.com/headgate/headgate/scorer/internal/lightgbm"
	"github.com/headgate/headgate/scorer/internal/xgboost"
)

// MaxFileSize is the largest model, in bytes, that Load, LoadFile and LoadReader accept.
const MaxFileSize = 256 << 20

// Load decodes a model in any supported format. The first bytes determine the format: "CBM1" is
// CatBoost's binary format, "tree" LightGBM's text, and '{' XGBoost's UBJ or JSON, which white
// space may precede, of CatBoost or XGBoost. The model keeps no reference to data. Errors are of
// type *FormatError; one that wraps ErrUnsupported is about a sound model that this package cannot
// evaluate. If the environment variable TierVariable does not name a tier of this machine, the
// error wraps ErrTier.
//
// All trees of the file are used; see Loader.
func Load(data []byte) (*Model, error) { return Loader{}.Load(data) }

// LoadFile reads a model from a regular file of at most MaxFileSize bytes. The error names the
// path.
func LoadFile(path string) (*Model, error) { return Loader{}.LoadFile(path) }

// LoadReader is Load for the content of r, such as an embedded file, an archive or a response. It
// reads at most one byte beyond MaxFileSize, and then refuses the model. An error of r is wrapped.
func LoadReader(r io.Reader) (*Model, error) { return Loader{}.LoadReader(r) }

// Loader loads models, and may use only the first iterations. The zero Loader uses all.
type Loader struct {
	// Iterations is how many training iterations are used, like iteration_range of XGBoost,
	// num_iteration of LightGBM and ntree_end of CatBoost. An iteration is one tree, or more if
	// there are several outputs or parallel trees. 0 means all; more than the model has is an
	// error.
	Iterations int

	// Best uses the iterations up to the one that early stopping found best, if the file names it,
	// as XGBClassifier and XGBRegressor of XGBoost do and its Booster does not. It overrides
	// Iterations then. Other libraries do not write later iterations.
	Best bool
}

// Load is Load with the settings of l.
func (l Loader) Load(data []byte) (*Model, error) {
	e, err := decode(data)
	if err != nil {
		return nil, publicError(err)
	}
	m, err := l.newModel(e)
	if err != nil {
		return nil, publicError(err)
	}
	return m.On(TierAuto)
}

// decode reads a file in the format that its first bytes determine.
func decode(data []byte) (*forest.Ensemble, error) {
	if len(data) > MaxFileSize {
		return nil, forest.Beyond("", MaxFileSize, "%d bytes", len(data))
	}
	start := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case catboost.IsBinary(data):
		return catboost.DecodeBinary(data)
	case lightgbm.IsModel(data):
		return lightgbm.Decode(data)
	case xgboost.IsUBJ(data):
		return xgboost.DecodeUBJ(data)
	case xgboost.IsJSON(start):
		return xgboost.DecodeJSON(start)
	case bytes.HasPrefix(start, []byte("{")) && !bytes.HasPrefix(start, []byte(`{"name"`)):
		return catboost.DecodeJSON(start)
	}
	return nil, unrecognised(data)
}

// LoadReader is LoadReader with the settings of l.
func (l Loader) LoadReader(r io.Reader) (*Model, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("scorer: read a model: %w", err)
	}
	return l.Load(data)
}

// LoadFile is LoadFile with the settings of l.
func (l Loader) LoadFile(path string) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read model file: %w", err)
	}
	m, err := l.Load(data)
	switch {
	case errors.Is(err, ErrTier):
		return nil, err
	case errors.Is(err, ErrIterations), errors.Is(err, forest.ErrExplained):
		return nil, fmt.Errorf("model file %s: %w", path, err)
	}
	if errors.Is(err, ErrUnsupported) {
		return nil, fmt.Errorf("model file %s: %w; see docs/models.md for what can be evaluated",
			path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("model file %s: %w; write it again with %s", path, err, writer(err))
	}
	return m, nil
}

// writer returns the function that writes files of the format of an error.
func writer(err error) string {
	var format *FormatError
	errors.As(err, &format)
	switch {
	case format != nil && strings.HasPrefix(format.Format, "xgboost"):
		return `save_model("m.json")`
	case format != nil && format.Format == lightgbm.Format:
		return `Booster.save_model("m.txt")`
	}
	return "save_model"
}

// readFile never blocks on a FIFO or device. It checks the kind of file before opening it, because
// opening a device may have effects, and after it, because the file may have been replaced in
// between.
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
	// Load refuses what has grown beyond the limit since
	return io.ReadAll(io.LimitReader(f, MaxFileSize+1))
}

// acceptable returns an error for a file that cannot be a model.
func acceptable(path string, info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file (%s)", path, info.Mode().Type())
	}
	if info.Size() > MaxFileSize {
		return fmt.Errorf("%s has %d bytes, at most %d are accepted", path, info.Size(),
			MaxFileSize)
	}
	return nil
}

// newModel lays out an ensemble that passed its check.
func (l Loader) newModel(e *forest.Ensemble) (*Model, error) {
	iterations := iterations{all: e.Iterations(), best: e.Best}
	if err := iterations.choose(l); err != nil {
		return nil, err
	}
	e.Keep(iterations.used)
	if err := e.Spread(); err != nil {
		return nil, err
	}
	m := &Model{format: e.Format, features: describe(e), outputs: e.Outputs,
		objective: newObjective(&e.Objective), weights: e.Weights,
		iterations: iterations, warnings: append(e.Warnings, iterations.warnings()...)}
	var err error
	if e.Binary != nil {
		err = m.layOutBinary(e)
	} else {
		err = m.layOutConditions(e)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// layOutConditions lays out CatBoost's trees.
func (m *Model) layOutConditions(e *forest.Ensemble) error {
	columns, conditions, err := newColumns(e)
	if err != nil {
		return err
	}
	m.columns = columns
	m.inputs = newInputs(m.features)
	for _, depth := range e.Conditions.Depths {
		m.depths = append(m.depths, uint16(depth))
	}
	if e.Conditions.Roots != nil {
		m.asymmetric = newAsymmetric(e, &m.columns, conditions)
	} else {
		m.oblivious = newOblivious(e, &m.columns, conditions)
	}
	return nil
}

// layOutBinary lays out binary trees.
func (m *Model) layOutBinary(e *forest.Ensemble) (err error) {
	m.inputs = newBinaryInputs(m.features, &e.Binary.Values)
	m.binary, m.depths, err = newBinaryForest(e)
	return err
}

// iterations counts the training iterations of a model.
type iterations struct{ used, all, best int }

// choose sets how many are used.
func (n *iterations) choose(l Loader) error {
	if n.best > n.all {
		n.best = 0 // stale: the model was sliced
	}
	switch n.used = n.all; {
	case l.Best && n.best > 0:
		n.used = n.best
	case l.Iterations < 0 || l.Iterations > n.all:
		return fmt.Errorf("%w: the first %d iterations are requested, the model has %d",
			ErrIterations, l.Iterations, n.all)
	case l.Iterations > 0:
		n.used = l.Iterations
	}
	return nil
}

// warnings returns a warning if the file names a best iteration that is not used.
func (n *iterations) warnings() []string {
	if n.best == 0 || n.used == n.best {
		return nil
	}
	return []string{fmt.Sprintf("early stopping found %d of %d iterations best, %d are used, as "+
		"by XGBoost's Booster.predict (XGBClassifier and XGBRegressor use %d: Loader.Best, "+
		"--iterations best)", n.best, n.all, n.used, n.best)}
}
