package traffic

import (
	"hash/maphash"
	"sync/atomic"
)

// Caches of what depends on the user agent alone: a few thousand programs send nearly all requests.
// A result is the same with and without them.
var (
	// a secret, so that nobody can make two user agents count as one
	agentSeed  = maphash.MakeSeed()
	factsMemo  memo // packedFacts by the hash of the user agent
	engineMemo memo // what hashProgram returns by the key of the user agent
)

// memo is bounded by its size, 256 KiB. An entry is two words that any goroutine may overwrite at
// any time: the value, and the hash of the user agent combined with the value. Halves of two
// different entries do not combine to the wanted hash, so no lock is needed. The value 0 is not
// cached.
type memo [1 << 13]memoSet

// memoSet has the entries where a user agent may be, the newest first. It is half a cache line.
type memoSet [2]memoEntry

type memoEntry struct{ check, value atomic.Uint64 }

func (m *memo) set(hash uint64) *memoSet { return &m[hash%uint64(len(m))] }

// get returns the value of a hash, 0 if it has none.
func (m *memo) get(hash uint64) uint64 {
	s := m.set(hash)
	if v := s[0].get(hash); v != 0 {
		return v
	}
	return s[1].get(hash)
}

func (e *memoEntry) get(hash uint64) uint64 {
	if v := e.value.Load(); e.check.Load() == hash^v {
		return v
	}
	return 0
}

// put replaces the older entry. A concurrent put is lost, or leaves an entry that is not found.
func (m *memo) put(hash, value uint64) {
	s := m.set(hash)
	s[1].value.Store(s[0].value.Load())
	s[1].check.Store(s[0].check.Load())
	s[0].value.Store(value)
	s[0].check.Store(hash ^ value)
}
