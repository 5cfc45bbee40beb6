package hostlimits

import (
	"errors"
	"maps"
	"math"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/keyhash"
)

// Unlimited is the threshold that no number of requests in flight reaches.
const Unlimited = math.MaxUint32

// MaxOverrides is the most keys that may have a threshold of their own.
const MaxOverrides = 1 << 16

// ErrTooManyOverrides is returned if there would be more than [MaxOverrides] overrides.
var ErrTooManyOverrides = errors.New("limits: too many threshold overrides")

// thresholds maps keys to thresholds. Readers take no lock: a change replaces the whole map.
// Writers hold Limiter.configuring.
type thresholds struct {
	fallback  atomic.Uint32
	overrides atomic.Pointer[overrides] // nil means empty
	hasher    *keyhash.Hasher
}

// overrides are the keys with a threshold of their own. They are never changed. Most keys have
// none, and for most of these the bits of present show it.
type overrides struct {
	byKey   map[string]uint32
	present [16]uint64 // a bit for each key, by its hash
}

// get returns the threshold of k.
func (t *thresholds) get(k key) uint32 {
	if n, ok := t.own(k); ok {
		return n
	}
	return t.fallback.Load()
}

// own returns the threshold of k if it has one of its own.
func (t *thresholds) own(k key) (n uint32, ok bool) {
	if o := t.overrides.Load(); o != nil && o.present[k.hash>>6&15]&(1<<(k.hash&63)) != 0 {
		n, ok = o.byKey[string(k.name)]
	}
	return n, ok
}

// set sets a threshold of key's own. It copies all overrides.
func (t *thresholds) set(key string, n uint32) error {
	m := t.all()
	m[key] = n
	return t.replace(m)
}

// clear makes key follow the default again.
func (t *thresholds) clear(key string) {
	m := t.all()
	delete(m, key)
	t.replace(m) // fewer than before
}

// fill replaces all overrides.
func (t *thresholds) fill(overrides map[string]uint32) error {
	return t.replace(maps.Clone(overrides))
}

// replace stores a map, which belongs to t from now on.
func (t *thresholds) replace(byKey map[string]uint32) error {
	if len(byKey) > MaxOverrides {
		return ErrTooManyOverrides
	}
	if len(byKey) == 0 {
		t.overrides.Store(nil)
		return nil
	}
	o := &overrides{byKey: byKey}
	for key := range byKey {
		hash := t.hasher.Hash([]byte(key))
		o.present[hash>>6&15] |= 1 << (hash & 63)
	}
	t.overrides.Store(o)
	return nil
}

// all returns a copy of the overrides.
func (t *thresholds) all() map[string]uint32 {
	if o := t.overrides.Load(); o != nil {
		return maps.Clone(o.byKey)
	}
	return make(map[string]uint32)
}

// len returns the number of overrides.
func (t *thresholds) len() int {
	if o := t.overrides.Load(); o != nil {
		return len(o.byKey)
	}
	return 0
}
