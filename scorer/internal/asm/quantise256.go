package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantise256 writes the kernels for both kinds of values. They read the layouts of the AVX-512
// kernels, half a vector at a time.
func quantise256() {
	for _, kind := range []values{{suffix: "256"}, {suffix: "Keys256", keys: true}} {
		quantiseFew256(kind)
		quantiseWide256(kind)
	}
}

// above256 compares a value with a vector of borders: all ones where it is above.
func (v values) above256(borders Mem, value reg.VecVirtual) reg.VecVirtual {
	above := YMM()
	if v.keys {
		VPCMPGTD(borders, value, above)
	} else {
		VCMPPS(Imm(greater), borders, value, above)
	}
	return above
}

// replaceNaN takes the lanes of a value that are NaN from a vector.
func replaceNaN(by, value reg.VecVirtual) {
	missing := YMM()
	VCMPPS(Imm(unordered), value, value, missing)
	VBLENDVPS(missing, by, value, value)
}

func quantiseFew256(kind values) {
	begin("quantiseFew"+kind.suffix, kind.signature(),
		"quantiseFew"+kind.suffix+" counts the borders below the values of 16 columns at a time.")
	program, groups, values, bins := param("program"), param("entries"), param("values"), param("bins")
	left, borders := GP32(), GP64()

	Label("group")
	var v, counts [2]reg.VecVirtual
	for half := range v {
		v[half], counts[half] = eight256(program, 32*half, values), YMM()
		if !kind.keys {
			by := YMM()
			VMOVUPS(at(program, 64+32*half), by)
			replaceNaN(by, v[half])
		}
		VPXOR(counts[half], counts[half], counts[half])
	}
	MOVL(at(program, 128), left)
	LEAQ(at(program, 192), borders)

	Label("border")
	for i := range 4 {
		for half := range v {
			VPSUBD(kind.above256(at(borders, 64*i+32*half), v[half]), counts[half], counts[half])
		}
	}
	ADDQ(U32(256), borders)
	DECL(left)
	JNZ(LabelRef("border"))

	// Packing works within halves of a register, so the quarters are put in order at the end.
	VPACKUSDW(counts[1], counts[0], counts[0])
	VPERMQ(Imm(0b11_01_10_00), counts[0], counts[0])
	high := XMM()
	VEXTRACTI128(Imm(1), counts[0], high)
	VPACKUSWB(high, counts[0].AsX(), high)
	VMOVDQU(high, at(bins, 0))
	MOVQ(borders, program)
	ADDQ(Imm(16), bins)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// eight256 collects eight values. Loads and inserts are as fast as a gather, and faster where
// microcode slows gathers down.
func eight256(program reg.Register, disp int, values reg.Register) reg.VecVirtual {
	var quads [2]reg.VecVirtual
	position := GP64()
	for q := range quads {
		quads[q] = XMM()
		for i := range 4 {
			MOVL(at(program, disp+16*q+4*i), position.As32())
			value := Mem{Base: values, Index: position, Scale: 4}
			if i == 0 {
				VMOVD(value, quads[q])
			} else {
				VPINSRD(Imm(uint64(i)), value, quads[q], quads[q])
			}
		}
	}
	v := YMM()
	VINSERTI128(Imm(1), quads[1], quads[0].AsY(), v)
	return v
}

func quantiseWide256(kind values) {
	begin("quantiseWide"+kind.suffix, kind.signature(),
		"quantiseWide"+kind.suffix+" counts the borders below the value of one column at a time, "+
			"in two levels of 16.")
	program, columns, values, bins := param("program"), param("entries"), param("values"), param("bins")
	position, size, chunk := GP64(), GP64(), GP64()
	v := YMM()

	Label("column")
	MOVL(at(program, 0), position.As32())
	MOVL(at(program, 4), size.As32())
	VPBROADCASTD(Mem{Base: values, Index: position, Scale: 4}, v)
	if !kind.keys {
		by := YMM()
		VPBROADCASTD(at(program, 8), by)
		replaceNaN(by, v)
	}
	pivots := kind.below256(Mem{Base: program, Disp: 64}, v)
	MOVL(pivots, chunk.As32())
	SHLL(Imm(4), chunk.As32())
	place := kind.below256(Mem{Base: program, Index: chunk, Scale: 4, Disp: 128}, v)
	ADDL(chunk.As32(), place)
	MOVB(place.As8(), at(bins, 0))
	ADDQ(size, program)
	INCQ(bins)
	DECQ(columns)
	JNZ(LabelRef("column"))
	VZEROUPPER()
	RET()
}

// below256 counts which of 16 borders are below a value.
func (v values) below256(borders Mem, value reg.VecVirtual) reg.GPVirtual {
	low, high := GP32(), GP32()
	VMOVMSKPS(v.above256(borders, value), low)
	VMOVMSKPS(v.above256(borders.Offset(32), value), high)
	SHLL(Imm(8), high)
	ORL(high, low)
	POPCNTL(low, low)
	return low
}
