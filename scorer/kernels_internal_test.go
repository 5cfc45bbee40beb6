package scorer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// vectorTiers are the tiers of the machine that have kernels; a machine without any has nothing to
// test here but the layouts.
func vectorTiers() []Tier { return Tiers()[1:] }

// randomForest has trees of depths up to the given one on random conditions: floats columns of
// numbers, and keys other columns.
func randomForest(rng *rand.Rand, floats, keys, trees, depth, outputs int) *oblivious {
	c := &columns{inputs: floats, count: floats + keys}
	for i, flat := range rng.Perm(floats) {
		missing := []int32{lowKey, highKey}[i%2]
		c.numbers = append(c.numbers, numberColumn{flat: int32(flat), missing: missing})
	}
	f := &oblivious{columns: c, outputs: outputs, scale: 1, bias: make([]float64, outputs)}
	var depths []uint8
	for range trees {
		depths = append(depths, uint8(rng.IntN(depth+1)))
	}
	f.addRuns(depths)
	for _, d := range depths {
		for range d {
			f.splits = append(f.splits, randomCondition(rng, floats, keys))
		}
		for range paddedWidth(d) - int(d) {
			f.splits = append(f.splits, never)
		}
		for range outputs << d {
			f.leaves = append(f.leaves, rng.NormFloat64())
		}
	}
	return f
}

func newTestBlocks(f *oblivious, tier Tier) *blocks {
	q, at := newQuantised(f.columns, f.splits)
	return newBlocks(f, tier, q, at)
}

func randomCondition(rng *rand.Rand, floats, keys int) keyCondition {
	column := rng.IntN(floats + keys)
	if column < floats {
		return keyCondition{column: uint16(column), border: forest.OrderKey(randomNumber(rng,
			column%300+1))}
	}
	return keyCondition{column: uint16(column), border: int32(rng.IntN(column%250 + 1))}
}

// randomNumber is one of about n values, or an odd one.
func randomNumber(rng *rand.Rand, n int) float32 {
	if rng.IntN(20) == 0 {
		odd := []float32{0, float32(math.Copysign(0, -1)), math.MaxFloat32, float32(math.Inf(1)),
			float32(math.Inf(-1))}
		return odd[rng.IntN(len(odd))]
	}
	return float32(rng.IntN(n)-n/2) / 4
}

func randomRow(rng *rand.Rand, f *oblivious, scratch *Scratch) []float32 {
	x := make([]float32, len(f.columns.numbers))
	for i := range x {
		if x[i] = randomNumber(rng, 400); rng.IntN(20) == 0 {
			x[i] = float32(math.NaN())
		}
	}
	scratch.grow(f.columns)
	for i := len(x); i < f.columns.count; i++ {
		scratch.keys[i] = int32(rng.IntN(256))
	}
	return x
}

// forestShapes cover rows of one register, of four, and of pages; groups and single columns; blocks
// that are full and not.
var forestShapes = []struct{ floats, keys, trees, depth, outputs int }{
	{1, 0, 1, 0, 1}, {1, 0, 1, 1, 1}, {3, 0, 31, 3, 1}, {0, 5, 32, 3, 1}, {17, 3, 33, 6, 1}, {60, 0,
		64, 6, 1}, {90, 20, 65, 8, 1},
	{200, 30, 100, 9, 1}, {300, 300, 130, 6, 3}, {1200, 10, 300, 6, 1}, {20, 5, 2100, 2, 2}, {4, 4,
		3, 16, 1},
}

// A quantised row holds the number of borders below each value, for every column, in each tier.
func TestQuantisedRow(t *testing.T) {
	for i, s := range forestShapes {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		f := randomForest(rng, s.floats, s.keys, s.trees, s.depth, s.outputs)
		q, at := newQuantised(f.columns, f.splits)
		scratch := &Scratch{}
		for range 20 {
			x := randomRow(rng, f, scratch)
			fillNumbers(scratch.keys, f.columns.numbers, x)
			for _, tier := range vectorTiers() {
				q.quantise(tier, scratch, x)
				for _, c := range f.splits {
					p := at(c)
					if got, want := scratch.vector.bins[p.bucket] >= p.rank, scratch.keys[c.column] > c.border; got != want {
						t.Fatalf("shape %v, %s: condition %v with key %d, at %v with byte %d: %v",
							s, tier, c, scratch.keys[c.column], p,
							scratch.vector.bins[p.bucket], got)
					}
				}
			}
		}
	}
}

