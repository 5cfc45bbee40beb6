package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exits512 writes the kernels that find the leaves of binary trees: 16 trees of at most 32 leaves,
// or 8 trees of at most 64, at a time.
func exits512() {
	for _, trees := range []int{16, 8} {
		lookups512(func(suffix, extra string, lookup func() lookup512) {
			name := map[int]string{16: "findExits32", 8: "findExits64"}[trees] + suffix
			begin(name, "func(program *byte, groups int, bins *byte"+extra+", leaves *uint32, "+
				"found *uint32)",
				name+" finds the leaves that groups of trees end in.")
			findExits512(lookup(), trees)
		})
	}
}

func findExits512(l lookup512, trees int) {
	program, groups, leaves, found := param("program"), param("groups"), param("leaves"), param("found")
	l.prepare()
	vectors, bases := GP32(), GP64()
	open := ZMM()

	Label("group")
	MOVL(at(program, 0), vectors)
	LEAQ(at(program, 64), bases)
	ADDQ(U32(128), program)
	VPTERNLOGD(Imm(0xff), open, open, open)

	Label("vector")
	passed := l.passed(program, "page")
	for i := range 64 / trees {
		k := passed
		if i > 0 {
			k = K()
			KSHIFTRQ(Imm(uint64(i*trees)), passed, k)
		}
		if trees == 16 {
			VPANDD(at(program, 64*i), open, k, open)
		} else {
			VPANDQ(at(program, 64*i), open, k, open)
		}
	}
	ADDQ(U32(uint32(64*64/trees)), program)
	DECL(vectors)
	JNZ(LabelRef("vector"))

	first := ZMM()
	if trees == 16 {
		VPLZCNTD(open, first)
	} else {
		VPLZCNTQ(open, first)
		VPMOVQD(first, first.AsY())
	}
	VPADDD(at(bases, 0), first, first)
	gatherLeaves(leaves, first, found)
	ADDQ(Imm(uint64(4*trees)), found)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// gatherLeaves stores the numbers of 16 leaves.
func gatherLeaves(leaves reg.Register, positions reg.VecVirtual, found reg.Register) {
	all, numbers := K(), ZMM()
	KXNORW(all, all, all)
	VPXORD(numbers, numbers, numbers)
	VPGATHERDD(Mem{Base: leaves, Index: positions, Scale: 4}, all, numbers)
	VMOVDQU32(numbers, at(found, 0))
}
