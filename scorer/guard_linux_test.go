package scorer

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded copies a slice to memory that ends where a page begins that nobody may touch: a kernel
// that reads or writes beyond it dies.
func guarded[T byte | uint32 | int32 | float32](t *testing.T, from []T) []T {
	t.Helper()
	var element T
	size := len(from) * int(unsafe.Sizeof(element))
	page := os.Getpagesize()
	whole := (size+page-1)/page*page + page
	mapped, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mapped) })
	if err := unix.Mprotect(mapped[whole-page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if len(from) == 0 {
		return nil
	}
	to := unsafe.Slice((*T)(unsafe.Pointer(&mapped[whole-page-size])), len(from))
	copy(to, from)
	return to
}

// The kernels read and write nothing beyond what they are given, and find the leaves that pure Go
// finds.
func TestKernelsStayWithinTheirMemory(t *testing.T) {
	for i, s := range forestShapes {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		f := randomForest(rng, s.floats, s.keys, s.trees, s.depth, s.outputs)
		for _, tier := range vectorTiers() {
			b := newTestBlocks(f, tier)
			for _, q := range []*quantiser{&b.quantised.numbers, &b.quantised.others} {
				q.few, q.wide = guarded(t, q.few), guarded(t, q.wide)
			}
			b.program = guarded(t, b.program)
			scratch := &Scratch{}
			x := guarded(t, randomRow(rng, f, scratch))
			fillNumbers(scratch.keys, f.columns.numbers, x)
			scratch.keys = guarded(t, scratch.keys[:max(f.columns.count, narrow)])
			scratch.vector = vectorRow{bins: guarded(t, make([]byte, mostBytes)),
				leaves: guarded(t, make([]uint32, chunkTrees))}
			b.quantised.quantise(tier, scratch, x)
			if got, want := foundBy(b, scratch), foundLeaves(f, scratch); !slices.Equal(got, want) {
				t.Fatalf("shape %v, %s: leaves %v, expected %v", s, tier, got, want)
			}
		}
	}
}

func foundBy(b *blocks, scratch *Scratch) (found []uint32) {
	for _, c := range b.chunks {
		b.find(c, scratch, scratch.vector.leaves)
		found = append(found, scratch.vector.leaves[:c.trees]...)
	}
	return found
}

// foundLeaves asks the conditions one by one.
func foundLeaves(f *oblivious, scratch *Scratch) (leaves []uint32) {
	for i, tree := range f.trees() {
		leaves = append(leaves, f.firsts[i]+uint32(leafIndex(scratch.keys, tree)))
	}
	return leaves
}

// The kernels for binary trees do, too. A number too many is what they may write: exitRoom says
// how many.
func TestExitKernelsStayWithinTheirMemory(t *testing.T) {
	if !slices.Contains(Tiers(), TierAVX512) {
		return // the layouts are tested on every machine
	}
	for i, s := range exitShapes {
		f := vectorForest(t, uint64(i), s.trees, s.leaves, s.features)
		x, rng := f.exits, rand.New(rand.NewPCG(uint64(i), 5))
		x.columns.few, x.columns.wide, x.program = guarded(t, x.columns.few), guarded(t,
			x.columns.wide), guarded(t, x.program)
		x.leaves = guarded(t, x.leaves)
		scratch := &Scratch{}
		f.grow(scratch)
		scratch.vector = vectorRow{treeBins: guarded(t, make([]byte, mostBytes)),
			treeKeys: guarded(t, make([]int32, f.columns.count))}
		found := guarded(t, make([]uint32, s.trees+exitRoom))
		want := make([]uint32, s.trees)
		for range 20 {
			values := make([]float32, s.features)
			for j := range values {
				if values[j] = randomNumber(rng, 400); rng.IntN(9) == 0 {
					values[j] = float32(math.NaN())
				}
			}
			f.columns.fill(scratch.treeKeys, values)
			x.find(scratch, scratch.treeKeys[:f.columns.count], found)
			x.rest.find(scratch.treeKeys, found[:s.trees])
			f.walker.find(scratch.treeKeys, want)
			if !slices.Equal(found[:s.trees], want) {
				t.Fatalf("shape %v: leaves %v, expected %v", s, found[:s.trees], want)
			}
		}
	}
}
