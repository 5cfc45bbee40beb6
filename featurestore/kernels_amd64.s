#include "go_asm.h"
#include "textflag.h"

// These are vector versions of the Go functions that their comments name, with the same bits. They
// trust what Go checked when it resolved the selection: the tables of a pick are inside of the image,
// its blocks inside of the row and the values.

// FADE4 is fade for the four rates at RATES: it expects the elapsed time in Y0, fadeConstants in Y12
// to Y15 and fadeTable at DX, and leaves the factors in X5. It uses R8 to R11 and Y1 to Y7. It reads
// the table by loads, since some processors gather slowly.
#define FADE4(RATES) \
	VMULPD       RATES, Y0, Y1;      \ // x
	VCMPPD       $0x0d, Y12, Y1, Y2; \ // x >= limit
	VMINPD       Y12, Y1, Y1;        \
	VCVTTPD2DQY  Y1, X3;             \ // n
	VCVTDQ2PD    X3, Y4;             \
	VSUBPD       Y4, Y1, Y1;         \ // r
	VMULPD       Y13, Y1, Y5;        \
	VADDPD       Y14, Y5, Y5;        \
	VMULPD       Y1, Y5, Y5;         \
	VADDPD       Y15, Y5, Y5;        \ // p
	VMOVQ        X3, R8;             \
	VPEXTRQ      $1, X3, R9;         \
	MOVBLZX      R8, R10;            \
	SHRQ         $32, R8;            \
	MOVBLZX      R8, R8;             \
	MOVBLZX      R9, R11;            \
	SHRQ         $32, R9;            \
	MOVBLZX      R9, R9;             \
	VMOVQ        (DX)(R10*8), X6;    \
	VPINSRQ      $1, (DX)(R8*8), X6, X6; \
	VMOVQ        (DX)(R11*8), X7;    \
	VPINSRQ      $1, (DX)(R9*8), X7, X7; \
	VINSERTI128  $1, X7, Y6, Y6;     \
	VPSRLD       $8, X3, X3;         \
	VPMOVZXDQ    X3, Y3;             \
	VPSLLQ       $52, Y3, Y3;        \
	VPSUBQ       Y3, Y6, Y6;         \
	VMULPD       Y6, Y5, Y5;         \
	VANDNPD      Y5, Y2, Y5;         \
	VCVTPD2PSY   Y5, X5

// func copyAVX2(to *reading, picks *pick, n int)
TEXT ·copyAVX2(SB), NOSPLIT, $0-24
	MOVQ to+0(FP), BX
	MOVQ picks+8(FP), AX
	MOVQ n+16(FP), CX
	LEAQ reading_probes(BX), DI

	LEAQ         ·fadeTable(SB), DX
	VBROADCASTSD ·fadeConstants+0(SB), Y12
	VBROADCASTSD ·fadeConstants+8(SB), Y13
	VBROADCASTSD ·fadeConstants+16(SB), Y14
	VBROADCASTSD ·fadeConstants+24(SB), Y15

pick:
	MOVQ         probe_row(DI), SI
	TESTQ        SI, SI
	JZ           copied
	ADDQ         reading_image(BX), SI
	MOVQ         probe_key(DI), R8
	CMPQ         const_offKey(SI), R8
	JNE          copied
	MOVL         $1, probe_found(DI)
	VXORPS       Y5, Y5, Y5
	CMPQ         pick_decays(AX), $0
	JEQ          faded
	MOVL         const_offStamp(SI), R8
	IMULQ        $const_tick, R8
	MOVQ         reading_since(BX), R9
	XORL         R10, R10
	SUBQ         R8, R9
	CMOVQMI      R10, R9
	VCVTSI2SDQ   R9, X5, X0
	VBROADCASTSD X0, Y0
	FADE4(pick_rates(AX))
	CMPQ         pick_decays(AX), $4
	JLE          faded
	VMOVAPS      X5, X8
	FADE4(pick_rates+32(AX))
	VINSERTF128  $1, X5, Y8, Y5

faded:
	VMOVUPS Y5, probe_by(DI)
	MOVQ    pick_blocks+8(AX), R12
	TESTQ   R12, R12
	JZ      copied
	MOVQ    pick_blocks(AX), R11
	MOVQ    reading_dst(BX), R10