// What the kernels take from a layout without a check stays within the arrays.
func TestLayoutsStayWithinBounds(t *testing.T) {
	for i, s := range forestShapes {
		rng := rand.New(rand.NewPCG(uint64(i), 2))
		f := randomForest(rng, s.floats, s.keys, s.trees, s.depth, s.outputs)
		for _, tier := range []Tier{TierAVX2, TierAVX512} {
			b := newTestBlocks(f, tier)
			if b == nil {
				t.Fatalf("shape %v, %s: no layout", s, tier)
			}
			checkQuantiser(t, &b.quantised.numbers, len(f.columns.numbers))
			checkQuantiser(t, &b.quantised.others, f.columns.count)
			checkBlocks(t, b, f)
		}
	}
}

// checkQuantiser reads the programs as the kernels do.
func checkQuantiser(t *testing.T, q *quantiser, values int) {
	t.Helper()
	if q.size() > 0 && q.inputs > values {
		t.Errorf("reads %d values of %d", q.inputs, values)
	}
	few, wide := toWords(q.few), toWords(q.wide)
	for range q.groups {
		for _, position := range few[:16] {
			if int(position) >= q.inputs {
				t.Errorf("reads value %d of %d", position, q.inputs)
			}
		}
		vectors := 4 * int(few[32])
		if vectors == 0 || vectors > forest.BucketBorders+3 {
			t.Errorf("%d vectors", vectors)
		}
		few = few[48+16*vectors:]
	}
	for range q.columns {
		if int(wide[0]) >= q.inputs {
			t.Errorf("reads value %d of %d", wide[0], q.inputs)
		}
		chunks := (int(wide[1]/4) - 32) / 16
		for i := max(chunks-1, 0); i < 16; i++ {
			if wide[16+i] != q.word(q.highest()) {
				t.Errorf("pivot %d can be passed, there are %d chunks", i, chunks)
			}
		}
		wide = wide[wide[1]/4:]
	}
	if len(few) != 0 || len(wide) != 0 {
		t.Errorf("%d and %d words are left", len(few), len(wide))
	}
}

// checkBlocks reads the program as the kernels do.
func checkBlocks(t *testing.T, b *blocks, f *oblivious) {
	t.Helper()
	lanes, program, trees, leaves := b.lookup.lanes(), b.program, 0, len(f.leaves)/f.outputs
	for _, c := range b.chunks {
		if c.start != len(b.program)-len(program) || c.blocks*lanes > chunkTrees ||
			c.trees > c.blocks*lanes {
			t.Errorf("chunk %v, its start is at %d", c, len(b.program)-len(program))
		}
		for range c.blocks {
			header := toWords(program[:vectorBytes])
			if header[0] > 8 || header[1] > 8 || header[1] > 0 && header[0] < 8 {
				t.Errorf("%d and %d levels", header[0], header[1])
			}
			firsts := toWords(program[vectorBytes:][:4*lanes])
			program = program[vectorBytes+4*lanes:]
			for lane, first := range firsts {
				if tree := trees + lane; tree < len(f.firsts) && first != f.firsts[tree] {
					t.Errorf("tree %d begins at leaf %d of %d", tree, first, leaves)
				}
			}
			for range header[0] + header[1] {
				checkVector(t, &b.lookup, program[:b.lookup.vectorBytes()])
				program = program[b.lookup.vectorBytes():]
			}
			trees += lanes
		}
	}
	if len(program) != 0 {
		t.Errorf("%d bytes are left", len(program))
	}
}

func checkVector(t *testing.T, l *lookup, v []byte) {
	t.Helper()
	if l.tier == TierAVX2 {
		for _, offset := range toWords(v[:l.listBytes()]) {
			if offset%tableBytes != 0 || offset+tableBytes > mostBytes {
				t.Errorf("table at %d", offset)
			}
		}
		return
	}
	for lane, bucket := range v[:64] {
		if l.pages > 0 && bucket >= pageBytes || l.pages == 0 && l.size <= vectorBytes &&
			bucket >= vectorBytes {
			t.Errorf("lane %d looks at byte %d of a register", lane, bucket)
		}
	}
	if l.pages*pageBytes > mostBytes {
		t.Errorf("%d pages", l.pages)
	}
}

