package limits

import (
	"errors"
	"maps"
	"math"
	"sync/atomic"
)

// Unlimited is the threshold that nothing in flight reaches.
const Unlimited = math.MaxUint32

// MaxOverrides is how many keys may have a threshold of their own.
const MaxOverrides = 1 << 16

// ErrTooManyOverrides is returned where a further key would exceed
// [MaxOverrides].
var ErrTooManyOverrides = errors.New("limits: too many threshold overrides")

// thresholds maps keys to thresholds. Readers take no lock: a change
// replaces the whole map. Only one goroutine at a time may make changes, which is
// what Limiter.configuring is for.
type thresholds struct {
	otherwise atomic.Uint32
	byKey     atomic.Pointer[map[string]uint32] // the map is never changed; nil means empty
}

// of returns the threshold of key.
func (t *thresholds) of(key []byte) uint32 {
	if n, ok := t.own(key); ok {
		return n
	}
	return t.otherwise.Load()
}

// own returns the threshold of key if it has one of its own.
func (t *thresholds) own(key []byte) (n uint32, ok bool) {
	if m := t.byKey.Load(); m != nil {
		n, ok = (*m)[string(key)]
	}
	return n, ok
}

// set gives key a threshold of its own. It copies all overrides.
func (t *thresholds) set(key string, n uint32) error {
	m := t.all()
	m[key] = n
	if len(m) > MaxOverrides {
		return ErrTooManyOverrides
	}
	t.byKey.Store(&m)
	return nil
}

// clear makes key follow the default again.
func (t *thresholds) clear(key string) {
	m := t.all()
	delete(m, key)
	t.byKey.Store(&m)
}

// fill replaces all overrides.
func (t *thresholds) fill(overrides map[string]uint32) error {
	if len(overrides) > MaxOverrides {
		return ErrTooManyOverrides
	}
	if len(overrides) == 0 {
		t.byKey.Store(nil)
		return nil
	}
	m := maps.Clone(overrides)
	t.byKey.Store(&m)
	return nil
}

// all gives the overrides, as a copy.
func (t *thresholds) all() map[string]uint32 {
	if m := t.byKey.Load(); m != nil {
		return maps.Clone(*m)
	}
	return make(map[string]uint32)
}

// len is the number of overrides.
func (t *thresholds) len() int {
	if m := t.byKey.Load(); m != nil {
		return len(*m)
	}
	return 0
}
