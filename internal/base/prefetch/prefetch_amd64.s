#include "textflag.h"

// func line(p *byte)
TEXT ·line(SB), NOSPLIT, $0-8
	MOVQ       p+0(FP), AX
	PREFETCHT0 (AX)
	RET

// func lines(p *byte, n uintptr)
TEXT ·lines(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX
	ADDQ AX, CX

next:
	PREFETCHT0 (AX)
	ADDQ       $64, AX
	CMPQ       AX, CX
	JCS        next
	PREFETCHT0 -1(CX)
	RET

// func each(first *Line, count uintptr)
TEXT ·each(SB), NOSPLIT, $0-16
	MOVQ first+0(FP), AX
	MOVQ count+8(FP), CX
	LEAQ (AX)(CX*8), CX
	JMP  test

next:
	MOVQ       (AX), DX
	PREFETCHT0 (DX)
	ADDQ       $8, AX

test:
	CMPQ AX, CX
	JCS  next
	RET
