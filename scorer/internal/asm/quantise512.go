package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Predicates of VCMPPS, VPCMPUB and VPCMPD.
const (
	unordered = 0x03 // one of both is NaN
	greater   = 0x1e // ordered, quiet
	notBelow  = 0x05 // unsigned bytes

	greaterInteger = 0x06 // of VPCMPD
)

// begin opens a function that the Go side declares as it is described in signature.
func begin(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc)
}

// align moves what follows to the start of a cache line.
func align() { Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []Op{Imm(64)}}) }

func param(name string) reg.Register { return Load(Param(name), GP64()) }

func at(base reg.Register, disp int) Mem { return Mem{Base: base, Disp: disp} }

// ones32 fills the doublewords of a vector with 1.
func ones32() reg.VecVirtual {
	one := GP32()
	MOVL(U32(1), one)
	v := ZMM()
	VPBROADCASTD(one, v)
	return v
}

// quantise512 writes the kernels for both kinds of values: float32 inputs and keys.
func quantise512() {
	for _, kind := range []values{{suffix: "512"}, {suffix: "Keys512", keys: true}} {
		quantiseFew512(kind)
		quantiseWide512(kind)
	}
}

type values struct {
	suffix string
	keys   bool
}

func (v values) signature() string {
	if v.keys {
		return "func(program *byte, entries int, values *int32, bins *byte)"
	}
	return "func(program *byte, entries int, values *float32, bins *byte)"
}

// above compares a value with a vector of borders.
func (v values) above(borders Mem, value reg.VecVirtual) reg.OpmaskVirtual {
	above := K()
	if v.keys {
		VPCMPD(Imm(greaterInteger), borders, value, above)
	} else {
		VCMPPS(Imm(greater), borders, value, above)
	}
	return above
}

// missing is a mask of the values that are NaN.
func missing512(value reg.VecVirtual) reg.OpmaskVirtual {
	missing := K()
	VCMPPS(Imm(unordered), value, value, missing)
	return missing
}

// quantiseFew512 compares 16 columns with one border of each at a time.
func quantiseFew512(kind values) {
	begin("quantiseFew"+kind.suffix, kind.signature(),
		"quantiseFew"+kind.suffix+" counts the borders below the values of 16 columns at a time.")
	program, groups, values, bins := param("program"), param("entries"), param("values"), param("bins")
	one := ones32()
	left := GP32()
	v, positions, counts := ZMM(), ZMM(), ZMM()

	Label("group")
	VMOVDQU32(at(program, 0), positions)
	all := K()
	KXNORW(all, all, all)
	VPXORD(v, v, v)
	VPGATHERDD(Mem{Base: values, Index: positions, Scale: 4}, all, v)
	if !kind.keys {
		VMOVUPS(at(program, 64), missing512(v), v)
	}
	MOVL(at(program, 128), left)
	ADDQ(U32(192), program)
	VPXORD(counts, counts, counts)

	Label("border")
	for i := range 4 {
		VPADDD(one, counts, kind.above(at(program, 64*i), v), counts)
	}
	ADDQ(U32(256), program)
	DECL(left)
	JNZ(LabelRef("border"))

	VPMOVDB(counts, at(bins, 0))
	ADDQ(Imm(16), bins)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// quantiseWide512 finds the chunk of 16 borders by 16 pivots, and the place within it by one more
// comparison.
func quantiseWide512(kind values) {
	begin("quantiseWide"+kind.suffix, kind.signature(),
		"quantiseWide"+kind.suffix+" counts the borders below the value of one column at a time, "+
			"in two levels of 16.")
	program, columns, values, bins := param("program"), param("entries"), param("values"), param("bins")
	position, size, chunk, place := GP64(), GP64(), GP64(), GP64()
	v := ZMM()

	Label("column")
	MOVL(at(program, 0), position.As32())
	MOVL(at(program, 4), size.As32())
	VPBROADCASTD(Mem{Base: values, Index: position, Scale: 4}, v)
	if !kind.keys {
		VPBROADCASTD(at(program, 8), missing512(v), v)
	}
	KMOVW(kind.above(at(program, 64), v), chunk.As32())
	POPCNTL(chunk.As32(), chunk.As32())
	SHLL(Imm(4), chunk.As32())
	KMOVW(kind.above(Mem{Base: program, Index: chunk, Scale: 4, Disp: 128}, v), place.As32())
	POPCNTL(place.As32(), place.As32())
	ADDL(chunk.As32(), place.As32())
	MOVB(place.As8(), at(bins, 0))
	ADDQ(size, program)
	INCQ(bins)
	DECQ(columns)
	JNZ(LabelRef("column"))
	VZEROUPPER()
	RET()
}
