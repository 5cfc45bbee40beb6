package window

import (
	"fmt"

	"github.com/headgate/headgate/featurestore/traffic"
)

// blocks are a memory of hashes of a fixed size: cells of two cache lines, each at the place of its
// number, which is its key less one. It is kept in shards, so that checkpoints hold it like
// everything else; the name says all that decides what the words of a block mean. It belongs to the
// caller's goroutine.
type blocks struct {
	name   string
	shards []shard
	count  int  // a power of two
	ready  bool // every block is at its place
}

const (
	blockWords  = 32
	shardBlocks = 1 << 14
)

// newBlocks makes at least as many blocks as asked for, and no more than twice as many.
func newBlocks(name string, least int) *blocks {
	b := &blocks{name: name, count: 1}
	for b.count < least {
		b.count *= 2
	}
	p := &plan{words: blockWords, front: blockWords,
		opaque: fmt.Sprintf("%s, %d blocks", name, b.count), first: -1, hours: -1, agent: -1,
		opens: opens{at: -1}, usuals: usuals{at: -1}}
	for range (b.count + shardBlocks - 1) / shardBlocks {
		b.shards = append(b.shards, newShard(p, min(b.count, shardBlocks), 1))
	}
	return b
}

// cell returns the block of a hash.
func (b *blocks) cell(hash uint64) []uint32 {
	if !b.ready {
		b.begin()
	}
	number := hash >> 32 & uint64(b.count-1)
	at := number % shardBlocks * blockWords
	return b.shards[number/shardBlocks].cells[at : at+blockWords : at+blockWords]
}

// begin puts every block at its place: at first, and after a checkpoint of another order.
func (b *blocks) begin() {
	b.ready = true
	restored := b.shards
	b.shards = newBlocks(b.name, b.count).shards
	for number := range b.count {
		s, key := &b.shards[number/shardBlocks], uint64(number+1)
		place := s.append()
		s.index.insert(uint32(mix(key)), place)
		setKey(s.cell(place), key)
	}
	for i := range restored {
		for place := range uint32(len(restored[i].minutes)) {
			old := restored[i].cell(place)
			if number := cellKey(old) - 1; number < uint64(b.count) {
				copy(b.shards[number/shardBlocks].cell(uint32(number%shardBlocks)), old)
			}
		}
	}
}

func (b *blocks) kept(name string) keptPart {
	return keptPart{name, b.shards[0].plan, pointers(b.shards)}
}

func (b *blocks) maxBytes() int64 { return int64(b.count) * int64(b.shards[0].plan.bytesPerKey()) }

// combine makes one hash of the keys of a pair.
func combine(a, b uint64) uint64 {
	h := (a*0x9e3779b97f4a7c15 ^ b) * 0xbf58476d1ce4e5b9
	return mix(h ^ h>>29)
}

// networkKey is who counts as one client where several are told apart: the network, so that neither
// a /64 nor a rack is many.
func networkKey(o *traffic.Observation) uint64 { return o.Keys[traffic.DimNet] }
