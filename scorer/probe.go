package scorer

import (
	"math/bits"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// combination is a combination at run time: what identifies the table entry of a row, and the
// tables to look it up in.
type combination struct {
	cats    []int32              // indices into columns.cats
	numbers []keyCondition       // on columns that are filled before
	oneHots []forest.OneHotSplit // with an index into columns.cats
	probes  []probe
}

// hash identifies the values of a row, as CatBoost does (catboost/libs/model/hash.h): categorical
// hashes are extended by their sign, conditions are 0 or 1.
func (c *combination) hash(hashes, keys []int32) uint64 {
	h := uint64(0)
	for _, cat := range c.cats {
		h = mixHash(h, uint64(int64(hashes[cat])))
	}
	for i := range c.numbers {
		n := &c.numbers[i]
		h = mixHash(h, n.bit(keys[n.column]))
	}
	for _, o := range c.oneHots {
		is := uint64(0)
		if hashes[o.Cat] == o.Value {
			is = 1
		}
		h = mixHash(h, is)
	}
	return h
}

func mixHash(h, x uint64) uint64 {
	const mul = 0x4906ba494954cb65
	return mul * (h + mul*x)
}

// probe is a finished table of statistics: an open hash table from combinations to the keys of all
// columns that are derived from it. The values of the statistics, and how many borders are below
// them, are computed when the model is loaded.
type probe struct {
	first  int32    // column of the first statistic; the others follow
	width  int      // statistics
	shift  uint8    // 64 minus the logarithm of the number of buckets
	hashes []uint64 // of the buckets; NoHash in an empty one
	bins   []uint8  // width for each bucket
	unseen []uint8  // of combinations that are not in the table
}

// maxProbes bounds how many buckets of a table a lookup compares. Hashes are multiplied by a
// constant that trainers do not use, and at most half of the buckets are full, so honest tables
// stay far below.
const maxProbes = 128

// newProbe computes the table for the statistics that use it. It returns false if the hashes in it
// collide too often to be honest.
func newProbe(first int32, t *forest.StatisticTable, users []*forest.Statistic) (probe, bool) {
	slotBits := max(1, bits.Len(uint(max(2*len(t.Hashes), 1)-1)))
	p := probe{first: first, width: len(users), shift: uint8(64 - slotBits),
		hashes: make([]uint64, 1<<slotBits)}
	for i := range p.hashes {
		p.hashes[i] = forest.NoHash
	}
	p.bins = make([]uint8, len(p.hashes)*p.width)
	for i, h := range t.Hashes {
		at, ok := p.vacant(h)
		if !ok {
			return p, false
		}
		p.hashes[at] = h
		for j, s := range users {
			p.bins[at*p.width+j] = bin(s.Borders, s.Value(t, i))
		}
	}
	for _, s := range users {
		p.unseen = append(p.unseen, bin(s.Borders, s.Value(t, -1)))
	}
	return p, true
}

// bin returns the number of borders below v; NaN, which priors of 0 can cause, is not above any.
func bin(borders []float32, v float32) uint8 {
	n := 0
	for _, border := range borders {
		if v > border {
			n++
		}
	}
	return uint8(n)
}

func (p *probe) slot(h uint64) int {
	const mul = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return int(h * mul >> p.shift)
}

// vacant returns the bucket for a new hash; false if the hash is in the table or no empty bucket is
// near enough.
func (p *probe) vacant(h uint64) (int, bool) {
	at := p.slot(h)
	for range maxProbes {
		switch p.hashes[at] {
		case forest.NoHash:
			return at, h != forest.NoHash
		case h:
			return 0, false
		}
		at = (at + 1) & (len(p.hashes) - 1)
	}
	return 0, false
}

// find returns the bins of a combination. The number of steps is bounded, since many hashes may
// share a long run of full buckets.
func (p *probe) find(h uint64) []uint8 {
	at := p.slot(h)
	for range maxProbes {
		switch p.hashes[at] {
		case forest.NoHash:
			return p.unseen
		case h:
			return p.bins[at*p.width:][:p.width]
		}
		at = (at + 1) & (len(p.hashes) - 1)
	}
	return p.unseen
}
