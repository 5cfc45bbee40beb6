#include "textflag.h"

// func line(p *byte)
TEXT ·line(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PLDL1KEEP
	RET

// func lines(p *byte, n uintptr)
TEXT ·lines(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1
	ADD  R0, R1, R1

next:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	CMP  R1, R0
	BCC  next
	SUB  $1, R1
	PRFM (R1), PLDL1KEEP
	RET

// func each(first *Line, count uintptr)
TEXT ·each(SB), NOSPLIT, $0-16
	MOVD first+0(FP), R0
	MOVD count+8(FP), R1
	ADD  R1<<3, R0, R1
	JMP  test

next:
	MOVD.P 8(R0), R2
	PRFM   (R2), PLDL1KEEP

test:
	CMP R1, R0
	BCC next
	RET
