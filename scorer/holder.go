package scorer

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Holder holds the model in use and replaces it atomically: readers load one pointer, and an
// evaluation that has begun ends with the model that it began with. The zero Holder holds no model.
// It is safe for concurrent use.
type Holder struct {
	replacing sync.Mutex // held from the check of a model to its store
	current   atomic.Pointer[Model]
}

// Model returns the model in use, or nil. A Scratch of the previous model can be used with this
// one, and may grow at the first call.
func (h *Holder) Model() *Model { return h.current.Load() }

// Replace puts a model in use if it takes the same inputs as the current one (see Fits) and its
// outputs mean the same: the probability of the same class, or else the predictions of the same
// objective for the same classes. Otherwise the current model stays in use, and the error, which
// wraps ErrMismatch, is the reason. The first model is always accepted. To change the meaning of
// the outputs, use another Holder. nil is an error.
func (h *Holder) Replace(m *Model) error {
	if m == nil {
		return fmt.Errorf("%w: there is no model", ErrMismatch)
	}
	h.replacing.Lock()
	defer h.replacing.Unlock()
	if old := h.current.Load(); old != nil {
		if err := m.Fits(old.features, old.outputs); err != nil {
			return err
		}
		if err := m.checkMeaning(old); err != nil {
			return err
		}
	}
	h.current.Store(m)
	return nil
}

// checkMeaning returns an error unless the outputs of m mean what those of old mean. Both have the
// same number of outputs.
func (m *Model) checkMeaning(old *Model) error {
	class, ok := m.PositiveClass()
	former, formerOK := old.PositiveClass()
	switch {
	case ok && formerOK && !SameClass(class, former):
		return fmt.Errorf("%w: the model predicts the class %q, expected %q", ErrMismatch,
			forest.Clipped(class), forest.Clipped(former))
	case ok && formerOK:
		return nil
	case ok != formerOK || m.objective.Name != old.objective.Name ||
		m.objective.Link != old.objective.Link:
		return fmt.Errorf("%w: the model was trained for %q, expected %q", ErrMismatch,
			forest.Clipped(m.objective.Name), forest.Clipped(old.objective.Name))
	case !slices.EqualFunc(m.objective.Classes, old.objective.Classes, SameClass):
		return fmt.Errorf("%w: the model has the classes %.100q, expected %.100q", ErrMismatch,
			m.objective.Classes, old.objective.Classes)
	}
	return nil
}

// Fits returns an error unless rows of the given features suit the model and it has the given
// number of outputs. The features of the model must be those of schema, at the same positions, with
// the same names and, if the model uses them, the same kinds. The error names the first feature
// that does not fit, and wraps ErrMismatch. For models with different features use a Set, which
// matches features by name.
func (m *Model) Fits(schema []Feature, outputs int) error {
	if m.outputs != outputs {
		return fmt.Errorf("%w: the model has %d outputs, expected %d", ErrMismatch, m.outputs,
			outputs)
	}
	for i, f := range m.features {
		if i >= len(schema) {
			return fmt.Errorf("%w: feature %d, %q, is beyond the %d that are known", ErrMismatch, i,
				forest.Clipped(f.Name), len(schema))
		}
		want := schema[i]
		if f.Name != want.Name {
			return fmt.Errorf("%w: feature %d is %q, expected %q", ErrMismatch, i,
				forest.Clipped(f.Name), forest.Clipped(want.Name))
		}
		if f.Kind != want.Kind && f.Borders > 0 {
			return fmt.Errorf("%w: feature %d, %q, is %v, expected %v", ErrMismatch, i,
				forest.Clipped(f.Name), f.Kind, want.Kind)
		}
	}
	if n := len(m.features); n < len(schema) {
		return fmt.Errorf("%w: the model does not have feature %d, %q", ErrMismatch, n,
			forest.Clipped(schema[n].Name))
	}
	return nil
}