block:
	MOVL      block_from(R11), R8
	MOVL      block_to(R11), R9
	VMOVDQU   block_by(R11), Y2
	VMOVUPS   (SI)(R8*1), Y1
	VPERMPS   Y5, Y2, Y3
	VMULPS    Y3, Y1, Y3
	VBLENDVPS Y2, Y3, Y1, Y1
	VMOVUPS   Y1, (R10)(R9*1)
	ADDQ      $block__size, R11
	DECQ      R12
	JNZ       block

copied:
	ADDQ $probe__size, DI
	ADDQ $pick__size, AX
	DECQ CX
	JNZ  pick
	VZEROUPPER
	RET

// func startProbesAVX2(to *reading, picks *pick, n int) (found int)
TEXT ·startProbesAVX2(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVQ reading_image(DI), R8
	MOVQ reading_keys(DI), R9
	MOVQ reading_keys+8(DI), R10
	MOVQ $0xff51afd7ed558ccd, R12 // of mixed
	MOVQ $0xc4ceb9fe1a85ec53, R13

	LEAQ reading_probes(DI), DI
	MOVQ picks+8(FP), SI
	MOVQ n+16(FP), CX

bucket:
	XORL  BX, BX
	MOVQ  BX, probe_row(DI)
	MOVL  BX, probe_found(DI)
	MOVQ  pick_key(SI), AX
	CMPQ  AX, R10
	JCC   begun
	MOVQ  (R9)(AX*8), BX
	TESTQ BX, BX
	JZ    begun

	MOVQ       BX, AX
	MOVQ       BX, DX
	SHRQ       $33, DX
	XORQ       DX, AX
	IMULQ      R12, AX
	MOVQ       AX, DX
	SHRQ       $33, DX
	XORQ       DX, AX
	IMULQ      R13, AX
	MOVQ       AX, DX
	SHRQ       $33, DX
	XORQ       DX, AX
	MOVWLZX    AX, R11
	CMPL       R11, $1              // the tag is at least 1
	ADCL       $0, R11
	MOVL       R11, probe_tag(DI)
	MULQ       pick_part+part_buckets(SI)
	SHLQ       $6, DX
	ADDQ       pick_part+part_index(SI), DX
	MOVQ       DX, probe_first(DI)
	PREFETCHT0 (R8)(DX*1)

begun:
	MOVQ BX, probe_key(DI)
	ADDQ $probe__size, DI
	ADDQ $pick__size, SI
	DECQ CX
	JNZ  bucket

	MOVQ to+0(FP), DI
	LEAQ reading_probes(DI), DI
	MOVQ picks+8(FP), SI
	MOVQ n+16(FP), CX
	XORL R12, R12                    // found

row:
	MOVQ         probe_key(DI), AX
	TESTQ        AX, AX
	JZ           next
	MOVQ         probe_first(DI), AX
	VPBROADCASTW probe_tag(DI), X0
	VPCMPEQW     (R8)(AX*1), X0, X1  // entries 0 to 7
	VMOVD        16(R8)(AX*1), X2    // entries 8 and 9, and zeros, which no tag equals
	VPCMPEQW     X2, X0, X2
	VPACKSSWB    X2, X1, X1
	VPMOVMSKB    X1, DX
	TESTL        DX, DX
	JZ           next
	BSFL         DX, DX
	LEAQ         (R8)(DX*4), DX
	MOVL         const_offEntries(DX)(AX*1), DX
	DECL         DX
	CMPQ         DX, pick_part+part_capacity(SI)
	JCC          next
	MOVQ         pick_part+part_stride(SI), BX
	IMULQ        BX, DX
	ADDQ         pick_part+part_rows(SI), DX
	MOVQ         DX, probe_row(DI)
	INCQ         R12
	ADDQ         R8, DX
	MOVQ         pick_reach(SI), BX
	ADDQ         DX, BX

line:
	PREFETCHT0 (DX)
	ADDQ       $64, DX
	CMPQ       DX, BX
	JCS        line
	PREFETCHT0 -1(BX)

next:
	ADDQ $probe__size, DI
	ADDQ $pick__size, SI
	DECQ CX
	JNZ  row
	MOVQ R12, found+24(FP)
	RET
