package scorer

import (
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// oblivious is an ensemble of symmetric trees laid out for evaluation in pure Go, and for the
// vector kernels (blocks): all nodes of one level have the same condition, so that the results of
// depth conditions, evaluated in any order, determine the leaf.
//
// A split compares the order key of an input with that of its border, so a row needs no
// quantisation. Measured against the usual way, quantising a row to bytes by a branch-free binary
// search and comparing bytes in the same unrolled loop (medians vary by half on the shared virtual
// Xeon they come from; these are the best of six runs of each): 100 trees of depth 6 on 50 features
// of 16 borders took 0.7 us with keys and 1.5 us with bytes, 1000 trees on 200 features of 64
// borders 5.8 us and 9.6 us; the search alone took 0.5 us and 3.4 us. Comparing float32 in place of
// keys was up to a fifth slower. Bytes pay where a vector register holds them.
//
// Trees of depth 6 or less are padded to 6 splits, those of 7 and 8 to 8, by splits that never
// pass: the padding is at the high bits of the leaf index, which stay 0.
//
// Leaves are added up while they are found, if they have one value and are added in order: then the
// additions take no time. A model of several outputs, which has the values of all outputs of a leaf
// next to each other, and one in Fast mode store the leaf numbers first. Storing them always would
// take 8 or 9 % longer, and keeping one or eight sums in memory 8 to 12 % (Zen 4, 100 to 1000
// trees).
type oblivious struct {
	columns *columns
	splits  []keyCondition // tree after tree, each padded to the width of its run
	firsts  []uint32       // number of the first leaf of each tree
	runs    []run
	leaves  []float64 // outputs values for each leaf
	outputs int
	scale   float64
	bias    []float64 // one for each output
	fast    bool      // leaves are added up in chains; outputs is 1 then
	blocks  *blocks   // the same trees for vector kernels, or nil
}

// never is a split that no key passes.
var never = keyCondition{border: math.MaxInt32}

// run is a sequence of consecutive trees of equal width.
type run struct {
	width int // splits of each tree, with padding
	trees int
}

// newOblivious lays out an ensemble that passed its check; conditions are those of its split ids.
func newOblivious(e *forest.Ensemble, columns *columns, conditions []keyCondition) *oblivious {
	f := &oblivious{columns: columns, leaves: e.Leaves, outputs: e.Outputs,
		scale: e.Conditions.Scale, bias: e.Bias}
	f.addRuns(e.Conditions.Depths)
	ids := e.Conditions.Splits
	for _, depth := range e.Conditions.Depths {
		for _, id := range ids[:depth] {
			f.splits = append(f.splits, conditions[id])
		}
		ids = ids[depth:]
		for range paddedWidth(depth) - int(depth) {
			f.splits = append(f.splits, never)
		}
	}
	return f
}

// on returns the same trees laid out for a tier.
func (f *oblivious) on(tier Tier) *oblivious {
	on := *f
	on.blocks = nil
	if tier != TierGo {
		q, at := newQuantised(f.columns, f.splits)
		on.blocks = newBlocks(f, tier, q, at)
	}
	return &on
}

// addRuns finds the runs of equal width and allocates the splits.
func (f *oblivious) addRuns(depths []uint8) {
	f.firsts = make([]uint32, len(depths))
	leaf, splits := uint32(0), 0
	for i, depth := range depths {
		width := paddedWidth(depth)
		if last := len(f.runs) - 1; last < 0 || f.runs[last].width != width {
			f.runs = append(f.runs, run{width: width})
		}
		f.runs[len(f.runs)-1].trees++
		f.firsts[i] = leaf
		leaf += 1 << depth
		splits += width
	}
	f.splits = make([]keyCondition, 0, splits)
}

func paddedWidth(depth uint8) int {
	switch {
	case depth <= 6:
		return 6
	case depth <= 8:
		return 8
	}
	return int(depth)
}

// raw writes the outputs for a row to dst. Widths of 6 and 8 are unrolled if a byte can index the
// columns.
func (f *oblivious) raw(scratch *Scratch, x []float32, dst []float64) {
	if f.blocks != nil {
		f.blocks.quantised.fill(f.blocks.lookup.tier, f.columns, scratch, x)
	} else {
		f.columns.fill(scratch, x)
	}
	f.add(scratch, dst)
}

// add is raw for a row whose columns are filled.
func (f *oblivious) add(scratch *Scratch, dst []float64) {
	if f.blocks != nil {
		f.blocks.add(f, scratch, dst)
		return
	}
	switch {
	case f.fast:
		var c chains
		c.add(f.found(scratch), f.leaves)
		dst[0] = c.sum()
	case f.outputs == 1:
		dst[0] = f.sum(scratch)
	default:
		clear(dst[:f.outputs])
		addLeaves(dst[:f.outputs], f.found(scratch), f.leaves)
	}
	f.rescale(dst)
}

// rescale turns the sums of leaves into outputs.
func (f *oblivious) rescale(dst []float64) {
	for k, bias := range f.bias {
		dst[k] = rescale(dst[k], f.scale, bias)
	}
}

// grow makes the scratch large enough for an evaluation in pure Go.
func (f *oblivious) grow(scratch *Scratch) {
	if f.blocks == nil && (f.fast || f.outputs > 1) {
		scratch.growLeaves(len(f.firsts))
	}
}

// sum adds up the leaves of a model with one output in the order of the trees.
func (f *oblivious) sum(scratch *Scratch) float64 {
	few := (*[narrow]int32)(scratch.keys)
	sum := 0.0
	splits, firsts := f.splits, f.firsts
	for _, r := range f.runs {
		switch {
		case f.columns.count > narrow || r.width > 8:
			sum = addAny(sum, scratch.keys, splits, r.width, firsts[:r.trees], f.leaves)
		case r.width == 8:
			sum = add8(sum, few, splits, firsts[:r.trees], f.leaves)
		default:
			sum = add6(sum, few, splits, firsts[:r.trees], f.leaves)
		}
		splits, firsts = splits[r.trees*r.width:], firsts[r.trees:]
	}
	return sum
}

// found writes the leaf number of every tree to the scratch.
func (f *oblivious) found(scratch *Scratch) []uint32 {
	f.grow(scratch)
	f.find(scratch, scratch.leaves)
	return scratch.leaves[:len(f.firsts)]
}

// find writes the leaf number of every tree to at, in pure Go.
func (f *oblivious) find(scratch *Scratch, at []uint32) {
	few := (*[narrow]int32)(scratch.keys)
	rest, splits, firsts := at[:len(f.firsts)], f.splits, f.firsts
	for _, r := range f.runs {
		switch {
		case f.columns.count > narrow || r.width > 8:
			findAny(rest, scratch.keys, splits, r.width, firsts[:r.trees])
		case r.width == 8:
			find8(rest, few, splits, firsts[:r.trees])
		default:
			find6(rest, few, splits, firsts[:r.trees])
		}
		rest, splits, firsts = rest[r.trees:], splits[r.trees*r.width:], firsts[r.trees:]
	}
}

// rescale skips the parts that do nothing, as CatBoost does: adding a bias of 0 would turn -0 into
// +0.
func rescale(sum, scale, bias float64) float64 {
	switch {
	case scale == 1 && bias == 0:
		return sum
	case scale == 1:
		return sum + bias
	case bias == 0:
		return scale * sum
	}
	return float64(scale*sum) + bias // the conversion forbids a fused multiply-add
}

// bit returns 1 if the condition holds, without a branch: the sign of the difference, which 64 bits
// always hold.
func (s *keyCondition) bit(key int32) uint64 { return uint64(int64(s.border)-int64(key)) >> 63 }

// add6 adds one leaf of each tree of width 6 to sum.
func add6(sum float64, keys *[narrow]int32, splits []keyCondition, firsts []uint32,
	leaves []float64) float64 {
	for _, first := range firsts {
		s := (*[6]keyCondition)(splits) // one check of the length for six splits
		splits = splits[6:]
		// A byte cannot leave an array of 256: the keys need no check.
		at := s[5].bit(keys[uint8(s[5].column)])
		at = at*2 + s[4].bit(keys[uint8(s[4].column)])
		at = at*2 + s[3].bit(keys[uint8(s[3].column)])
		at = at*2 + s[2].bit(keys[uint8(s[2].column)])
		at = at*2 + s[1].bit(keys[uint8(s[1].column)])
		at = at*2 + s[0].bit(keys[uint8(s[0].column)])
		sum += leaves[uint64(first)+at]
	}
	return sum
}

// add8 is add6 for width 8.
func add8(sum float64, keys *[narrow]int32, splits []keyCondition, firsts []uint32,
	leaves []float64) float64 {
	for _, first := range firsts {
		s := (*[8]keyCondition)(splits)
		splits = splits[8:]
		at := s[7].bit(keys[uint8(s[7].column)])
		at = at*2 + s[6].bit(keys[uint8(s[6].column)])
		at = at*2 + s[5].bit(keys[uint8(s[5].column)])
		at = at*2 + s[4].bit(keys[uint8(s[4].column)])
		at = at*2 + s[3].bit(keys[uint8(s[3].column)])
		at = at*2 + s[2].bit(keys[uint8(s[2].column)])
		at = at*2 + s[1].bit(keys[uint8(s[1].column)])
		at = at*2 + s[0].bit(keys[uint8(s[0].column)])
		sum += leaves[uint64(first)+at]
	}
	return sum
}

// addAny is for any width, and for more columns than a byte can index.
func addAny(sum float64, keys []int32, splits []keyCondition, width int, firsts []uint32,
	leaves []float64) float64 {
	for _, first := range firsts {
		sum += leaves[uint64(first)+leafIndex(keys, splits[:width])]
		splits = splits[width:]
	}
	return sum
}

// find6 writes one leaf number for each tree of width 6. It repeats add6, since the compiler does
// not inline what they have in common.
func find6(found []uint32, keys *[narrow]int32, splits []keyCondition, firsts []uint32) {
	found = found[:len(firsts)]
	for i, first := range firsts {
		s := (*[6]keyCondition)(splits)
		splits = splits[6:]
		at := s[5].bit(keys[uint8(s[5].column)])
		at = at*2 + s[4].bit(keys[uint8(s[4].column)])
		at = at*2 + s[3].bit(keys[uint8(s[3].column)])
		at = at*2 + s[2].bit(keys[uint8(s[2].column)])
		at = at*2 + s[1].bit(keys[uint8(s[1].column)])
		at = at*2 + s[0].bit(keys[uint8(s[0].column)])
		found[i] = first + uint32(at)
	}
}

// find8 is find6 for width 8.
func find8(found []uint32, keys *[narrow]int32, splits []keyCondition, firsts []uint32) {
	found = found[:len(firsts)]
	for i, first := range firsts {
		s := (*[8]keyCondition)(splits)
		splits = splits[8:]
		at := s[7].bit(keys[uint8(s[7].column)])
		at = at*2 + s[6].bit(keys[uint8(s[6].column)])
		at = at*2 + s[5].bit(keys[uint8(s[5].column)])
		at = at*2 + s[4].bit(keys[uint8(s[4].column)])
		at = at*2 + s[3].bit(keys[uint8(s[3].column)])
		at = at*2 + s[2].bit(keys[uint8(s[2].column)])
		at = at*2 + s[1].bit(keys[uint8(s[1].column)])
		at = at*2 + s[0].bit(keys[uint8(s[0].column)])
		found[i] = first + uint32(at)
	}
}

// findAny is for any width, and for more columns than a byte can index.
func findAny(found []uint32, keys []int32, splits []keyCondition, width int, firsts []uint32) {
	for i, first := range firsts {
		found[i] = first + uint32(leafIndex(keys, splits[:width]))
		splits = splits[width:]
	}
}

// leafIndex returns the leaf that a row falls into, numbered within its tree.
func leafIndex(keys []int32, splits []keyCondition) uint64 {
	at := uint64(0)
	for i := len(splits) - 1; i >= 0; i-- {
		s := &splits[i]
		at = at*2 + s.bit(keys[s.column])
	}
	return at
}
