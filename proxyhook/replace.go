package proxyhook

import (
	"errors"
	"fmt"
	"sync"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/scorer"
)

// ReplaceModel uses m for the decisions that begin from now on. Decisions in progress end with the
// model that they began with: each score is that of one model. m may have other inputs than the
// current model.
//
// A model is rejected, and the current one stays active, with an error that wraps
// scorer.ErrMismatch and names what does not fit: if it uses a feature that neither this release
// has nor the daemon publishes now, if its output is not the probability of the class of bots (see
// Config.BotClass), or if it contradicts the shadow on the kind of a feature's values. (New is less
// strict about features: it has no other model to use.)
//
// It is safe for concurrent use, also while Config.ModelFile is watched: the last model is used.
func (f *Filter) ReplaceModel(m *scorer.Model) error { return f.offered(f.useModel(m)) }

// ReplaceShadow is ReplaceModel for the shadow. nil ends the shadow.
func (f *Filter) ReplaceShadow(m *scorer.Model) error {
	if m == nil {
		return f.useShadow(nil)
	}
	return f.offered(f.useShadow(m))
}

func (f *Filter) offered(refused error) error {
	f.counters.offered(refused)
	if refused != nil {
		return fmt.Errorf("proxyhook: model refused: %w", refused)
	}
	return nil
}

// offered counts an accepted or rejected model.
func (c *counters) offered(refused error) {
	if refused != nil {
		c.modelsRefused.Add(1)
	} else {
		c.modelsReplaced.Add(1)
	}
}

func (f *Filter) useModel(m *scorer.Model) error {
	if m == nil {
		return errors.New("the model is nil")
	}
	f.replacing.Lock()
	defer f.replacing.Unlock()
	if err := f.fits(m); err != nil {
		return err
	}
	return f.use(m, f.scoring().shadow)
}

func (f *Filter) useShadow(m *scorer.Model) error {
	f.replacing.Lock()
	defer f.replacing.Unlock()
	if m != nil {
		if err := f.fits(m); err != nil {
			return err
		}
	}
	return f.use(f.scoring().active, m)
}

// use must be called with f.replacing held: both models are prepared together, and the request path
// loads one pointer.
func (f *Filter) use(active, shadow *scorer.Model) error {
	next, err := newScoring(active, shadow)
	if err != nil {
		return err
	}
	if !f.features.use(next) {
		f.counters.faults.Add(1)
	}
	return nil
}

// scoring returns the models that score now.
func (f *Filter) scoring() *scoring { return f.features.current.Load().scoring }

// fits returns why a model cannot replace the current one.
func (f *Filter) fits(m *scorer.Model) error {
	if err := checkModel(m, f.config.BotClass); err != nil {
		return err
	}
	var unknown []string
	for _, feature := range m.Features() {
		if feature.Borders > 0 && !catalogued()[feature.Name] {
			unknown = append(unknown, feature.Name)
		}
	}
	if len(unknown) > 0 {
		unknown = f.features.unpublished(unknown)
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%w: feature %.100q is neither one that this release knows nor one that the daemon publishes (%d such)",
			scorer.ErrMismatch, unknown[0], len(unknown))
	}
	return nil
}

// checkModel returns why a model cannot score requests: its output is not the probability of a bot,
// the class called bot (empty: any class of the model), or it has other inputs than numbers.
func checkModel(m *scorer.Model, bot string) error {
	class, ok := m.PositiveClass()
	switch {
	case m.Outputs() != 1:
		return fmt.Errorf("%w: the model has %d outputs, expected 1", scorer.ErrMismatch, m.Outputs())
	case !ok:
		return fmt.Errorf("%w: the model was trained for %.100q, which has no class probability", scorer.ErrMismatch, m.Objective())
	case bot != "" && !scorer.SameClass(class, bot):
		return fmt.Errorf("%w: the model predicts the class %.100q, and bots are the class %.100q; if it is right, set Config.BotClass",
			scorer.ErrMismatch, class, bot)
	}
	return m.TakesNumbers()
}

// catalogued holds the full names of the features that this release has.
var catalogued = sync.OnceValue(func() map[string]bool {
	names := make(map[string]bool)
	for _, f := range traffic.RequestCatalog {
		names[f.FullName()] = true
	}
	for _, f := range traffic.Catalog() {
		names[f.FullName()] = true
	}
	return names
})
