package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tables256 looks bytes up in tables of 16 bytes of a quantised row.
type tables256 struct {
	bins, tables reg.Register
	list         reg.GPVirtual // bytes of the offsets of the tables: 4 for each
	back         reg.GPVirtual // the same, negative
	// bytes of the offsets, as a multiple of 32, and of the indices: 32 for each
	both reg.GPVirtual
}

func (l *tables256) prepare() {
	l.list, l.back, l.both = GP64(), GP64(), GP64()
	MOVQ(l.tables, l.list)
	SHLQ(Imm(2), l.list)
	MOVQ(l.list, l.back)
	NEGQ(l.back)
	LEAQ(at(l.list, 31), l.both)
	ANDQ(I32(-32), l.both)
	LEAQ(Mem{Base: l.both, Index: l.list, Scale: 8}, l.both)
}

// passed sets the bytes of the splits of the vector at p that pass, clears the others, and moves p
// behind the vector. name makes labels distinct. One register that counts up to 0 leads through
// offsets and indices, each from its end.
func (l *tables256) passed(p reg.Register, name string) reg.VecVirtual {
	v, passed := YMM(), YMM()
	list, left, offset := GP64(), GP64(), GP64()
	VPXOR(v, v, v)
	LEAQ(Mem{Base: p, Index: l.list, Scale: 1}, list)
	ADDQ(l.both, p)
	MOVQ(l.back, left)
	Label(name)
	table := YMM()
	MOVL(Mem{Base: list, Index: left, Scale: 1}, offset.As32())
	VBROADCASTI128(Mem{Base: l.bins, Index: offset, Scale: 1}, table)
	VPSHUFB(Mem{Base: p, Index: left, Scale: 8}, table, table)
	VPOR(table, v, v)
	ADDQ(Imm(4), left)
	JNZ(LabelRef(name))
	// AVX2 compares signed bytes only: a byte is at least the rank if it is the larger of the two.
	VPMAXUB(at(p, 0), v, passed)
	VPCMPEQB(passed, v, passed)
	ADDQ(Imm(32), p)
	return passed
}

func oblivious256() {
	begin("findOblivious256", "func(program *byte, blocks int, bins *byte, tables int, "+
		"found *uint32)",
		"findOblivious256 finds the leaves of blocks of 32 symmetric trees.")
	l := &tables256{bins: param("bins"), tables: param("tables")}
	program, blocks, found := param("program"), param("blocks"), param("found")
	// The two loops over tables are short: each fits into a cache line if the code from here on
	// begins one. Where the linker put the first across two lines, a row of 1000 trees took 12 %
	// longer. To align the loops themselves would cost a step for each level.
	align()
	l.prepare()
	first, bit, index := YMM(), YMM(), YMM()
	one, depth, deep := GP32(), GP32(), GP32()
	MOVL(U32(1), one)
	VMOVD(one, first.AsX())
	VPBROADCASTB(first.AsX(), first)
	firsts := GP64()

	Label("block")
	MOVL(at(program, 0), depth)
	MOVL(at(program, 4), deep)
	LEAQ(at(program, 64), firsts)
	ADDQ(U32(64+128), program)
	VPXOR(index, index, index)
	VMOVDQA(first, bit)
	TESTL(depth, depth)
	JZ(LabelRef("store"))
	Label("level")
	level256(l, program, "table", bit, index)
	DECL(depth)
	JNZ(LabelRef("level"))

	Label("store")
	for i := range 4 {
		wide := part256(index, i)
		VPADDD(at(firsts, 32*i), wide, wide)
		VMOVDQU(wide, at(found, 32*i))
	}
	TESTL(deep, deep)
	JZ(LabelRef("next"))

	Comment("Levels above the eighth are the second byte of the index.")
	VPXOR(index, index, index)
	VMOVDQA(first, bit)
	Label("deeper")
	level256(l, program, "deepertable", bit, index)
	DECL(deep)
	JNZ(LabelRef("deeper"))
	for i := range 4 {
		wide := part256(index, i)
		VPSLLD(Imm(8), wide, wide)
		VPADDD(at(found, 32*i), wide, wide)
		VMOVDQU(wide, at(found, 32*i))
	}

	Label("next")
	ADDQ(U32(128), found)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// level256 adds bit to the indices of the trees that pass their condition, and doubles it.
func level256(l *tables256, program reg.Register, name string, bit, index reg.VecVirtual) {
	passed := l.passed(program, name)
	VPAND(bit, passed, passed)
	VPADDB(passed, index, index)
	VPADDB(bit, bit, bit)
}

// part256 widens 8 of the 32 bytes of a vector.
func part256(v reg.VecVirtual, i int) reg.VecVirtual {
	half, wide := XMM(), YMM()
	VEXTRACTI128(Imm(uint64(i/2)), v, half)
	if i%2 == 1 {
		VPSRLDQ(Imm(8), half, half)
	}
	VPMOVZXBD(half, wide)
	return wide
}
