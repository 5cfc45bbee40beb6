package scorer

import (
	"encoding/binary"
	"slices"
)

// exits are binary trees laid out for the AVX-512 kernels, which do not walk: they
// evaluate all conditions of a tree. A condition that holds sends the row to the right, and so
// excludes the leaves below its left child. The leftmost leaf that is not excluded is the leaf of
// the row: every leaf further left is excluded at the node where its path leaves the path of the
// row, and a condition off that path excludes only leaves that are off it as well. (Lucchese et
// al., QuickScorer, SIGIR 2015, which goes through the conditions feature by feature, one tree's
// set of leaves at a time.)
//
// Trees of at most 32 leaves are taken 16 at a time, in the order of the model: the first
// conditions of all of them, then the second, and so on, 64 to a vector, with a set of leaves for
// each that is kept if the condition holds. Where a tree has up to 64 leaves, all are taken 8 at a
// time. Leaves are bits from the highest down, from left to right.
//
// Layout of a group: number of vectors (uint32, padded to 64 bytes); for each tree the position of
// its first leaf in leaves (uint32, padded to 64 bytes); then for each vector its conditions as
// lookup describes them, and 64 sets of 32 bits, or of 64.
//
// Trees of more leaves, shallow trees of more than 32, and trees with categorical splits are left
// to the walker; their lanes in the groups stay empty.
type exits struct {
	columns quantiser
	lookup  lookup
	trees   int // of a group
	program []byte
	chunks  []chunk
	// The leaf numbers of all trees, each from left to right, and 65 more, so that no bit count
	// leads beyond the end.
	leaves []uint32
	rest   walker
}

const (
	exitLeaves = 64
	exitDepth  = 10 // of trees that are worth a set of 64 leaves, in the mean
	exitRoom   = 16 // numbers that a kernel may write after those of the trees
	// chunkExits is the number of groups for one call of a kernel, which takes a few microseconds.
	chunkExits = 64
)

// exitTree is a tree while it is laid out.
type exitTree struct {
	splits []walkSplit
	masks  []uint64 // leaves that each split does not rule out if it holds
	leaves []uint32 // from left to right
}

// newExits lays out the trees of a walker of at most limit leaves, or returns nil if most of them
// do not fit, or have too many conditions.
func newExits(w *walker, columns, limit int) *exits {
	trees, rest := exitTrees(w, limit)
	if w.trees == 0 || 2*len(rest) > w.trees {
		return nil
	}
	x := &exits{trees: 16, rest: w.with(rest)}
	for i := range trees {
		if len(trees[i].leaves) > 32 {
			x.trees = 8
		}
	}
	at := x.quantise(trees, columns)
	if x.columns.size() > mostBytes {
		return nil
	}
	x.lookup = newLookup(TierAVX512, x.columns.size(), nil)
	for group := range slices.Chunk(trees, x.trees) {
		x.addGroup(group, at)
		if len(x.program) > mostProgram {
			return nil
		}
	}
	x.program = realigned(x.program)
	x.leaves = append(x.leaves, make([]uint32, exitLeaves+1)...)
	return x
}

// exitLimit is the number of leaves up to which the kernels are faster than the walker. Sets of 64
// leaves are twice as long as those of 32, and there are twice as many for a tree; the cost of a
// walk is proportional to the depth.
func exitLimit(w *walker) int {
	steps := 0
	for i := range w.blocks {
		steps += int(w.blocks[i].depth)
	}
	if steps > exitDepth*len(w.blocks) {
		return exitLeaves
	}
	return exitLeaves / 2
}

// exitTrees reads the trees in the order of the model. Those of more leaves than most are empty,
// and listed in rest.
func exitTrees(w *walker, most int) (trees []exitTree, rest []walkTree) {
	trees = make([]exitTree, w.trees)
	for _, tree := range w.list() {
		splits, leaves, ok := w.read(tree.root, most-1)
		if !ok {
			rest = append(rest, tree)
			continue
		}
		t := &trees[tree.number]
		t.splits, t.masks = splits, make([]uint64, len(splits))
		t.order(leaves, 0)
	}
	return trees, rest
}

