package scorer

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Holder holds the model that is in use, and replaces it while it is: readers load one pointer, and an evaluation that has begun
// ends with the model that it began with. The zero Holder holds no model. It is safe for concurrent use.
type Holder struct {
	replacing sync.Mutex // held from the check of a model to its store: it was checked against the one it replaces
	current   atomic.Pointer[Model]
}

// Model returns the model in use, or nil. A Row that served the model before serves this one too, and may grow at the first call.
func (h *Holder) Model() *Model { return h.current.Load() }

// Replace puts a model in use if it takes the same inputs as the one before (see Fits) and its outputs mean the same: the
// probability of the same class, or else the predictions of the same objective for the same classes. Otherwise the old one stays, and
// the error, which wraps ErrMismatch, says why. The first model is always accepted. To change what the outputs mean, use another
// Holder. nil is an error.
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
		if err := m.meansWhat(old); err != nil {
			return err
		}
	}
	h.current.Store(m)
	return nil
}

// meansWhat says whether the outputs of m mean what those of old mean, for a model with as many outputs.
func (m *Model) meansWhat(old *Model) error {
	class, ok := m.PositiveClass()
	former, formerOK := old.PositiveClass()
	switch {
	case ok && formerOK && !SameClass(class, former):
		return fmt.Errorf("%w: the model predicts the class %q, expected %q", ErrMismatch, forest.Clipped(class), forest.Clipped(former))
	case ok && formerOK:
		return nil
	case ok != formerOK || m.objective.Name != old.objective.Name || m.objective.Link != old.objective.Link:
		return fmt.Errorf("%w: the model was trained for %q, expected %q", ErrMismatch, forest.Clipped(m.objective.Name), forest.Clipped(old.objective.Name))
	case !slices.EqualFunc(m.objective.Classes, old.objective.Classes, SameClass):
		return fmt.Errorf("%w: the model has the classes %.100q, expected %.100q", ErrMismatch, m.objective.Classes, old.objective.Classes)
	}
	return nil
}

// Fits says whether inputs that are filled in for the given features suit the model, and whether it
// gives so many outputs. Every feature of the model must stand at the same position with the same
// name and, if the model looks at it, the same kind; and the model must have all features, since it
// takes rows of no other length. The error names the first feature that does not fit, and wraps
// ErrMismatch. Where models differ in their features, a Set finds them by name.
func (m *Model) Fits(schema []Feature, outputs int) error {
	if m.outputs != outputs {
		return fmt.Errorf("%w: the model has %d outputs, expected %d", ErrMismatch, m.outputs, outputs)
	}
	for i, f := range m.features {
		if i >= len(schema) {
			return fmt.Errorf("%w: feature %d, %q, is beyond the %d that are known", ErrMismatch, i, forest.Clipped(f.Name), len(schema))
		}
		want := schema[i]
		if f.Name != want.Name {
			return fmt.Errorf("%w: feature %d is %q, expected %q", ErrMismatch, i, forest.Clipped(f.Name), forest.Clipped(want.Name))
		}
		if f.Kind != want.Kind && f.Borders > 0 {
			return fmt.Errorf("%w: feature %d, %q, is %v, expected %v", ErrMismatch, i, forest.Clipped(f.Name), f.Kind, want.Kind)
		}
	}
	if n := len(m.features); n < len(schema) {
		return fmt.Errorf("%w: the model does not have feature %d, %q", ErrMismatch, n, forest.Clipped(schema[n].Name))
	}
	return nil
}
