package scorer

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded copies a slice to memory that ends where a page begins that nobody may touch: a kernel that reads or writes beyond it
// dies.
func guarded[T byte | uint32 | int32 | float32](t *testing.T, from []T) []T {
	t.Helper()
	var element T
	size := len(from) * int(unsafe.Sizeof(element))
	page := os.Getpagesize()
	whole := (size+page-1)/page*page + page
	mapped, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
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

// The kernels read and write nothing beyond what they are given, and find the leaves that pure Go finds.
func TestKernelsStayWithinTheirMemory(t *testing.T) {
	for i, s := range forestShapes {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		f := randomForest(rng, s.floats, s.keys, s.trees, s.depth, s.outputs)
		for _, tier := range vectorTiers() {
			b := blocksOf(f, tier)
			for _, q := range []*quantiser{&b.quantised.numbers, &b.quantised.others} {
				q.few, q.wide = guarded(t, q.few), guarded(t, q.wide)
			}
			b.program = guarded(t, b.program)
			row := &Row{}
			x := guarded(t, randomRow(rng, f, row))
			f.columns.fillNumbers(row, x)
			row.keys = guarded(t, row.keys[:max(f.columns.count, narrow)])
			row.vector = vectorRow{bins: guarded(t, make([]byte, mostBytes)), found: guarded(t, make([]uint32, chunkTrees))}
			b.quantised.quantise(tier, row, x)
			if got, want := foundBy(b, row), leavesOf(f, row); !slices.Equal(got, want) {
				t.Fatalf("shape %v, %s: leaves %v, expected %v", s, tier, got, want)
			}
		}
	}
}

func foundBy(b *blocks, row *Row) (found []uint32) {
	for _, c := range b.chunks {
		b.find(c, row)
		found = append(found, row.vector.found[:c.trees]...)
	}
	return found
}

// leavesOf asks the conditions one by one.
func leavesOf(f *oblivious, row *Row) (leaves []uint32) {
	for i, tree := range f.trees() {
		leaves = append(leaves, f.firsts[i]+uint32(leafIndex(row.keys, tree)))
	}
	return leaves
}
