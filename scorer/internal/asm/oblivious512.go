package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lookup512 finds the bytes of 64 splits in the quantised row and compares them with their ranks.
type lookup512 interface {
	prepare() // before the loop
	// passed sets a mask of the splits of the vector at p that pass, and moves p behind it. name
	// makes labels distinct.
	passed(p reg.Register, name string) reg.OpmaskVirtual
}

// single512 holds a quantised row of 64 bytes in one register.
type single512 struct {
	bins  reg.Register
	table reg.VecVirtual
}

func (l *single512) prepare() {
	l.table = ZMM()
	VMOVDQU64(at(l.bins, 0), l.table)
}

func (l *single512) passed(p reg.Register, _ string) reg.OpmaskVirtual {
	v, passed := ZMM(), K()
	VMOVDQU64(at(p, 0), v)
	VPERMB(l.table, v, v)
	VPCMPUB(Imm(notBelow), at(p, 64), v, passed)
	ADDQ(U32(128), p)
	return passed
}

// narrow512 holds a quantised row of 256 bytes in four registers.
type narrow512 struct {
	bins   reg.Register
	tables [4]reg.VecVirtual
}

func (l *narrow512) prepare() {
	for i := range l.tables {
		l.tables[i] = ZMM()
		VMOVDQU64(at(l.bins, 64*i), l.tables[i])
	}
}

// The permutation looks at the lower seven bits of a byte, so the two halves of the row are looked
// up alike and bit seven chooses.
func (l *narrow512) passed(p reg.Register, _ string) reg.OpmaskVirtual {
	low, high, upper, passed := ZMM(), ZMM(), K(), K()
	VMOVDQU64(at(p, 0), low)
	VPMOVB2M(low, upper)
	VMOVDQA64(low, high)
	VPERMI2B(l.tables[1], l.tables[0], low)
	VPERMI2B(l.tables[3], l.tables[2], high)
	VMOVDQU8(high, upper, low)
	VPCMPUB(Imm(notBelow), at(p, 64), low, passed)
	ADDQ(U32(128), p)
	return passed
}

// wide512 looks at one page of 128 bytes after the other; each has a mask of the splits that look
// at it.
type wide512 struct{ bins, pages, stride reg.Register }

func (l *wide512) prepare() {
	// Masks take 8 bytes a page, and the whole is a multiple of 64.
	stride := GP64()
	LEAQ(Mem{Base: l.pages, Index: l.pages, Scale: 1, Disp: 0}, stride)
	SHLQ(Imm(2), stride)
	ADDQ(Imm(63), stride)
	ANDQ(I32(-64), stride)
	l.stride = stride
}

func (l *wide512) passed(p reg.Register, name string) reg.OpmaskVirtual {
	v, ids, low, passed := ZMM(), ZMM(), ZMM(), K()
	page, masks, left := GP64(), GP64(), GP64()
	VMOVDQU64(at(p, 0), ids)
	VMOVDQA64(ids, v)
	MOVQ(l.bins, page)
	LEAQ(at(p, 128), masks)
	MOVQ(l.pages, left)
	align()
	Label(name)
	mine := K()
	KMOVQ(at(masks, 0), mine)
	VMOVDQU64(at(page, 0), low)
	VPERMI2B(at(page, 64), low, mine, v)
	ADDQ(U32(128), page)
	ADDQ(Imm(8), masks)
	DECQ(left)
	JNZ(LabelRef(name))
	VPCMPUB(Imm(notBelow), at(p, 64), v, passed)
	LEAQ(Mem{Base: p, Index: l.stride, Scale: 1, Disp: 128}, p)
	return passed
}

// lookups512 returns the lookups by the suffix of the kernels that use them.
func lookups512(kernel func(suffix, extra string, lookup func() lookup512)) {
	kernel("Single512", "", func() lookup512 { return &single512{bins: param("bins")} })
	kernel("Held512", "", func() lookup512 { return &narrow512{bins: param("bins")} })
	kernel("Paged512", ", pages int", func() lookup512 {
		return &wide512{bins: param("bins"),
			pages: param("pages")}
	})
}

func oblivious512() {
	lookups512(func(suffix, extra string, lookup func() lookup512) {
		begin("findOblivious"+suffix, "func(program *byte, blocks "+
			"int, bins *byte"+extra+", found *uint32)",
			"findOblivious"+suffix+" finds the leaves of blocks of 64 symmetric trees.")
		findOblivious512(lookup())
	})
}

func findOblivious512(l lookup512) {
	program, blocks, found := param("program"), param("blocks"), param("found")
	l.prepare()
	first, bit, index := ZMM(), ZMM(), ZMM()
	one, depth, deep := GP32(), GP32(), GP32()
	MOVL(U32(1), one)
	VPBROADCASTB(one, first)
	firsts := GP64()

	Label("block")
	MOVL(at(program, 0), depth)
	MOVL(at(program, 4), deep)
	LEAQ(at(program, 64), firsts)
	ADDQ(U32(64+256), program)
	VPXORD(index, index, index)
	VMOVDQA64(first, bit)
	TESTL(depth, depth)
	JZ(LabelRef("store"))
	Label("level")
	level512(l, program, "page", bit, index)
	DECL(depth)
	JNZ(LabelRef("level"))

	Label("store")
	for i := range 4 {
		wide := part512(index, i)
		VPADDD(at(firsts, 64*i), wide, wide)
		VMOVDQU32(wide, at(found, 64*i))
	}
	TESTL(deep, deep)
	JZ(LabelRef("next"))

	Comment("Levels above the eighth are the second byte of the index.")
	VPXORD(index, index, index)
	VMOVDQA64(first, bit)
	Label("deeper")
	level512(l, program, "deeperpage", bit, index)
	DECL(deep)
	JNZ(LabelRef("deeper"))
	for i := range 4 {
		wide := part512(index, i)
		VPSLLD(Imm(8), wide, wide)
		VPADDD(at(found, 64*i), wide, wide)
		VMOVDQU32(wide, at(found, 64*i))
	}

	Label("next")
	ADDQ(U32(256), found)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// level512 adds bit to the indices of the trees that pass their condition, and doubles it.
func level512(l lookup512, program reg.Register, name string, bit, index reg.VecVirtual) {
	VPADDB(bit, index, l.passed(program, name), index)
	VPADDB(bit, bit, bit)
}

// part512 widens 16 of the 64 bytes of a vector.
func part512(v reg.VecVirtual, i int) reg.VecVirtual {
	part, wide := XMM(), ZMM()
	VEXTRACTI32X4(Imm(uint64(i)), v, part)
	VPMOVZXBD(part, wide)
	return wide
}