func toWords(b []byte) []uint32 {
	words := make([]uint32, len(b)/4)
	for i := range words {
		words[i] = uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
	}
	return words
}

func TestAlignedMemory(t *testing.T) {
	for size := range 200 {
		if b := aligned(size); len(b) != size || cap(b) != size {
			t.Errorf("%d bytes of %d, expected %d", len(b), cap(b), size)
		}
	}
}

// deepTrees are random trees that grow leaf by leaf at random places, so that some become deep.
func deepTrees(rng *rand.Rand, trees, leaves, features int) *forest.Ensemble {
	b := &forest.BinaryTrees{Width: 1, Names: make([]string, features)}
	e := &forest.Ensemble{Outputs: 1, Bias: []float64{0}, PerIteration: 1, Binary: b}
	for range trees {
		t := forest.BinaryTree{First: int32(len(b.Splits)), Count: int32(rng.IntN(leaves))}
		if t.Count == 0 {
			t.Root = ^int32(len(e.Leaves))
			e.Leaves = append(e.Leaves, rng.NormFloat64())
		}
		var open []*int32 // where a child is still to be chosen
		b.Splits = append(b.Splits, make([]forest.BinarySplit, t.Count)...)
		for i := range t.Count {
			s := &b.Splits[t.First+i]
			*s = forest.BinarySplit{Feature: int32(rng.IntN(features)),
				Border:  forest.OrderKey(randomNumber(rng, 400)),
				Missing: forest.MissingRule(rng.IntN(2))}
			if len(open) > 0 {
				at := rng.IntN(len(open))
				*open[at] = i
				open = slices.Delete(open, at, at+1)
			}
			open = append(open, &s.Left, &s.Right)
		}
		for _, child := range open {
			*child = ^int32(len(e.Leaves))
			e.Leaves = append(e.Leaves, rng.NormFloat64())
		}
		b.Trees = append(b.Trees, t)
	}
	return e
}

// exitShapes cover groups of 16 and of 8 trees, full and not; trees too large for a group; rows of
// one register, of four, of pages.
var exitShapes = []struct{ trees, leaves, features int }{
	{1, 1, 1}, {1, 2, 1}, {15, 31, 3}, {16, 32, 40}, {17, 32, 200}, {2100, 4, 9}, {8, 64, 5}, {9,
		64, 70}, {70, 64, 800}, {30, 70, 20}, {40, 32, 600},
}

// vectorForest is a forest with its layout for the kernels, which exists whatever the machine has.
func vectorForest(t *testing.T, seed uint64, trees, leaves, features int) *binaryForest {
	t.Helper()
	e := deepTrees(rand.New(rand.NewPCG(seed, 4)), trees, leaves, features)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	f, _, err := newBinaryForest(e)
	if err != nil {
		t.Fatal(err)
	}
	if f.exits = newExits(&f.walker, f.columns.count, exitLeaves); f.exits == nil {
		t.Fatalf("%d trees of up to %d leaves: no layout", trees, leaves)
	}
	return f
}

// What the kernels take from the layout of binary trees without a check stays within the arrays.
func TestExitLayoutsStayWithinBounds(t *testing.T) {
	for i, s := range exitShapes {
		f := vectorForest(t, uint64(i), s.trees, s.leaves, s.features)
		x := f.exits
		checkQuantiser(t, &x.columns, f.columns.count)
		program := x.program
		for _, c := range x.chunks {
			if c.start != len(x.program)-len(program) || c.blocks > chunkExits ||
				c.trees > c.blocks*x.trees {
				t.Errorf("chunk %v, its start is at %d", c, len(x.program)-len(program))
			}
			for range c.blocks {
				vectors := toWords(program[:4])[0]
				for _, first := range toWords(program[vectorBytes : 2*vectorBytes]) {
					// a count of leading zeros is at most 64
					if int(first)+exitLeaves >= len(x.leaves) {
						t.Errorf("a tree begins at leaf %d of %d", first, len(x.leaves))
					}
				}
				program = program[2*vectorBytes:]
				if vectors == 0 {
					t.Error("a group without vectors")
				}
				for range vectors {
					checkVector(t, &x.lookup, program)
					program = program[x.lookup.vectorBytes()+64*64/x.trees:]
				}
			}
		}
		if len(program) != 0 {
			t.Errorf("%d bytes are left", len(program))
		}
	}
}
