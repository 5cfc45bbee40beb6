package traffic

import (
	"hash/maphash"
	"sync/atomic"
)

// agentCache keeps the facts of user agents that this process read lately, so that a request need not read its own again: a
// few thousand programs send nearly all requests. It is a plain memo: whatever is in it, FactsOfAgent returns the same.
var agentCache = factCache{seed: maphash.MakeSeed()}

// factCache is bounded by its size. An entry is two words that anybody may overwrite at any time: the hash of the user agent
// combined with the facts, and the facts. Two halves of different entries do not give the hash that is looked for, so that no
// lock is needed. The hash is under a secret of the process, so that nobody can make two user agents count as one.
type factCache struct {
	seed    maphash.Seed
	entries [1 << 12]factEntry
}

type factEntry struct{ check, facts atomic.Uint64 }

// present marks facts, so that an entry that was never filled does not pass for that of hash 0.
const present = 1 << 63

func (c *factCache) hash(agent string) uint64 { return maphash.String(c.seed, agent) }

func (c *factCache) entry(hash uint64) *factEntry { return &c.entries[hash%uint64(len(c.entries))] }

func (c *factCache) get(hash uint64) (packedFacts, bool) {
	e := c.entry(hash)
	facts := e.facts.Load()
	return packedFacts(facts &^ present), facts&present != 0 && e.check.Load() == hash^facts
}

func (c *factCache) put(hash uint64, p packedFacts) {
	e, facts := c.entry(hash), uint64(p)|present
	e.facts.Store(facts)
	e.check.Store(hash ^ facts)
}
