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

// thresholds maps keys, by hash, to thresholds. Readers take no lock: a change
// replaces the whole map. Only one goroutine at a time may make changes, which is
// what Limiter.configuring is for.
type thresholds struct {
	otherwise atomic.Uint32
	byHash    atomic.Pointer[map[uint64]uint32] // the map is never changed; nil means empty
}

// of returns the threshold of hash.
func (t *thresholds) of(hash uint64) uint32 {
	if m := t.byHash.Load(); m != nil {
		if n, ok := (*m)[hash]; ok {
			return n
		}
	}
	return t.otherwise.Load()
}

// set gives hash a threshold of its own. It copies all overrides.
func (t *thresholds) set(hash uint64, n uint32) error {
	m := t.all()
	m[hash] = n
	if len(m) > MaxOverrides {
		return ErrTooManyOverrides
	}
	t.byHash.Store(&m)
	return nil
}

// clear makes hash follow the default again.
func (t *thresholds) clear(hash uint64) {
	m := t.all()
	delete(m, hash)
	t.byHash.Store(&m)
}

// fill replaces all overrides.
func (t *thresholds) fill(overrides map[string]uint32) error {
	if len(overrides) > MaxOverrides {
		return ErrTooManyOverrides
	}
	if len(overrides) == 0 {
		t.byHash.Store(nil)
		return nil
	}
	m := make(map[uint64]uint32, len(overrides))
	for key, n := range overrides {
		m[HashString(key)] = n
	}
	t.byHash.Store(&m)
	return nil
}

// all gives the overrides, as a copy.
func (t *thresholds) all() map[uint64]uint32 {
	if m := t.byHash.Load(); m != nil {
		return maps.Clone(*m)
	}
	return make(map[uint64]uint32)
}

// len is the number of overrides.
func (t *thresholds) len() int {
	if m := t.byHash.Load(); m != nil {
		return len(*m)
	}
	return 0
}
