package traffic

import (
	"hash/maphash"
	"sync/atomic"
)

// What depends on the user agent alone is kept of those that this process read lately, so that a request need not read its own
// again: a few thousand programs send nearly all requests. These are plain memos: whatever is in them, the same is returned.
var (
	agentSeed  = maphash.MakeSeed() // a secret, so that nobody can make two user agents count as one
	factsMemo  memo                 // packedFacts by the hash of the user agent
	engineMemo memo                 // what hashProgram returns by the key of the user agent
)

// memo is bounded by its size, 256 KiB. An entry is two words that anybody may overwrite at any time: the hash of the user
// agent combined with what is kept, and that. Two halves of different entries do not give the hash that is looked for, so that
// no lock is needed. 0 is not kept.
type memo [1 << 13]memoSet

// memoSet is where a user agent may be: the newest one of those comes first. It is half a cache line.
type memoSet [2]memoEntry

type memoEntry struct{ check, value atomic.Uint64 }

func (m *memo) set(hash uint64) *memoSet { return &m[hash%uint64(len(m))] }

// get returns what is kept under a hash, 0 where there is nothing.
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

// put lets the older entry go. What others put there meanwhile is lost, or spoils an entry, which is then not found.
func (m *memo) put(hash, value uint64) {
	s := m.set(hash)
	s[1].value.Store(s[0].value.Load())
	s[1].check.Store(s[0].check.Load())
	s[0].value.Store(value)
	s[0].check.Store(hash ^ value)
}
