package scorer

import (
	"encoding/binary"
	"slices"
)

// blocks are symmetric trees laid out for the vector kernels: as many trees as a vector has lanes
// are one block, in the order of the model. A block is evaluated level by level: the results of the
// first conditions of all its trees are bit 0 of their leaf indices, and so on. A tree that is less
// deep than the deepest of its block has conditions that never hold at the other levels.
//
// Layout of a block: number of levels up to 8, and of further levels (uint32 each, padded to 64
// bytes), number of the first leaf of each tree (uint32), then the vector of each level as lookup
// describes it.
//
// The kernels find the leaves, and Go adds them up. Adding in the kernel, between the blocks, takes
// 1.5 times as long on Intel: while 512-bit instructions are in flight, scalar additions have one
// port less and a higher latency.
type blocks struct {
	quantised *quantised // of the columns of one model, or of a set
	lookup    lookup
	program   []byte
	chunks    []chunk
}

// chunk is a run of blocks for one call of a kernel. The scheduler cannot interrupt assembly, so a
// call must be short.
type chunk struct {
	start  int // in the program
	blocks int
	trees  int
}

// chunkTrees is the number of trees of a chunk: at any depth they take well below 10 microseconds.
const chunkTrees = 1024

// mostProgram limits the memory of a layout, in bytes. A hostile model can need one that is larger
// than its trees.
const mostProgram = 256 << 20

// newBlocks lays out trees for a tier, over a quantised row in which at finds their conditions. It
// returns nil if they are too wide for the tier.
func newBlocks(f *oblivious, tier Tier, q *quantised, at func(keyCondition) byteTest) *blocks {
	if q.size > mostBytes {
		return nil
	}
	trees := f.trees()
	b := &blocks{quantised: q}
	lanes := laneCount(tier)
	var vectors [][]byteTest
	for block := range slices.Chunk(trees, lanes) {
		vectors = append(vectors, levels(block, lanes, at)...)
	}
	b.lookup = newLookup(tier, b.quantised.size, vectors)
	if len(vectors)*b.lookup.vectorBytes() > mostProgram {
		return nil
	}
	firsts := f.firsts
	for block := range slices.Chunk(trees, lanes) {
		b.addBlock(firsts[:len(block)], vectors[:deepest(block)])
		firsts, vectors = firsts[len(block):], vectors[deepest(block):]
	}
	b.program = realigned(b.program)
	return b
}

// trees returns the conditions of each tree, without the padding.
func (f *oblivious) trees() [][]keyCondition {
	var trees [][]keyCondition
	splits := f.splits
	for _, r := range f.runs {
		for range r.trees {
			tree := splits[:r.width]
			for len(tree) > 0 && tree[len(tree)-1] == never {
				tree = tree[:len(tree)-1]
			}
			trees = append(trees, tree)
			splits = splits[r.width:]
		}
	}
	return trees
}

// levels returns the vectors of a block.
func levels(block [][]keyCondition, lanes int, at func(keyCondition) byteTest) [][]byteTest {
	vectors := make([][]byteTest, deepest(block))
	for level := range vectors {
		vectors[level] = slices.Repeat([]byteTest{neverPasses}, lanes)
		for lane, tree := range block {
			if level < len(tree) {
				vectors[level][lane] = at(tree[level])
			}
		}
	}
	return vectors
}

func deepest(block [][]keyCondition) int {
	most := 0
	for _, tree := range block {
		most = max(most, len(tree))
	}
	return most
}

func (b *blocks) addBlock(firsts []uint32, vectors [][]byteTest) {
	if n := len(b.chunks); n == 0 || b.chunks[n-1].trees+b.lookup.lanes() > chunkTrees {
		b.chunks = append(b.chunks, chunk{start: len(b.program)})
	}
	c := &b.chunks[len(b.chunks)-1]
	c.blocks++
	c.trees += len(firsts)
	header := make([]byte, vectorBytes)
	binary.LittleEndian.PutUint32(header, uint32(min(len(vectors), 8)))
	binary.LittleEndian.PutUint32(header[4:], uint32(max(len(vectors)-8, 0)))
	b.program = append(b.program, header...)
	padded := make([]uint32, b.lookup.lanes())
	copy(padded, firsts)
	b.program = appendWords(b.program, padded)
	for _, v := range vectors {
		b.program = b.lookup.encode(b.program, v)
	}
}
