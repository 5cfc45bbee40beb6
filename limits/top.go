package limits

import (
	"cmp"
	"reflect"
	"slices"
	"sync"
)

const (
	defaultTopKeys = 1024
	maxTopKeys     = 1 << 20
	topPerSet      = 8
	topKeyBytes    = 124
)

// Top finds the keys with the most events in bounded memory, by the Space-Saving algorithm (A.
// Metwally, D. Agrawal and A. El Abbadi, "Efficient computation of frequent and top-k elements in
// data streams", ICDT 2005): a key that is not in the table reentries the key with the fewest
// events and inherits its count as a possible error. Here a key can replace one of the eight keys
// of its set, by its hash, so that an addition reads eight keys and not all. Of N events of the
// keys of one set, any key with more than N/8 is found. All methods are safe for concurrent use.
// Add takes a lock, for some nanoseconds, and allocates nothing.
type Top struct {
	sets []topSet // a power of two
}

type topSet struct {
	mutex   sync.Mutex
	entries [topPerSet]topEntry
}

type topEntry struct {
	hash         uint64
	count, error uint64 // count 0: free
	length       int
	name         [topKeyBytes]byte
}

// TopKey is one of the keys with the most events. Its true number is at least Count - Error and at
// most Count.
type TopKey struct {
	Key   string // its first 124 bytes
	Hash  uint64
	Count uint64
	Error uint64
}

// NewTop returns a counter with room for the given number of keys, at most 1,048,576, rounded up to
// a power of two and at least 8; 0 means 1,024. The error is a *[ConfigError].
func NewTop(keys int) (*Top, error) {
	if keys == 0 {
		keys = defaultTopKeys
	}
	if keys < 0 || keys > maxTopKeys {
		return nil, &ConfigError{Field: "keys", Value: keys, Reason: "must be 0 to 1,048,576"}
	}
	sets := 1
	for sets*topPerSet < keys {
		sets *= 2
	}
	return &Top{make([]topSet, sets)}, nil
}

// Add counts n events of key.
func (t *Top) Add(key []byte, n uint32) {
	if n == 0 {
		return
	}
	hash := Hash(key)
	set := &t.sets[hash>>32*uint64(len(t.sets))>>32]
	set.mutex.Lock()
	defer set.mutex.Unlock()
	least := &set.entries[0]
	for i := range set.entries {
		p := &set.entries[i]
		if p.count > 0 && p.hash == hash {
			p.count = min(p.count+uint64(n), saturated)
			return
		}
		if p.count < least.count {
			least = p
		}
	}
	*least = topEntry{hash: hash, count: min(least.count+uint64(n), saturated), error: least.count}
	least.length = copy(least.name[:], key)
}

// Heaviest appends the n keys with the most events to dst, the heaviest first.
func (t *Top) Heaviest(dst []TopKey, n int) []TopKey {
	first := len(dst)
	for i := range t.sets {
		dst = t.sets[i].append(dst)
	}
	found := dst[first:]
	slices.SortFunc(found, func(a, b TopKey) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Hash, b.Hash))
	})
	return dst[:first+max(0, min(n, len(found)))]
}

func (s *topSet) append(dst []TopKey) []TopKey {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i := range s.entries {
		if p := &s.entries[i]; p.count > 0 {
			dst = append(dst, TopKey{string(p.name[:p.length]), p.hash, p.count, p.error})
		}
	}
	return dst
}

// Bytes returns the memory of the counter.
func (t *Top) Bytes() int { return len(t.sets) * int(reflect.TypeFor[topSet]().Size()) }
