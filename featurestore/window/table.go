package window

import (
	"math/bits"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// table keeps the keys of one dimension in shards of at most shardKeys, so that work on a whole
// shard takes little time.
type table struct {
	dimension traffic.Dimension
	plan      *plan
	shards    []shard
	shift     uint // of a mixed key, which selects its shard
}

const (
	shardKeys = 1 << 16
	maxShards = 256
)

func newTable(d traffic.Dimension, p *plan, config *Config) *table {
	n := 1
	for n*shardKeys < config.MaxKeys && n < maxShards {
		n *= 2
	}
	t := &table{dimension: d, plan: p, shift: shiftFor(n)}
	for i := range n {
		capacity := config.MaxKeys / n
		if i < config.MaxKeys%n {
			capacity++
		}
		t.shards = append(t.shards, newShard(p, capacity, uint8(config.Promote)))
	}
	return t
}

// shiftFor is the shift for a power of two of shards.
func shiftFor(shards int) uint { return uint(64 - bits.TrailingZeros(uint(shards))) }

// shard returns the shard of a key with the mixed hash h.
func (t *table) shard(h uint64) *shard { return &t.shards[h>>t.shift] }

func (t *table) keys() (n int) {
	for i := range t.shards {
		n += t.shards[i].keys()
	}
	return n
}

// expire drops the keys that were idle since before the given time.
func (t *table) expire(before int64, idle time.Duration) {
	for i := range t.shards {
		t.shards[i].expire(before, idle)
	}
}

// bytesPerKey bounds what is kept for a key of the capacity: its cell, up to 26 bytes of index and
// 16 of admission, its minute, its bits, and its place in the list of what is to be deleted.
func (p *plan) bytesPerKey() int { return 4*p.words + 64 }