// order puts the leaves below a node in order, from left to right.
func (t *exitTree) order(leaves []uint32, node int32) {
	if len(t.splits) == 0 || node < 0 {
		t.leaves = append(t.leaves, leaves[max(^node, 0)])
		return
	}
	first := len(t.leaves)
	t.order(leaves, t.splits[node].left)
	ruledOut := ^uint64(0) >> first &^ (^uint64(0) >> len(t.leaves))
	t.masks[node] = ^ruledOut
	t.order(leaves, t.splits[node].right)
}

// quantise lays out the columns, and returns how to find the byte test of a split.
func (x *exits) quantise(trees []exitTree, columns int) (at func(walkSplit) byteTest) {
	borders := make([][]int32, columns)
	for i := range trees {
		for _, s := range trees[i].splits {
			borders[s.column] = append(borders[s.column], signedKey(s.border))
		}
	}
	values := make([]numberColumn, columns)
	for i := range values {
		values[i].flat = int32(i)
	}
	var found byteTests
	x.columns, found = newQuantiser(values, borders, true)
	return func(s walkSplit) byteTest { return found.find(int(s.column), signedKey(s.border)) }
}

// signedKey converts a key and keeps the order: the kernels compare signed numbers, walkers
// unsigned ones.
func signedKey(key uint32) int32 { return int32(key ^ 1<<31) }

func (x *exits) addGroup(group []exitTree, at func(walkSplit) byteTest) {
	if n := len(x.chunks); n == 0 || x.chunks[n-1].blocks == chunkExits {
		x.chunks = append(x.chunks, chunk{start: len(x.program)})
	}
	c := &x.chunks[len(x.chunks)-1]
	c.blocks++
	c.trees += len(group)
	most := 1
	header := make([]byte, 2*vectorBytes)
	for i := range group {
		most = max(most, len(group[i].splits))
		binary.LittleEndian.PutUint32(header[vectorBytes+4*i:], uint32(len(x.leaves)))
		x.leaves = append(x.leaves, group[i].leaves...)
	}
	perVector := 64 / x.trees
	vectors := (most + perVector - 1) / perVector
	binary.LittleEndian.PutUint32(header, uint32(vectors))
	x.program = append(x.program, header...)
	for v := range vectors {
		x.addVector(group, v*perVector, at)
	}
}

// addVector lays out 64 conditions: those of each tree from split first on.
func (x *exits) addVector(group []exitTree, first int, at func(walkSplit) byteTest) {
	places := slices.Repeat([]byteTest{neverPasses}, 64)
	kept := slices.Repeat([]uint64{^uint64(0)}, 64)
	for lane := range places {
		tree, split := lane%x.trees, first+lane/x.trees
		if tree < len(group) && split < len(group[tree].splits) {
			places[lane], kept[lane] = at(group[tree].splits[split]), group[tree].masks[split]
		}
	}
	x.program = x.lookup.encode(x.program, places)
	for _, leaves := range kept {
		if x.trees == 16 {
			x.program = binary.LittleEndian.AppendUint32(x.program, uint32(leaves>>32))
		} else {
			x.program = binary.LittleEndian.AppendUint64(x.program, leaves)
		}
	}
}

// find writes the leaf number of every tree to at.
func (x *exits) find(scratch *Scratch, keys []uint32, at []uint32) {
	signed := scratch.vector.treeKeys[:len(keys)]
	for i, key := range keys {
		signed[i] = signedKey(key)
	}
	if x.columns.size() > 0 {
		x.columns.keysTo(TierAVX512, signed, scratch.vector.treeBins)
	}
	found := at
	for _, c := range x.chunks {
		x.findChunk(c, scratch, found)
		found = found[c.trees:]
	}
}
