package traffic

import (
	"hash/maphash"
	"sync/atomic"
)

// agentCache keeps the facts of user agents that this process read lately, so that a request need not read its own again: a
// few thousand programs send nearly all requests. It is a plain memo: whatever is in it, FactsOfAgent returns the same.
var agentCache = factCache{seed: maphash.MakeSeed()}

// factCache is bounded by its size, 256 KiB. An entry is two words that anybody may overwrite at any time: the hash of the user
// agent combined with the facts, and the facts. Two halves of different entries do not give the hash that is looked for, so that
// no lock is needed. The hash is under a secret of the process, so that nobody can make two user agents count as one.
type factCache struct {
	seed maphash.Seed
	sets [1 << 13]factSet
}

// factSet is where a user agent may be: the newest one of those comes first. It is half a cache line.
type factSet [2]factEntry

type factEntry struct{ check, facts atomic.Uint64 }

// present marks facts, so that an entry that was never filled does not pass for that of hash 0.
const present = 1 << 63

func (c *factCache) hash(agent string) uint64 { return maphash.String(c.seed, agent) }

func (c *factCache) set(hash uint64) *factSet { return &c.sets[hash%uint64(len(c.sets))] }

func (c *factCache) get(hash uint64) (packedFacts, bool) {
	s := c.set(hash)
	if p, ok := s[0].get(hash); ok {
		return p, true
	}
	return s[1].get(hash)
}

func (e *factEntry) get(hash uint64) (packedFacts, bool) {
	facts := e.facts.Load()
	return packedFacts(facts &^ present), facts&present != 0 && e.check.Load() == hash^facts
}

// put lets the older entry go. What others write there meanwhile is lost, or spoils an entry, which is then not found.
func (c *factCache) put(hash uint64, p packedFacts) {
	s, facts := c.set(hash), uint64(p)|present
	s[1].facts.Store(s[0].facts.Load())
	s[1].check.Store(s[0].check.Load())
	s[0].facts.Store(facts)
	s[0].check.Store(hash ^ facts)
}
